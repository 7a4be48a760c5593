//! Stub.

/// Stub.
pub fn facts() {}
