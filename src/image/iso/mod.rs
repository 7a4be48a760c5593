//! Reading, extending and writing ISO 9660 media: Rock Ridge, Joliet, El Torito, isohybrid and
//! the implanted media md5.

pub mod bytemap;
mod eltorito;
mod error;
mod medium;
mod name;
mod reader;
mod record;
mod scan;
mod susp;
pub mod timestamp;
mod tree;
mod volume;

pub use eltorito::{BootCatalog, BootEntry, BootMedia, Platform};
pub use error::IsoError;
pub use medium::{Entry, EntryKind, JolietDifference, Medium};
pub use timestamp::Timestamp;
