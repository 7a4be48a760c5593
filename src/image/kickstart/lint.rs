//! Stub.

/// Stub.
pub fn lint() {}
