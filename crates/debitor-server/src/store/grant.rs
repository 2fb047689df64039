//! Whether a caller may do what it asks of a company, once an engine has found its right.

use super::{Error, Noun, Result};
use crate::domain::right::Right;

/// Refuses what the right is not enough for. Without any, the company does not exist.
pub(crate) fn admit(has: Right, needed: Right) -> Result<()> {
    match has {
        Right::None => Err(Error::NotFound(Noun::Company)),
        has if has < needed => Err(Error::ReadOnly),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_right_is_enough_for_less_and_none_is_no_company() {
        for needed in [Right::Read, Right::Write] {
            let none = admit(Right::None, needed);
            assert!(matches!(none, Err(Error::NotFound(Noun::Company))));
            admit(Right::Write, needed).unwrap();
        }
        admit(Right::Read, Right::Read).unwrap();
        assert!(matches!(
            admit(Right::Read, Right::Write),
            Err(Error::ReadOnly)
        ));
    }
}
