//! Recipe to plan to kickstart to payload to ISO to manifest, and back: an ISO to facts.

pub mod agent;
pub mod boot;
pub mod closure;
pub mod compose;
pub mod description;
pub mod disc_path;
pub mod firstboot;
pub mod free_space;
pub mod generation;
pub mod inspect;
pub mod iso;
pub mod kickstart;
pub mod manifest;
pub mod menus;
pub mod on_disc;
pub mod payload;
pub mod plan;
pub mod profile;
pub mod recipe;
pub mod replacement;
pub mod repository;
pub mod setting;
pub mod system;
pub mod value;
pub mod vm;
pub mod writing;
