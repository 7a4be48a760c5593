//! Whether the partition tables of a finished image agree with each other and with its length.
//!
//! Not for changing anything (`system_area`). What isohybrid overlaps on purpose, a partition
//! inside the one over the whole volume, is no problem here.

use super::bytemap::SECTOR;
use super::partition_apm::Apm;
use super::partition_gpt::{GptEntry, GptHeader};
use super::partition_mbr::{self, BLOCK, MbrEntry, PROTECTIVE};
use super::partition_range::PartitionRange;
use super::read_at::ReadAt;
use super::system_area::{PartitionTable, SYSTEM_AREA, SystemAreaError, read_bytes, volume_bytes};

/// The partitions in the tables of an image, and what is wrong with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionReport {
    /// Bytes of the image.
    pub len: u64,
    /// Bytes of the ISO 9660 volume.
    pub volume: u64,
    /// The partitions of each table that exists. A GPT or MBR may have none.
    pub tables: Vec<(PartitionTable, Vec<PartitionRange>)>,
    /// Whether there is a correct backup GPT in the last block.
    pub has_backup: bool,
    /// The disagreements, in the order found.
    pub problems: Vec<PartitionProblem>,
}

/// A disagreement among the tables, or with the file.
#[derive(Clone, Debug, PartialEq, Eq, derive_more::Display)]
pub enum PartitionProblem {
    /// The volume is longer than the file.
    #[display("the volume ends at byte {volume}, past the end of the file")]
    VolumePastEnd {
        /// Bytes of the volume.
        volume: u64,
    },
    /// A partition reaches past the end of the file.
    #[display("{table} partition {} ends at byte {}, past the end of the file", partition.number, partition.end)]
    PastEnd {
        /// The table.
        table: PartitionTable,
        /// The partition.
        partition: PartitionRange,
    },
    /// The partition over the volume ends before the volume does.
    #[display("{table} partition {} ends at byte {}, before the volume does", partition.number, partition.end)]
    EndsEarly {
        /// The table.
        table: PartitionTable,
        /// The partition.
        partition: PartitionRange,
    },
    /// Two partitions overlap, and neither lies inside the other.
    #[display("{table} partitions {} and {} overlap", numbers.0, numbers.1)]
    Overlap {
        /// The table.
        table: PartitionTable,
        /// The numbers of the two.
        numbers: (usize, usize),
    },
    /// The protective MBR entry does not end with the file.
    #[display("the protective MBR partition ends at byte {end}, not with the file")]
    ProtectiveSize {
        /// Where it ends.
        end: u64,
    },
    /// A GPT header is invalid or has a wrong checksum.
    #[display("the {} GPT header is bad", if *is_backup { "backup" } else { "primary" })]
    Header {
        /// Whether it is the backup.
        is_backup: bool,
    },
    /// The checksum of the entries is wrong, or they are not where the header states.
    #[display("the {} GPT entries are bad", if *is_backup { "backup" } else { "primary" })]
    Entries {
        /// Whether they are the backup's.
        is_backup: bool,
    },
    /// The backup is not in the last block of the file.
    #[display("the backup GPT is meant to be at byte {stated}, not in the last block")]
    BackupMisplaced {
        /// The offset that the primary header states.
        stated: u64,
    },
    /// The two copies differ.
    #[display("the two copies of the GPT differ")]
    CopiesDiffer,
    /// A partition lies outside of the usable blocks of the GPT.
    #[display("GPT partition {} lies outside of the usable blocks", partition.number)]
    OutsideUsable {
        /// The partition.
        partition: PartitionRange,
    },
}

/// The most problems that are kept; a hostile table could cause very many.
const PROBLEM_LIMIT: usize = 32;

/// Reads and compares the tables of an image of `len` bytes.
///
/// # Errors
///
/// Fails when the image cannot be read or is not an ISO 9660 image.
pub fn check_partition_tables(
    image: &dyn ReadAt,
    len: u64,
) -> Result<PartitionReport, SystemAreaError> {
    if len < SYSTEM_AREA + SECTOR {
        return Err(SystemAreaError::NoVolume);
    }
    let area = read_bytes(image, 0, SYSTEM_AREA)?;
    let volume = volume_bytes(&read_bytes(image, SYSTEM_AREA, SECTOR)?)?;
    let mut report =
        PartitionReport { len, volume, tables: vec![], has_backup: false, problems: vec![] };
    if volume > len {
        report.problems.push(PartitionProblem::VolumePastEnd { volume });
    }
    report.check_mbr(&area);
    let backup = report.check_gpt(image, &area)?;
    if let Some(apm) = Apm::parse(&area) {
        report.add_table(PartitionTable::Apm, apm.ranges().collect());
    }
    report.check_partitions(backup);
    report.problems.truncate(PROBLEM_LIMIT);
    Ok(report)
}

impl PartitionReport {
    fn add_table(&mut self, table: PartitionTable, partitions: Vec<PartitionRange>) {
        self.tables.push((table, partitions));
    }

