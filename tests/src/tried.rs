//! What a test tried and measured, told whether it passes or not.

use std::fmt::Write as _;
use std::io::Write as _;

/// Prints a table of what was tried, under its title. Written past the test's own output, which nobody
/// sees unless it fails.
pub fn tell(title: &str, rows: &[(&str, String)]) {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut text = format!("\n{title}\n");
    for (name, figure) in rows {
        let _ = writeln!(text, "  {name:width$}  {figure}");
    }
    let _ = std::io::stderr().write_all(text.as_bytes());
}
