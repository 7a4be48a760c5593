//! A partition of an image in bytes, whichever table it stands in.
//!
//! Not for the tables themselves (`partition_mbr`, `partition_gpt`, `partition_apm`).

/// A partition, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionRange {
    /// Its number in its table.
    pub number: usize,
    /// Its first byte.
    pub start: u64,
    /// The byte after its last.
    pub end: u64,
}
