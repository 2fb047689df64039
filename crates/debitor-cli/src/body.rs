//! Reading the body of a request; the generated commands call it for `--json-body`.

use std::io::{self, Read};
use std::path::Path;

/// The text of a file, or of standard input for `-`.
pub(crate) fn read(path: &Path) -> io::Result<String> {
    if path != Path::new("-") {
        return std::fs::read_to_string(path);
    }
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    Ok(text)
}
