//! The identity server of the tests: a provider of OpenID Connect, of npm.

use std::path::Path;

use anyhow::Result;

use crate::npm;

const SOURCE: &str = "tests/identity";
/// Where the tests look for it.
const FOLDER: &str = "target/tools/identity";

/// Makes sure that it is there.
pub(crate) fn prepare(root: &Path) -> Result<()> {
    npm::install(&root.join(SOURCE), &root.join(FOLDER), &["provider.mjs"])
}
