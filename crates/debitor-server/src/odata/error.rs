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

/// Refuses a text that is longer than the option may be, or that no store could hold.
pub(super) fn check_text(text: &str, longest: usize) -> Result<(), Error> {
    let column = |end: usize| {
        let before = text.char_indices().take_while(|(start, _)| *start <= end);
        before.count()
    };
    if text.len() > longest {
        let message = format!("longer than {longest} bytes");
        return Err(Error::new(column(longest), message));
    }
    match text.find('\0') {
        Some(at) => Err(Error::new(
            column(at),
            "no text may contain the character U+0000",
        )),
        None => Ok(()),
    }
}
