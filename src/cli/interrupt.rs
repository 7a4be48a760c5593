//! Ctrl-C while collecting: the first ends the collection, the second ends the program.
//!
//! Not for commands that write images: those leave the old file or the new one, whenever they end.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use anyhow::Context;
use signal_hook::consts::SIGINT;
use signal_hook::flag;

use crate::cli::ExitStatus;

/// The flag of this run, shared so that an interruption is seen wherever it is looked for.
static STOP: Mutex<Option<Arc<AtomicBool>>> = Mutex::new(None);

/// Whether Ctrl-C was pressed.
pub fn is_requested() -> bool {
    let shared = STOP.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    shared.as_ref().is_some_and(|stop| stop.load(Ordering::Relaxed))
}

/// Returns the flag that is true from the first Ctrl-C on, and listens for it.
pub fn stop_flag() -> anyhow::Result<Arc<AtomicBool>> {
    let mut shared = STOP.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some(stop) = &*shared {
        return Ok(Arc::clone(stop));
    }
    let stop = Arc::new(AtomicBool::new(false));
    // Registered before the flag is set by the second action: it only acts on the next Ctrl-C.
    flag::register_conditional_shutdown(
        SIGINT,
        i32::from(ExitStatus::Interrupted.code()),
        Arc::clone(&stop),
    )
    .and_then(|_| flag::register(SIGINT, Arc::clone(&stop)))
    .context("cannot listen for SIGINT")?;
    Ok(Arc::clone(shared.insert(stop)))
}
