//! The directory records of an image's main tree, by the paths that Rock Ridge gives them, and
//! damage to one of them.
//!
//! Not a reader: what is odd ends it with a panic, for the image is the test's own.

use preflight::iso::bytemap::ByteMap;

use super::Patches;

const SECTOR: u64 = 2048;

/// One record of a regular file.
pub struct Record {
    /// The path without a leading slash.
    pub path: String,
    at: u64,
    len: usize,
    /// Where in the record the Rock Ridge name stands.
    name: (usize, usize),
}

fn read(image: &ByteMap, at: u64, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    image.read_exact_at(at, &mut bytes).unwrap();
    bytes
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// Every record of a file.
pub fn of(image: &ByteMap) -> Vec<Record> {
    let root = read(image, 16 * SECTOR + 156, 34);
    let mut records = Vec::new();
    walk(image, word(&root, 2), word(&root, 10), "", &mut records);
    records
}

fn walk(image: &ByteMap, sector: u32, len: u32, above: &str, records: &mut Vec<Record>) {
    let start = u64::from(sector) * SECTOR;
    let mut at = start;
    while at < start + u64::from(len) {
        let size = usize::from(read(image, at, 1)[0]);
        if size == 0 {
            at = (at / SECTOR + 1) * SECTOR;
            continue;
        }
        let record = read(image, at, size);
        let identifier = usize::from(record[32]);
        if identifier > 1 || record[33] > 1 {
            let mut entry = 33 + identifier + usize::from(identifier.is_multiple_of(2));
            let mut name = (0, 0);
            while entry + 4 <= size && record[entry + 2] > 0 {
                let len = usize::from(record[entry + 2]);
                if &record[entry..entry + 2] == b"NM" {
                    name = (entry + 5, len - 5);
                }
                entry += len;
            }
            let text = String::from_utf8(record[name.0..name.0 + name.1].to_vec()).unwrap();
            let path = if above.is_empty() { text } else { format!("{above}/{text}") };
            if record[25] & 2 != 0 {
                walk(image, word(&record, 2), word(&record, 10), &path, records);
            } else {
                records.push(Record { path, at, len: size, name });
            }
        }
        at += size as u64;
    }
}

impl Record {
    /// The record taken out of its sector.
    pub fn removal(&self, image: &ByteMap) -> Patches {
        let end = (self.at / SECTOR + 1) * SECTOR;
        let behind = self.at + self.len as u64;
        let mut rest = read(image, behind, usize::try_from(end - behind).unwrap());
        rest.extend(vec![0; self.len]);
        vec![(self.at, rest)]
    }

    /// The record with another length of its file.
    pub fn with_length(&self, len: u64) -> Patches {
        let len = u32::try_from(len).unwrap();
        let both = [len.to_le_bytes(), len.to_be_bytes()].concat();
        vec![(self.at + 10, both)]
    }

    /// One bit changed in each of: place, length, the kind of file, the name.
    pub fn flips(&self, image: &ByteMap) -> Vec<Patches> {
        let flip = |offset: usize, bit: u8| {
            let at = self.at + offset as u64;
            let byte = read(image, at, 1)[0] ^ (1 << bit);
            vec![(at, vec![byte])]
        };
        let place = (2..5).flat_map(|offset| [flip(offset, 0), flip(offset, 3)]);
        let length = (10..13).map(|offset| flip(offset, 1));
        let name = [flip(self.name.0, 0), flip(self.name.0 + self.name.1 - 1, 1)];
        place.chain(length).chain([flip(25, 1)]).chain(name).collect()
    }
}
