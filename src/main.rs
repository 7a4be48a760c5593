//! The `preflight` program: parse, run, exit.

fn main() {}
