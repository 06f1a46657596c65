//! Writes the API's description to standard output: `cargo run -p api --example openapi > docs/openapi.json`.

use std::io::{Result, Write};

fn main() -> Result<()> {
    writeln!(std::io::stdout().lock(), "{:#}", api::document())
}
