//! `guide --follow`: shows a guide, looks again when somebody says so or after a while, and goes on by itself.
//!
//! Not for making the guide (`commands::guide`).

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use super::interrupt;
use super::terminal::prompt;
use super::terminal::screen::{self, printable};
use crate::guide::progress::{Changes, compare};
use crate::report::guide::GuideReport;
use crate::transport::ssh::PromptError;

/// How long a question waits when nobody watches: a month, which is for ever.
const FOR_EVER: Duration = Duration::from_secs(30 * 24 * 3600);

const QUESTION: &str = "Enter: look again, q: stop ";

/// What somebody wants after a guide was shown.
enum NextAction {
    /// Also when nobody answered in the time that was given.
    LookAgain,
    Stop,
}

/// Shows guides until somebody stops; returns the last one.
///
/// # Errors
///
/// Fails when there is no terminal, and when the first look fails.
pub fn follow(
    look: impl Fn() -> anyhow::Result<GuideReport>,
    show: impl Fn(&GuideReport) -> anyhow::Result<()>,
    watch: Option<Duration>,
) -> anyhow::Result<GuideReport> {
    anyhow::ensure!(
        io::stdin().is_terminal() && io::stdout().is_terminal(),
        "--follow asks on a terminal, and there is none: run preflight guide SITE after each step"
    );
    // From here on Ctrl-C ends the question, and not the program in the middle of a line.
    interrupt::stop_flag()?;
    let mut known = look()?;
    show(&known)?;
    loop {
        if let NextAction::Stop = next_action(watch)? {
            return Ok(known);
        }
        let seen = match look() {
            Ok(seen) => seen,
            // A site file that is being edited may be read half written.
            Err(error) if !interrupt::is_requested() => {
                anstream::eprintln!("cannot look: {}", printable(&format!("{error:#}")));
                continue;
            }
            Err(error) => return Err(error),
        };
        let changes = compare(&known.guide, &seen.guide);
        print_changes(&changes)?;
        if changes.moves_on {
            writeln!(screen::stdout())?;
            show(&seen)?;
        }
        known = seen;
    }
}

fn print_changes(changes: &Changes) -> io::Result<()> {
    if changes.lines.is_empty() {
        writeln!(screen::stdout(), "nothing has changed")?;
    }
    for line in &changes.lines {
        writeln!(screen::stdout(), "{}", printable(line))?;
    }
    Ok(())
}

fn next_action(watch: Option<Duration>) -> anyhow::Result<NextAction> {
    let answer = match prompt::wait_for_line(QUESTION, watch.unwrap_or(FOR_EVER)) {
        Err(PromptError::Interrupted) => return Ok(NextAction::Stop),
        answer => answer?,
    };
    Ok(match answer {
        // The terminal is gone, or this process was put into the background.
        None => NextAction::Stop,
        Some(Some(line)) if line.trim().eq_ignore_ascii_case("q") => NextAction::Stop,
        Some(_) => NextAction::LookAgain,
    })
}
