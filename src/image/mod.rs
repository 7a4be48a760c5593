//! Recipe to plan to kickstart to payload to ISO to manifest, and back: an ISO to facts.

pub mod agent;
pub mod boot;
pub mod disc_path;
pub mod firstboot;
pub mod free_space;
pub mod iso;
pub mod kickstart;
pub mod manifest;
pub mod profile;
pub mod recipe;
pub mod replacement;
pub mod setting;
pub mod system;
pub mod value;
pub mod writing;
