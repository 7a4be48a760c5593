//! Recipe to plan to kickstart to payload to ISO to manifest, and back: an ISO to facts.

pub mod compose;
pub mod custom_medium;
pub mod debian_medium;
pub mod delta;
pub mod dry_run;
pub mod file_digests;
pub mod free_space;
pub mod included_menus;
pub mod inspect;
pub mod manifest;
pub mod md5_list;
pub mod menus;
pub mod payload;
pub mod payload_file;
pub mod plan;
pub mod recipe;
pub mod resolve;
pub mod setting;
pub mod static_program;
pub mod treeinfo;
pub mod vendor_repositories;
pub mod writing;
