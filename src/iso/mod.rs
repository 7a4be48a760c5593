//! Reading, extending and writing ISO 9660 media: Rock Ridge, Joliet, El Torito, isohybrid and
//! the implanted media md5.

mod boot_digests;
mod bounded_reader;
pub mod bytemap;
mod create;
mod edits;
mod eltorito;
mod endian;
mod error;
mod extend;
mod layout;
mod medium;
mod name;
mod path_table;
mod planned_tree;
mod record;
mod second_tree;
mod sector_allocator;
mod system_use;
pub mod timestamp;
mod tree;
mod tree_reader;
mod volume;

pub use boot_digests::{BootDigests, compute_boot_digests};
pub use create::create;
pub use edits::{Edits, FileContent, PlacedFile, PlannedImage};
pub use eltorito::{BootCatalog, BootEntry, BootMedia, BootPlatform};
pub use error::IsoError;
pub use extend::extend;
pub use medium::{EntryKind, IsoEntry, JolietDifference, Medium};
pub use second_tree::find_second_tree;
pub use timestamp::Timestamp;

pub mod fat;
mod fat_disk;
pub mod media_md5;
pub mod partition_apm;
pub mod partition_gpt;
pub mod partition_mbr;
mod partition_range;
pub mod partition_report;
pub mod read_at;
pub mod system_area;