    fn check_mbr(&mut self, area: &[u8]) {
        let Some(entries) = partition_mbr::parse_mbr(area) else { return };
        for entry in entries.iter().filter(|entry| entry.kind == PROTECTIVE) {
            let end = entry.end * BLOCK;
            // 0xFFFFFFFF blocks mean "to the end" when the disk has more than 2 TiB, and tools
            // write it for smaller ones, too.
            if end != self.len && entry.end - entry.start != u64::from(u32::MAX) {
                self.problems.push(PartitionProblem::ProtectiveSize { end });
            }
        }
        let entries = entries.iter().filter(|entry| entry.kind != PROTECTIVE);
        self.add_table(PartitionTable::Mbr, entries.map(MbrEntry::range).collect());
    }

    /// Checks both copies. Returns the offset of the backup, if there is a primary.
    fn check_gpt(
        &mut self,
        image: &dyn ReadAt,
        area: &[u8],
    ) -> Result<Option<u64>, SystemAreaError> {
        let block = &area[BLOCK as usize..2 * BLOCK as usize];
        if !block.starts_with(b"EFI PART") {
            return Ok(None);
        }
        let primary = self.check_copy(image, block, BLOCK)?;
        let Some((header, entries)) = primary else {
            self.add_table(PartitionTable::Gpt, Vec::new());
            return Ok(None);
        };
        for entry in &entries {
            // isohybrid and xorriso let the first partition begin at block 0 on purpose.
            let is_whole = entry.start <= SYSTEM_AREA / BLOCK;
            let is_before = entry.start < header.first_usable && !is_whole;
            if is_before || entry.end - 1 > header.last_usable {
                let partition = entry.range();
                self.problems.push(PartitionProblem::OutsideUsable { partition });
            }
        }
        self.add_table(PartitionTable::Gpt, entries.iter().map(GptEntry::range).collect());

        let stated = header.other.saturating_mul(BLOCK);
        let last = (self.len / BLOCK - 1) * BLOCK;
        if stated != last {
            self.problems.push(PartitionProblem::BackupMisplaced { stated });
        }
        if stated < SYSTEM_AREA + SECTOR || stated > last {
            self.problems.push(PartitionProblem::Header { is_backup: true });
        } else if let Some((backup, backup_entries)) =
            self.check_copy(image, &read_bytes(image, stated, BLOCK)?, stated)?
        {
            let agrees = (backup.disk, backup.first_usable, backup.last_usable, backup.other)
                == (header.disk, header.first_usable, header.last_usable, header.at);
            if !agrees || backup_entries != entries {
                self.problems.push(PartitionProblem::CopiesDiffer);
            } else {
                self.has_backup = stated == last;
            }
        }
        Ok(Some(header.last_usable.saturating_add(1).saturating_mul(BLOCK)))
    }

    /// Checks one header at `at` and its entries. Returns `None` when it has reported a problem.
    fn check_copy(
        &mut self,
        image: &dyn ReadAt,
        block: &[u8],
        at: u64,
    ) -> Result<Option<(GptHeader, Vec<GptEntry>)>, SystemAreaError> {
        let is_backup = at > BLOCK;
        let header = GptHeader::parse(block)
            .filter(|header| header.is_crc_right && header.at.checked_mul(BLOCK) == Some(at));
        let Some(header) = header else {
            self.problems.push(PartitionProblem::Header { is_backup });
            return Ok(None);
        };
        let array_at = header.array_at.saturating_mul(BLOCK);
        if array_at.saturating_add(header.array_len()) <= self.len {
            let array = read_bytes(image, array_at, header.array_len())?;
            if header.is_array_crc_right(&array) {
                let entries = header.entries(&array);
                return Ok(Some((header, entries)));
            }
        }
        self.problems.push(PartitionProblem::Entries { is_backup });
        Ok(None)
    }

    /// Checks the partitions of every table. `backup` is the offset of the backup GPT, which
    /// xorriso counts as part of the volume but not of the partition over it.
    fn check_partitions(&mut self, backup: Option<u64>) {
        let volume = self.volume.min(backup.unwrap_or(u64::MAX));
        for (table, partitions) in self.tables.clone() {
            for (index, one) in partitions.iter().enumerate() {
                if one.end > self.len {
                    self.problems.push(PartitionProblem::PastEnd { table, partition: *one });
                }
                let others = partitions.iter().enumerate().filter(|(at, _)| *at != index);
                let is_last = others.clone().all(|(_, other)| other.start < one.end);
                let holds_volume = one.start <= SYSTEM_AREA && one.end > SYSTEM_AREA;
                if holds_volume && is_last && one.end.saturating_add(SECTOR) <= volume {
                    self.problems.push(PartitionProblem::EndsEarly { table, partition: *one });
                }
                for (_, other) in others.filter(|(at, _)| *at > index) {
                    let (first, second) =
                        if one.start <= other.start { (one, other) } else { (other, one) };
                    let is_inside = second.end <= first.end
                        || (first.start == second.start && first.end <= second.end);
                    if second.start < first.end && !is_inside {
                        let numbers = (one.number, other.number);
                        self.problems.push(PartitionProblem::Overlap { table, numbers });
                    }
                }
            }
        }
    }
}
