//! The path tables (ECMA-119 9.4): every stored directory, level by level, in both byte orders.
//!
//! Not for reading: trees are read from the directories themselves.

use super::error::IsoError;
use super::record::compare_identifiers;

/// The parent of a path table record is a 16 bit number.
const DIRECTORIES_MAX: usize = 65_535;

/// One directory of the table.
pub(super) struct PathTableRow<'a> {
    pub identifier: &'a [u8],
    pub sector: u32,
    /// The row of its parent. The root is row 0 and its own parent.
    pub parent: u32,
}

/// Returns both tables: little-endian, big-endian.
pub(super) fn build_path_tables(rows: &[PathTableRow<'_>]) -> Result<(Vec<u8>, Vec<u8>), IsoError> {
    let (order, numbers) = number_rows(rows)?;
    let (mut little, mut big) = (Vec::new(), Vec::new());
    for index in order {
        let row = &rows[index];
        let parent = numbers[row.parent as usize];
        let len = u8::try_from(row.identifier.len()).expect("an identifier fits a record");
        for table in [&mut little, &mut big] {
            table.extend([len, 0]);
        }
        little.extend(row.sector.to_le_bytes());
        little.extend(parent.to_le_bytes());
        big.extend(row.sector.to_be_bytes());
        big.extend(parent.to_be_bytes());
        for table in [&mut little, &mut big] {
            table.extend(row.identifier);
            table.resize(table.len().next_multiple_of(2), 0);
        }
    }
    Ok((little, big))
}

/// Returns the rows in table order, by level, then parent, then identifier; and each one's number.
fn number_rows(rows: &[PathTableRow<'_>]) -> Result<(Vec<usize>, Vec<u16>), IsoError> {
    if rows.len() > DIRECTORIES_MAX {
        return Err(IsoError::Limit("directories", DIRECTORIES_MAX as u64));
    }
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); rows.len()];
    for (index, row) in rows.iter().enumerate().skip(1) {
        children[row.parent as usize].push(index);
    }
    let mut order = vec![0];
    let mut next = 0;
    while let Some(&index) = order.get(next) {
        let mut inner = std::mem::take(&mut children[index]);
        inner.sort_by(|&a, &b| compare_identifiers(rows[a].identifier, rows[b].identifier));
        order.extend(inner);
        next += 1;
    }
    let mut numbers = vec![0; rows.len()];
    for (number, &index) in (1..).zip(&order) {
        numbers[index] = number;
    }
    Ok((order, numbers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_are_numbered_level_by_level() {
        let row = |identifier, parent| PathTableRow { identifier, sector: 0x0102_0304, parent };
        let rows = [
            row(&b"\0"[..], 0),
            row(b"B", 0),
            row(b"A", 0),
            row(b"C", 1),
            row(b"D", 2),
            row(b"AA", 1),
        ];
        let (little, big) = build_path_tables(&rows).unwrap();
        let names: Vec<(u16, &[u8])> =
            [(1, &b"\0\0"[..]), (1, b"A\0"), (1, b"B\0"), (2, b"D\0"), (3, b"AA"), (3, b"C\0")]
                .to_vec();
        let expected = |little: bool| -> Vec<u8> {
            names
                .iter()
                .flat_map(|(parent, name)| {
                    let len = if *name == b"AA" { 2 } else { 1 };
                    let mut row = vec![len, 0];
                    if little {
                        row.extend([4, 3, 2, 1]);
                        row.extend(parent.to_le_bytes());
                    } else {
                        row.extend([1, 2, 3, 4]);
                        row.extend(parent.to_be_bytes());
                    }
                    row.extend(*name);
                    row
                })
                .collect()
        };
        assert_eq!(little, expected(true));
        assert_eq!(big, expected(false));
    }
}
