//! Creates a delta from an image and its base, then applies it and compares the result with the
//! image: only a delta that is proven to rebuild the image is returned.
//!
//! Not for the comparison of image and base (`compare`).

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use super::super::writing::{CHUNK, Progress};
use super::compare::{SizedFile, compare, write_range};
use super::error::DeltaError;
use super::format::MOST_BYTES;
use super::read::Delta;
use super::write::DeltaWriter;

/// Writes the delta from `base` to `image` into `out`, an empty file, and verifies it.
///
/// # Errors
///
/// Refuses files that are larger than any medium. Fails when one cannot be read or written, or
/// changes meanwhile.
pub fn create(
    image: &Arc<File>,
    base: &Arc<File>,
    out: &File,
    progress: Progress<'_>,
) -> Result<Delta, DeltaError> {
    let (image, base) = (measure(image)?, measure(base)?);
    let compared = compare(&image, &base, progress)?;
    let mut writer =
        DeltaWriter::start(out, (base.len, compared.base), (image.len, compared.image))?;
    let mut same = 0;
    for range in compared.differing {
        writer.copy(same, range.0 - same)?;
        write_range(range, &image, &base, &compared.index, &mut writer)?;
        same = range.1;
    }
    writer.copy(same, image.len - same)?;
    writer.finish()?;
    let delta = Delta::open(Arc::new(out.try_clone()?))?;
    verify(&delta, &image, &base)?;
    Ok(delta)
}

fn measure(file: &File) -> Result<SizedFile<'_>, DeltaError> {
    let len = file.metadata()?.len();
    if len > MOST_BYTES {
        return Err(DeltaError::TooLarge(len));
    }
    Ok(SizedFile { file, len })
}

/// Applies the delta and compares the result with the image.
fn verify(delta: &Delta, image: &SizedFile<'_>, base: &SizedFile<'_>) -> Result<(), DeltaError> {
    let mut buffer = vec![0; CHUNK];
    let mut at = 0;
    delta.replay(base.file, &mut |bytes| {
        let wanted = &mut buffer[..bytes.len()];
        image.file.read_exact_at(wanted, at)?;
        if wanted != bytes {
            return Err(DeltaError::DiffersFromImage(at));
        }
        at += bytes.len() as u64;
        Ok(())
    })
}
