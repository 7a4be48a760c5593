//! Progress bars, drawn on standard error when it is a terminal.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::cli::terminal::screen::printable;
use crate::transport::fleet::JobEvent;

/// The most hosts with a line of their own.
const MAX_LINES: usize = 12;

/// A bar over a number of bytes; invisible when standard error is no terminal.
pub struct ByteProgress(ProgressBar);

impl ByteProgress {
    /// Starts a bar with a label and the total number of bytes.
    pub fn start(doing: &'static str, total: u64) -> Self {
        let bar = ProgressBar::new(total);
        let template = "{msg:>12} {bar:30} {bytes:>11} of {total_bytes:<11} {eta:>4}";
        bar.set_style(ProgressStyle::with_template(template).expect("the template is valid"));
        bar.set_message(doing);
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    /// Sets the number of bytes that are done.
    pub fn set_position(&self, done: u64) {
        self.0.set_position(done);
    }
}

impl Drop for ByteProgress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// The bars that are drawn now.
static BARS: Mutex<Option<MultiProgress>> = Mutex::new(None);

fn bars() -> std::sync::MutexGuard<'static, Option<MultiProgress>> {
    BARS.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Runs `work`, such as a prompt, while no bars are drawn.
pub fn suspended<T>(work: impl FnOnce() -> T) -> T {
    let bars = bars().clone();
    match bars {
        Some(bars) => bars.suspend(work),
        None => work(),
    }
}

/// A line for each host that is being collected from, and a count of all; invisible when standard
/// error is no terminal.
pub struct HostProgress {
    all: MultiProgress,
    total: ProgressBar,
    active: BTreeMap<String, ProgressBar>,
    failed: usize,
}

impl HostProgress {
    /// Starts counting.
    pub fn start(hosts: usize) -> Self {
        let all = MultiProgress::new();
        let total = all.add(ProgressBar::new(hosts as u64));
        let template = "{bar:30} {pos} of {len} hosts {msg}";
        total.set_style(ProgressStyle::with_template(template).expect("the template is valid"));
        total.enable_steady_tick(Duration::from_millis(200));
        *bars() = Some(all.clone());
        Self { all, total, active: BTreeMap::new(), failed: 0 }
    }

    /// Updates the bars for an event of a host.
    pub fn update(&mut self, event: JobEvent<'_>) {
        if self.total.is_hidden() {
            return;
        }
        match event {
            JobEvent::Started(target) if self.active.len() < MAX_LINES => {
                let line = self.all.insert_before(&self.total, ProgressBar::new_spinner());
                let template = "{spinner} {msg} {elapsed}";
                let style = ProgressStyle::with_template(template).expect("the template is valid");
                line.set_style(style);
                line.set_message(printable(target));
                line.enable_steady_tick(Duration::from_millis(200));
                self.active.insert(target.to_owned(), line);
            }
            JobEvent::Started(_) => {}
            JobEvent::Finished { target, answered } => {
                if let Some(line) = self.active.remove(target) {
                    line.finish_and_clear();
                    self.all.remove(&line);
                }
                self.failed += usize::from(!answered);
                if self.failed > 0 {
                    self.total.set_message(format!("({} did not answer)", self.failed));
                }
                self.total.inc(1);
            }
        }
    }
}

impl Drop for HostProgress {
    fn drop(&mut self) {
        bars().take();
        for line in self.active.values() {
            line.finish_and_clear();
        }
        self.total.finish_and_clear();
    }
}

/// A count of what has come, of which nobody knows how much there will be; invisible when standard error is no
/// terminal.
pub struct CountProgress(ProgressBar);

impl CountProgress {
    /// Starts counting.
    pub fn start(what: &'static str) -> Self {
        let bar = ProgressBar::new_spinner();
        let style = ProgressStyle::with_template("{spinner} {pos} {msg} {elapsed}");
        bar.set_style(style.expect("the template is valid"));
        bar.set_message(what);
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    /// Sets the count.
    pub fn set(&self, count: usize) {
        self.0.set_position(count as u64);
    }
}

impl Drop for CountProgress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
