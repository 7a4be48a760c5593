//! What Azure Resource Manager says of a Recovery Services vault: the answers as they were collected, and the facts
//! read from them. No I/O.
//!
//! Not for asking Azure (`transport`), nor for the stage that an item shows (`facts::stage`).

pub mod answers;
pub mod azure_vm;
pub mod beside_target;
pub mod facts;
pub mod hyperv;
pub mod item;
pub mod jobs;
pub mod keep;
pub mod machine;
pub mod matching;
pub mod object;
pub mod plan;
pub mod read;
pub mod registered;
mod replication;
mod server_in_azure;
pub mod servers;
pub mod shown;
pub mod survey;
pub mod troubles;
pub mod vault;
pub mod way_home;
pub mod words;

#[cfg(test)]
mod tests;
