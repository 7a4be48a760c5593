//! The agents on a host: the replication agent, the Azure guest agent, and what ApplyCustomChanges
//! leaves behind.

pub mod azure_agent;
pub mod custom_changes;
pub mod unified_agent;
