//! Digests of what firmware reads of an image before any file: volume descriptors, boot catalog,
//! the code of the boot record.
//!
//! Not for what these structures mean (`volume`, `eltorito`, `partition_report`).

use std::io;

use super::bytemap::SECTOR;
use super::endian::le32;
use super::media_md5::{FIELD_LEN, FIELD_OFFSET};
use super::read_at::ReadAt;
use crate::digest::{Sha256, Sha256Hasher};

/// Bytes of code at the start of a boot record; the disk's signature and partitions follow.
const CODE: usize = 440;

/// The most descriptors that are read before the terminator.
const MOST_DESCRIPTORS: u64 = 64;

/// Digests of the structures that an image starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BootDigests {
    /// Of the volume descriptors, with the media md5 blanked out.
    pub descriptors: Sha256,
    /// Of the boot catalog's first sector.
    pub catalog: Option<Sha256>,
    /// Of the boot record's code.
    pub code: Sha256,
}

/// Computes the digests of an image.
///
/// # Errors
///
/// Fails when the image cannot be read that far.
pub fn compute_boot_digests(image: &dyn ReadAt) -> io::Result<BootDigests> {
    let mut code = [0; CODE];
    image.read_exact_at(0, &mut code)?;
    let mut descriptors = Sha256Hasher::default();
    let mut catalog = None;
    let mut sector = [0; SECTOR as usize];
    for number in 0..MOST_DESCRIPTORS {
        image.read_exact_at((16 + number) * SECTOR, &mut sector)?;
        if number == 0 {
            sector[FIELD_OFFSET..FIELD_OFFSET + FIELD_LEN].fill(b' ');
        }
        descriptors.update(&sector);
        match sector[0] {
            0 if sector[7..].starts_with(b"EL TORITO SPECIFICATION") => {
                catalog = catalog.or(Some(u64::from(le32(&sector, 71)) * SECTOR));
            }
            255 => break,
            _ => {}
        }
    }
    let catalog = match catalog {
        Some(at) => {
            image.read_exact_at(at, &mut sector)?;
            Some(Sha256::hash(sector))
        }
        None => None,
    };
    Ok(BootDigests { descriptors: descriptors.finish(), catalog, code: Sha256::hash(code) })
}
