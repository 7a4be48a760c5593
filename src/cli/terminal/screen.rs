//! Printable text without control characters, colours, links, and logging to standard error.

use std::fmt;
use std::io::{self, Stdout, Write};

use anstream::stream::RawStream;
use anstream::{AutoStream, ColorChoice};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::registry::LookupSpan;

use crate::report::{Style, is_unprintable};

/// Sends log events to standard error; `verbose` is the number of `-v`.
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
        .event_format(OneLine)
        .init();
}

/// Returns the columns of a report for people: those of the terminal, between 40 and 120; 80 when there is none.
pub fn report_width() -> usize {
    let size = rustix::termios::tcgetwinsize(std::io::stdout());
    match size.map_or(0, |size| usize::from(size.ws_col)) {
        0 => 80,
        columns => columns.clamp(40, 120),
    }
}

/// Whether `-v` was given.
pub fn is_verbose() -> bool {
    LevelFilter::current() >= LevelFilter::INFO
}

/// Formats an event as one line of printable text, because it may contain text from a server.
struct OneLine;

impl<S, N> FormatEvent<S, N> for OneLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut text = String::new();
        context.field_format().format_fields(Writer::new(&mut text), event)?;
        let text = printable(&text).replace('\n', "\\n");
        let level = *event.metadata().level();
        let colour = match level {
            Level::ERROR => anstyle::AnsiColor::Red,
            Level::WARN => anstyle::AnsiColor::Yellow,
            Level::INFO => anstyle::AnsiColor::Green,
            _ => anstyle::AnsiColor::Blue,
        };
        if writer.has_ansi_escapes() {
            let style = colour.on_default();
            writeln!(writer, "{style}{level:>5}{style:#} {text}")
        } else {
            writeln!(writer, "{level:>5} {text}")
        }
    }
}

/// Whether a stream gets colour: as `--color` says, else as NO_COLOR, CLICOLOR_FORCE and CLICOLOR do, else when it is a terminal that has them.
pub fn colour_on(stream: &impl RawStream) -> bool {
    AutoStream::choice(stream) != ColorChoice::Never
}

/// Takes what `--color` says, for everything that is printed from here on.
pub fn choose_colour(choice: clap::ColorChoice) {
    let choice = match choice {
        clap::ColorChoice::Auto => ColorChoice::Auto,
        clap::ColorChoice::Always => ColorChoice::Always,
        clap::ColorChoice::Never => ColorChoice::Never,
    };
    choice.write_global();
}

/// Returns how a report for people is to look on a stream.
pub fn style(stream: &impl RawStream) -> Style {
    let colour = colour_on(stream);
    let is_forced = std::env::var_os("FORCE_HYPERLINK").is_some();
    let may_link = if is_forced {
        ColorChoice::global() != ColorChoice::Never
    } else {
        colour && stream.is_terminal()
    };
    Style {
        colour,
        links: may_link && supports_hyperlinks::supports_hyperlinks(),
        width: report_width(),
        lists_passed: is_verbose(),
        is_brief: false,
    }
}

/// A stream for what people or programs read. That a reader went away is no failure: what it did not want is dropped, and the exit status
/// says what it would have said.
pub struct Printed<S>(pub S);

impl<S: Write> Write for Printed<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(bytes.len()),
            written => written,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.0.flush() {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            flushed => flushed,
        }
    }
}

/// Returns standard output, for printing.
pub fn stdout() -> Printed<Stdout> {
    Printed(io::stdout())
}

/// Returns a text with characters that could control a terminal escaped.
pub fn printable(text: &str) -> String {
    let spell = |c: char| match c {
        '\n' => "\n".to_owned(),
        c if is_unprintable(c) => c.escape_default().to_string(),
        c => c.to_string(),
    };
    text.chars().map(spell).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct LogBuffer(Arc<Mutex<Vec<u8>>>);

    impl Write for LogBuffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no panic").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn text_of_a_server_is_one_printable_line_of_the_log() {
        let buffer = LogBuffer::default();
        let writer = buffer.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(LevelFilter::DEBUG)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .event_format(OneLine)
            .finish();
        let hostile = "a\u{1b}[2J\nWARN forged\u{202e}\u{3164}\r";
        tracing::subscriber::with_default(subscriber, || {
            tracing::debug!(answer = hostile, banner = %hostile, "it says {hostile}");
        });
        let text = String::from_utf8(buffer.0.lock().expect("no panic").clone()).expect("text");
        assert_eq!(text.matches('\n').count(), 1, "{text}");
        assert!(text.starts_with("DEBUG it says a"), "{text}");
        let text = text.trim_end();
        assert!(!text.chars().any(is_unprintable), "{text}");
    }
}
