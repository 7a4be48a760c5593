//! Progress of long work, drawn on a terminal's standard error and nowhere else.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar over a number of bytes; invisible when standard error is no terminal.
pub struct Bytes(ProgressBar);

impl Bytes {
    /// Starts a bar with what is being done and how many bytes that takes.
    pub fn start(doing: &'static str, total: u64) -> Self {
        let bar = ProgressBar::new(total);
        let template = "{msg:>12} {bar:30} {bytes:>11} of {total_bytes:<11} {eta:>4}";
        bar.set_style(ProgressStyle::with_template(template).expect("the template is valid"));
        bar.set_message(doing);
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    /// Tells that this many bytes are done.
    pub fn at(&self, done: u64) {
        self.0.set_position(done);
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
