//! Writes the goldens of the generator's tests anew: `cargo run -p debitor-codegen --example goldens`.

#![allow(
    clippy::expect_used,
    reason = "a developer's tool that stops where it cannot go on"
)]

#[path = "../tests/it/golden.rs"]
mod golden;

#[expect(
    clippy::disallowed_methods,
    reason = "half a golden shows in the next comparison"
)]
fn main() -> std::io::Result<()> {
    for (fixture, chosen) in golden::GOLDENS {
        std::fs::write(golden::path(fixture), golden::text(fixture, chosen))?;
    }
    Ok(())
}
