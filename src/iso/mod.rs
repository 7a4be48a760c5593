//! Reading, extending and writing ISO 9660 media: Rock Ridge, Joliet, El Torito, isohybrid and
//! the implanted media md5.

mod boot_digests;
pub mod bytemap;
mod create;
mod edits;
mod eltorito;
mod error;
mod extend;
mod layout;
mod medium;
mod name;
mod path_table;
mod planned;
mod reader;
mod record;
mod scan;
mod second_tree;
mod sectors;
mod susp;
pub mod timestamp;
mod tree;
mod volume;

pub use boot_digests::{BootDigests, boot_digests};
pub use create::create;
pub use edits::{Edits, Extended, PlacedFile, Source};
pub use eltorito::{BootCatalog, BootEntry, BootMedia, Platform};
pub use error::IsoError;
pub use extend::extend;
pub use medium::{Entry, EntryKind, JolietDifference, Medium};
pub use second_tree::second_tree;
pub use timestamp::Timestamp;

pub mod fat;
mod fat_disk;
pub mod media_md5;
pub mod partition_apm;
pub mod partition_gpt;
pub mod partition_mbr;
pub mod partition_report;
pub mod read_at;
pub mod system_area;
