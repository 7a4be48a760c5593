//! Keeps the memory of this process private, because it holds passwords and private keys: a core
//! file would contain them.

use anyhow::Context;
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// Disables core files for this process and those it starts, and denies other processes of the same
/// user access to its memory.
pub fn keep_memory_private() -> anyhow::Result<()> {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    setrlimit(Resource::Core, none).context("cannot switch core files off")?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable).context("cannot guard the memory")
}
