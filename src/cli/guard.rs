//! What keeps this process's memory to itself, from its first moment on: passwords and private keys
//! stand in it, and whoever asks for a core file of it would have them.

use anyhow::Context;
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// Keeps this process out of core files, and out of reach of others of the same user. Programs that
/// it starts leave no core files either.
pub fn keep_memory_private() -> anyhow::Result<()> {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    setrlimit(Resource::Core, none).context("cannot switch core files off")?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable).context("cannot guard the memory")
}
