//! Plots.
use crate::results::Results;
pub(crate) fn draw(_: &Results, _: &std::path::Path) -> anyhow::Result<()> { Ok(()) }
