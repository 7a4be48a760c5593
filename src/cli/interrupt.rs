//! Ctrl-C while hosts are asked: the first ends the asking, the second ends the program.
//!
//! Not for commands that write images: those leave the old file or the new one, whenever they end.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Context;
use signal_hook::consts::SIGINT;
use signal_hook::flag;

use super::Exit;

/// Whether somebody asked to stop; true from the first Ctrl-C on.
pub fn watched() -> anyhow::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    // Registered before the flag is set by the second action: it only acts on the next Ctrl-C.
    flag::register_conditional_shutdown(SIGINT, Exit::Interrupted as i32, Arc::clone(&stop))
        .and_then(|_| flag::register(SIGINT, Arc::clone(&stop)))
        .context("cannot listen for SIGINT")?;
    Ok(stop)
}
