//! Ctrl-C while hosts are asked: the first ends the asking, the second ends the program.
//!
//! Not for commands that write images: those leave the old file or the new one, whenever they end.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use anyhow::Context;
use signal_hook::consts::SIGINT;
use signal_hook::flag;

use crate::cli::ExitStatus;

/// The one flag of this run: whoever looks for an interruption sees every one before it, too.
static STOP: Mutex<Option<Arc<AtomicBool>>> = Mutex::new(None);

/// Whether somebody has asked to stop.
pub fn is_requested() -> bool {
    let known = STOP.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    known.as_ref().is_some_and(|stop| stop.load(Ordering::Relaxed))
}

/// Whether somebody asked to stop; true from the first Ctrl-C on.
pub fn stop_flag() -> anyhow::Result<Arc<AtomicBool>> {
    let mut known = STOP.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some(stop) = &*known {
        return Ok(Arc::clone(stop));
    }
    let stop = Arc::new(AtomicBool::new(false));
    // Registered before the flag is set by the second action: it only acts on the next Ctrl-C.
    flag::register_conditional_shutdown(SIGINT, ExitStatus::Interrupted as i32, Arc::clone(&stop))
        .and_then(|_| flag::register(SIGINT, Arc::clone(&stop)))
        .context("cannot listen for SIGINT")?;
    Ok(Arc::clone(known.insert(stop)))
}
