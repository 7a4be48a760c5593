//! What Azure Resource Manager says of a Recovery Services vault: the answers as they were collected, and the facts
//! read from them. No I/O.
//!
//! Not for asking Azure (`transport`), nor for the stage that an item shows (`facts::stage`).

pub mod answers;
pub mod keep;
pub mod object;
pub mod read;
pub mod vault;
