//! Texts that stand nowhere by chance, and the search for them.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fastrand::Rng;

/// Every canary ends with one of these, in any letter case, behind as many characters of its own. An index
/// that leaves out the beginnings of words, as they are those of the words before, has the ends all the same.
const LETTERS: &str = "qzxjvkwy";
const DIGITS: &str = "73916482";
const OWN: usize = 8;

/// Makes canaries, and finds them.
pub(super) struct Canaries {
    random: Rng,
    count: usize,
    /// What is looked for, in lower case, by its first byte.
    needles: [Vec<Vec<u8>>; 256],
}

impl Canaries {
    pub(super) fn new() -> Self {
        let mut canaries = Self {
            random: Rng::with_seed(1000),
            count: 0,
            needles: [const { Vec::new() }; 256],
        };
        for marker in [LETTERS, DIGITS] {
            canaries.look_for(marker);
            canaries.look_for(&percent_encoded(marker));
            canaries.look_for(&escaped(marker));
        }
        // Part of a token, wherever in three bytes it begins.
        for skipped in 0..3 {
            let bytes = [&vec![b' '; skipped], mixed().as_bytes()].concat();
            // What is of the canary alone.
            let (from, to) = ((8 * skipped).div_ceil(6), 8 * bytes.len() / 6);
            canaries.look_for(&URL_SAFE_NO_PAD.encode(bytes)[from..to]);
        }
        canaries
    }

    /// Has something else looked for.
    pub(super) fn look_for(&mut self, text: &str) {
        let needle = text.to_ascii_lowercase().into_bytes();
        self.needles[usize::from(needle[0])].push(needle);
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// A new one, of letters and digits.
    pub(super) fn word(&mut self) -> String {
        self.count += 1;
        let own = (0..OWN).map(|_| self.random.alphanumeric());
        let own: String = own.collect();
        own + &mixed()
    }

    /// A new one, of digits.
    pub(super) fn digits(&mut self) -> String {
        self.count += 1;
        let own = (0..OWN).map(|_| self.random.digit(10));
        format!("{}{DIGITS}", own.collect::<String>())
    }

    /// The canaries in the bytes, each with what stands before it.
    pub(super) fn found_in(&self, bytes: &[u8]) -> BTreeSet<String> {
        let bytes = bytes.to_ascii_lowercase();
        let mut found = BTreeSet::new();
        for (at, first) in bytes.iter().enumerate() {
            for needle in &self.needles[usize::from(*first)] {
                if bytes[at..].starts_with(needle) {
                    let canary = &bytes[at.saturating_sub(OWN)..at + needle.len()];
                    found.insert(String::from_utf8_lossy(canary).into_owned());
                }
            }
        }
        found
    }
}

/// The end of words, with something that folding changes.
fn mixed() -> String {
    LETTERS[..3].to_uppercase() + &LETTERS[3..]
}

/// With every character in its percent-encoded form.
pub(super) fn percent_encoded(text: &str) -> String {
    let bytes: Vec<_> = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
    bytes.concat()
}

/// With every character in an escaped form of JSON.
pub(super) fn escaped(text: &str) -> String {
    let bytes: Vec<_> = text.bytes().map(|byte| format!("\\u{byte:04x}")).collect();
    bytes.concat()
}

#[test]
fn canaries_are_found_in_whatever_form() {
    let mut canaries = Canaries::new();
    let (word, digits) = (canaries.word(), canaries.digits());
    let token = URL_SAFE_NO_PAD.encode(format!("{{\"sub\":\"{word}\"}}"));
    for text in [
        word.clone(),
        word.to_lowercase(),
        format!("+49 {digits}"),
        percent_encoded(&word.to_lowercase()),
        escaped(&word.to_lowercase()),
        format!("x.{token}.y"),
    ] {
        let text = format!("\u{0}{text}\u{0}");
        assert_eq!(canaries.found_in(text.as_bytes()).len(), 1, "{text}");
    }
    assert!(canaries.found_in(b"nothing of the kind 73916").is_empty());
}
