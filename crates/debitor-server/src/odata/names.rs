//! Properties by the names that requests use, and the nearest ones of a name that is none.

use debitor_api::support::properties::Property;

use super::error::quoted;

/// The property of this path, in any letter case; else what to tell of it.
pub(super) fn property<P: Property>(name: &str) -> Result<P, String> {
    let mut all = P::ALL.iter().copied();
    all.find(|own| own.path().eq_ignore_ascii_case(name))
        .ok_or_else(|| unknown::<P>(name))
}

/// What to tell of a name that is no property's.
fn unknown<P: Property>(name: &str) -> String {
    let inner: Vec<_> = paths::<P>()
        .filter(|path| starts_with_object(path, name))
        .collect();
    let shown = quoted(name);
    if !inner.is_empty() {
        return format!("{shown} is an object: name a part of it, {}", list(&inner));
    }
    match &nearest(name, paths::<P>())[..] {
        [] => format!(
            "{shown} names no property; there are {}",
            list(&paths::<P>().collect::<Vec<_>>())
        ),
        near => format!("{shown} names no property; perhaps {}", list(near)),
    }
}

fn paths<P: Property>() -> impl Iterator<Item = &'static str> {
    P::ALL.iter().map(|property| property.path())
}

/// Whether the path leads into the object of this name.
pub(super) fn starts_with_object(path: &str, name: &str) -> bool {
    path.split_once('/')
        .is_some_and(|(object, _)| object.eq_ignore_ascii_case(name))
}

/// `a`, `b` or `c`.
pub(super) fn list(names: &[&str]) -> String {
    let shown: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    match &shown[..] {
        [] => String::new(),
        [one] => one.clone(),
        [all @ .., last] => format!("{} or {last}", all.join(", ")),
    }
}

/// The names, three at most, that are spelt most like this one, the nearest first.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    const MOST: usize = 3;
    const LONGEST: usize = 60;
    // What is so much longer than any name is like none of them; comparing it would take long.
    if name.len() > LONGEST {
        return Vec::new();
    }
    let name: Vec<char> = name.to_lowercase().chars().collect();
    let mut near: Vec<_> = known
        .map(|own| (distance_to(&name, own), own))
        .filter(|(distance, _)| *distance <= name.len().div_ceil(3))
        .collect();
    near.sort_by_key(|(distance, _)| *distance);
    let best = near.first().map_or(0, |(distance, _)| *distance);
    near.retain(|(distance, _)| *distance <= best + 1);
    near.into_iter().take(MOST).map(|(_, own)| own).collect()
}

/// To the path or to its last name, whichever is nearer.
fn distance_to(name: &[char], path: &str) -> usize {
    let last = path.rsplit('/').next().unwrap_or(path);
    [path, last]
        .map(|own| {
            let own: Vec<char> = own.to_lowercase().chars().collect();
            distance(name, &own)
        })
        .into_iter()
        .min()
        .unwrap_or(usize::MAX)
}

/// How many characters must be put in, taken out or exchanged to make one of the other.
fn distance(one: &[char], other: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, a) in one.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], line + 1);
        for (column, b) in other.iter().enumerate() {
            let exchanged = diagonal + usize::from(a != b);
            diagonal = row[column + 1];
            row[column + 1] = exchanged.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use debitor_api::properties::{CompanyProperty, CustomerProperty};

    use super::*;

    #[test]
    fn properties_are_known_in_any_letter_case() {
        assert_eq!(property("DISPLAYNAME"), Ok(CustomerProperty::DisplayName));
        assert_eq!(property("Address/City"), Ok(CustomerProperty::AddressCity));
    }

    #[track_caller]
    fn check(name: &str, expected: &str) {
        assert_eq!(property::<CustomerProperty>(name).unwrap_err(), expected);
    }

    #[test]
    fn the_nearest_names_are_told() {
        check(
            "dsplayName",
            "`dsplayName` names no property; perhaps `displayName`",
        );
        check("city", "`city` names no property; perhaps `address/city`");
        check(
            "paymentTermId",
            "`paymentTermId` names no property; perhaps `paymentTermsId`",
        );
        check(
            "address",
            "`address` is an object: name a part of it, `address/street`, `address/city`, \
             `address/state`, `address/countryLetterCode` or `address/postalCode`",
        );
    }

    #[test]
    fn a_name_like_no_other_gets_all_of_them() {
        assert_eq!(
            property::<CompanyProperty>("zzz").unwrap_err(),
            "`zzz` names no property; there are `id`, `name`, `displayName`, `systemVersion` or \
             `businessProfileId`"
        );
        let long = property::<CompanyProperty>(&"x".repeat(4096)).unwrap_err();
        assert!(long.starts_with("`xxxx") && long.len() < 200, "{long}");
    }

    #[test]
    fn distances() {
        for (one, other, expected) in [("", "", 0), ("ab", "", 2), ("kitten", "sitting", 3)] {
            let characters = |text: &str| text.chars().collect::<Vec<_>>();
            assert_eq!(distance(&characters(one), &characters(other)), expected);
        }
    }
}
