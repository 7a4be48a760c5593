//! Azure Resource Manager, read-only: what it says of one Recovery Services vault and of the Azure side of the machines
//! in it.
//!
//! One run: a token, the vault, its lists, each item; GETs and nothing else. Not for what the answers mean: that is
//! `facts::azure`.

pub mod address;
pub mod api;
pub mod body;
pub mod client;
pub mod cloud;
mod collect;
pub mod export;
mod export_pages;
pub mod link;
mod plan;
mod refusal;
pub mod resource;
mod retry;
pub mod token;

pub use collect::{AzureQuery, CollectedVault};
