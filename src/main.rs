//! The `preflight` program: parse, run, exit.

use std::process::ExitCode;

fn main() -> ExitCode {
    preflight::cli::main()
}
