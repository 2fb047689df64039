//! What is wrong with the text of a query option, and where.

use debitor_api::Fault;

/// A fault in the text of an option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// The column of the decoded value, in characters from 1.
    pub at: usize,
    pub message: String,
}

impl Error {
    pub(super) fn new(at: usize, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { at, message }
    }

    /// As answers tell it. The option is named without its `$`.
    pub fn fault(self, option: &'static str) -> Fault {
        Fault {
            code: option,
            message: format!("at character {}: {}", self.at, self.message),
            target: format!("${option}"),
        }
    }
}

/// The text in backquotes, cut where it would fill the answer.
pub(super) fn quoted(text: &str) -> String {
    const LONGEST: usize = 40;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("`{}…`", &text[..end]),
        None => format!("`{text}`"),
    }
}

/// Refuses a text that is longer than options may be.
pub(super) fn check_length(text: &str, longest: usize) -> Result<(), Error> {
    if text.len() <= longest {
        return Ok(());
    }
    let at = text
        .char_indices()
        .take_while(|(index, _)| *index <= longest)
        .count();
    let message = format!("longer than {longest} bytes");
    Err(Error::new(at, message))
}
