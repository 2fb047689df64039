//! The browser in which the tests open the page of docs.

use anyhow::Result;

use crate::process::need;

/// Makes sure that Debian's Chromium and its driver are there.
pub(crate) fn prepare() -> Result<()> {
    need(
        &["chromium", "--version"],
        &["chromium", "fonts-liberation"],
    )?;
    need(&["chromedriver", "--version"], &["chromium-driver"])
}
