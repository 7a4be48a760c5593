//! Reading, extending and writing ISO 9660 media: Rock Ridge, Joliet, El Torito, isohybrid and
//! the implanted media md5.

pub mod bytemap;
mod create;
mod eltorito;
mod error;
mod extend;
mod layout;
pub mod media_md5;
mod medium;
mod name;
pub mod partition_apm;
pub mod partition_gpt;
pub mod partition_mbr;
mod path_table;
mod planned;
pub mod read_at;
mod reader;
mod record;
mod scan;
mod susp;
pub mod system_area;
pub mod timestamp;
mod tree;
mod volume;

pub use create::create;
pub use eltorito::{BootCatalog, BootEntry, BootMedia, Platform};
pub use error::IsoError;
pub use extend::{Edits, Extended, PlacedFile, Source, extend};
pub use medium::{Entry, EntryKind, JolietDifference, Medium};
pub use timestamp::Timestamp;
