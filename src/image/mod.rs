//! Recipe to plan to kickstart to payload to ISO to manifest, and back: an ISO to facts.

pub mod agent;
pub mod boot;
pub mod disc_path;
pub mod firstboot;
pub mod iso;
pub mod kickstart;
