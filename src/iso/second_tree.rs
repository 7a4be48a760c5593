//! A second directory tree, which xorriso writes with `-partition_offset`: the first partition of
//! such a disk starts behind sector 0 and has volume descriptors of its own.
//!
//! Not for reading that tree.

use super::partition_report;
use super::read_at::ReadAt;

/// The offset of the volume descriptors in a partition.
const DESCRIPTORS: u64 = 16 * 2048;

/// Returns the offset of a volume descriptor that belongs to a partition and not to the whole
/// image.
pub fn find_second_tree(image: &dyn ReadAt, len: u64) -> Option<u64> {
    let report = partition_report::check_partition_tables(image, len).ok()?;
    let partitions = report.tables.iter().flat_map(|(_, partitions)| partitions);
    let starts = partitions.map(|partition| partition.start).filter(|start| *start > 0);
    starts.filter_map(|start| start.checked_add(DESCRIPTORS)).find(|at| {
        let mut head = [0; 6];
        at.saturating_add(6) <= len
            && image.read_exact_at(*at, &mut head).is_ok()
            && head[1..] == *b"CD001"
    })
}

#[cfg(test)]
mod tests {
    use super::super::bytemap::ByteMap;
    use super::super::{FileContent, Timestamp, create};
    use super::*;
    use crate::disc_path::DiscPath;

    #[test]
    fn a_partition_with_descriptors_of_its_own_is_found() {
        let at = Timestamp::new(0).unwrap();
        let files = [(DiscPath::new("a").unwrap(), FileContent::Bytes([9; 100][..].into()))];
        let mut image = create(&files, "TWO", at).unwrap().map;
        let len = image.len();
        assert_eq!(find_second_tree(&image, len), None);
        // An MBR with one partition that starts at sector 16 of 2048 bytes.
        let mut mbr = vec![0; 512];
        mbr[446] = 0x80;
        mbr[450] = 0x17;
        mbr[454..458].copy_from_slice(&64_u32.to_le_bytes());
        mbr[458..462].copy_from_slice(&100_u32.to_le_bytes());
        mbr[510..].copy_from_slice(&[0x55, 0xaa]);
        image.patch(0, &mbr);
        assert_eq!(find_second_tree(&image, len), None);
        let mut two = ByteMap::new();
        image.copy_range(0, 17 * 2048, &mut two);
        two.push(15 * 2048, super::super::bytemap::ByteOrigin::Zero);
        image.copy_range(16 * 2048, len - 16 * 2048, &mut two);
        assert_eq!(find_second_tree(&two, two.len()), Some(32 * 2048));
    }
}
