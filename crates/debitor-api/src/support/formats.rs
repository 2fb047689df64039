//! The formats of strings, each as strict as the document says and no stricter.

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

/// A GUID with its four hyphens, in any case.
pub fn uuid(text: &str) -> Option<Uuid> {
    // The crate also takes braces, `urn:uuid:` and bare digits, which the format does not have.
    if text.len() == 36 {
        Uuid::try_parse(text).ok()
    } else {
        None
    }
}

/// A day, such as `2026-04-01`.
pub fn date(text: &str) -> Option<NaiveDate> {
    // The crate also takes signs, spaces and single digits.
    let full = text.len() == 10 && shape(text, "dddd-dd-dd");
    if full { text.parse().ok() } else { None }
}

/// An instant of RFC 3339, with at most nine digits of a second's fraction.
pub fn date_time(text: &str) -> Option<DateTime<Utc>> {
    let start = text.get(..19)?;
    let separated = shape(start, "dddd-dd-ddTdd:dd:dd");
    let fraction = text.get(19..)?.strip_prefix('.').map_or(0, digits);
    if !separated || fraction > 9 {
        return None;
    }
    DateTime::parse_from_rfc3339(text)
        .ok()
        .map(|instant| instant.with_timezone(&Utc))
}

/// An absolute URI.
pub fn uri(text: &str) -> bool {
    // The parser mends spaces and control characters, which a URI does not have.
    text.bytes().all(|byte| byte.is_ascii_graphic()) && url::Url::parse(text).is_ok()
}

/// Something at a host: the least that every e-mail address has.
pub fn email(text: &str) -> bool {
    let Some((local, host)) = text.rsplit_once('@') else {
        return false;
    };
    let legal = |c: char| !c.is_whitespace() && !c.is_control() && !",;<>()[]\"".contains(c);
    !local.is_empty()
        && local.chars().all(|c| legal(c) && c != '@')
        && host
            .split('.')
            .all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'))
        && host
            .chars()
            .all(|c| c.is_alphanumeric() || c == '.' || c == '-')
}

fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

/// Whether the text has digits where the pattern has `d`, and else the pattern's own characters.
fn shape(text: &str, pattern: &str) -> bool {
    text.len() == pattern.len()
        && text
            .bytes()
            .zip(pattern.bytes())
            .all(|(byte, wanted)| match wanted {
                b'd' => byte.is_ascii_digit(),
                b'T' => byte.eq_ignore_ascii_case(&b'T'),
                _ => byte == wanted,
            })
}
