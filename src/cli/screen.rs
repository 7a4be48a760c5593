//! Standard output and error as people see them: text without control characters, logging.

use std::io::IsTerminal;

use tracing_subscriber::filter::LevelFilter;

use crate::report::acts_on_terminal;

/// Sends what modules log to standard error; `verbose` counts the `-v`.
pub fn log_to_stderr(verbose: u8) {
    let level = match verbose {
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        _ => LevelFilter::DEBUG,
    };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_ansi(colour_on(&std::io::stderr()))
        .with_target(false)
        .without_time()
        .init();
}

/// Whether a stream wants colour: a terminal, and neither NO_COLOR nor TERM=dumb.
pub fn colour_on(stream: &impl IsTerminal) -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    stream.is_terminal() && !set("NO_COLOR") && !dumb
}

/// A text with what would act on a terminal spelt out.
pub fn printable(text: &str) -> String {
    let spell = |c: char| match c {
        '\n' => "\n".to_owned(),
        c if acts_on_terminal(c) => c.escape_default().to_string(),
        c => c.to_string(),
    };
    text.chars().map(spell).collect()
}
