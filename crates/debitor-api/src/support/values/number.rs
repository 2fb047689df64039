//! Numbers: their ranges.

use std::marker::PhantomData;

use super::{Reader, TextReader, wrong_type};
use crate::support::Faults;
use crate::support::decode::Place;
use crate::support::json::Json;

/// An integer.
#[derive(Debug, Clone, Copy)]
pub struct Integer<T> {
    minimum: i64,
    maximum: i64,
    kind: PhantomData<T>,
}

impl Integer<i32> {
    /// Any integer of 32 bits.
    pub const fn int32() -> Self {
        Self {
            minimum: i32::MIN as i64,
            maximum: i32::MAX as i64,
            kind: PhantomData,
        }
    }
}

impl Integer<i64> {
    /// Any integer of 64 bits.
    pub const fn int64() -> Self {
        Self {
            minimum: i64::MIN,
            maximum: i64::MAX,
            kind: PhantomData,
        }
    }
}

impl<T> Integer<T> {
    /// No smaller than this.
    #[must_use]
    pub const fn minimum(self, minimum: i64) -> Self {
        Self { minimum, ..self }
    }

    /// No greater than this.
    #[must_use]
    pub const fn maximum(self, maximum: i64) -> Self {
        Self { maximum, ..self }
    }
}

impl<T: TryFrom<i64>> Integer<T> {
    fn check(&self, number: i128, at: &Place<'_>, faults: &mut Faults) -> Option<T> {
        if number < i128::from(self.minimum) {
            faults.add("minimum", at, format!("must be at least {}", self.minimum));
            return None;
        }
        if number > i128::from(self.maximum) {
            faults.add("maximum", at, format!("must be at most {}", self.maximum));
            return None;
        }
        i64::try_from(number)
            .ok()
            .and_then(|number| T::try_from(number).ok())
    }
}

impl<T: TryFrom<i64>> Reader for Integer<T> {
    type Value = T;

    fn read(&self, json: Json, at: &Place<'_>, faults: &mut Faults) -> Option<T> {
        let Json::Number(number) = &json else {
            return wrong_type("an integer", &json, at, faults);
        };
        let Some(number) = number.as_i128().or_else(|| whole(number.as_f64()?)) else {
            return wrong_type("an integer", &json, at, faults);
        };
        self.check(number, at, faults)
    }
}

impl<T: TryFrom<i64>> TextReader for Integer<T> {
    fn read_text(&self, text: &str, at: &Place<'_>, faults: &mut Faults) -> Option<T> {
        // Rust also parses a leading `+`, which a JSON number does not have.
        let number = text.parse::<i128>().ok().filter(|_| !text.starts_with('+'));
        if number.is_none() {
            faults.add("type", at, "must be an integer");
        }
        self.check(number?, at, faults)
    }
}

/// The integer that a number such as `1.0` or `1e3` is.
fn whole(number: f64) -> Option<i128> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() != 0.0 || number.abs() > EXACT {
        return None;
    }
    // Within the bounds above the text of a whole number is that of an integer.
    format!("{number}").parse().ok()
}

/// A number of any kind.
#[derive(Debug, Clone, Copy, Default)]
pub struct Real {
    minimum: Option<f64>,
    maximum: Option<f64>,
}

impl Real {
    /// Any number.
    pub const fn new() -> Self {
        Self {
            minimum: None,
            maximum: None,
        }
    }

    /// No smaller than this.
    #[must_use]
    pub const fn minimum(self, minimum: f64) -> Self {
        Self {
            minimum: Some(minimum),
            ..self
        }
    }

    /// No greater than this.
    #[must_use]
    pub const fn maximum(self, maximum: f64) -> Self {
        Self {
            maximum: Some(maximum),
            ..self
        }
    }
}

impl Reader for Real {
    type Value = f64;

    fn read(&self, json: Json, at: &Place<'_>, faults: &mut Faults) -> Option<f64> {
        let Json::Number(number) = &json else {
            return wrong_type("a number", &json, at, faults);
        };
        let number = number.as_f64()?;
        if let Some(minimum) = self.minimum.filter(|minimum| number < *minimum) {
            faults.add("minimum", at, format!("must be at least {minimum}"));
            return None;
        }
        if let Some(maximum) = self.maximum.filter(|maximum| number > *maximum) {
            faults.add("maximum", at, format!("must be at most {maximum}"));
            return None;
        }
        Some(number)
    }
}
