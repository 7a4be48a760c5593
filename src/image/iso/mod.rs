//! Reading, extending and writing ISO 9660 media: Rock Ridge, Joliet, El Torito, isohybrid and
//! the implanted media md5.

pub mod bytemap;

pub mod media_md5;
pub mod partition_apm;
pub mod partition_gpt;
pub mod partition_mbr;
pub mod read_at;
pub mod system_area;
