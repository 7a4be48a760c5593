//! Passes over a planned image: one read serves the output, the media md5 and the base's sha256, on
//! two cores; and the comparison of a file with the plan.
//!
//! Not for deciding what the bytes are (`iso`), nor for replacing a file (`atomic_file`).

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, mpsc};

use super::file_digests::FileDigests;
use crate::digest::{Sha256, Sha256Hasher};
use crate::iso::bytemap::ByteMap;

/// Bytes of a chunk. Large enough that system calls cost little, small enough that all buffers fit
/// a second-level cache and stay far below the memory limit.
pub(super) const CHUNK: usize = 256 * 1024;

/// Chunks that wait for the other core.
const QUEUE: usize = 8;

/// The vendor's medium an image is made of.
#[derive(Clone, Debug)]
pub struct BaseFile {
    /// The open medium.
    pub file: Arc<File>,
    /// Its length in bytes.
    pub len: u64,
    /// The first byte of the image that is not the medium's own.
    pub kept_len: u64,
    /// The extents of files before that byte that are digested on the way.
    pub watched: Vec<Vec<(u64, u64)>>,
}

/// Digests of a vendor's medium, taken while it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseDigests {
    /// Of all its bytes.
    pub whole: Sha256,
    /// Of each of [`BaseFile::watched`]; none where its bytes are not all before
    /// [`BaseFile::kept_len`].
    pub watched: Vec<Option<Sha256>>,
}

/// Takes every byte in order, on another core.
pub type ChunkSink<'a> = &'a mut (dyn FnMut(&[u8]) + Send);

/// Is called after each chunk with the number of bytes done.
pub type Progress<'a> = &'a (dyn Fn(u64) + Sync);

/// Reads `image` once: gives every byte in order to `sink`, and on another core to `digest`.
///
/// With a base, its digests are computed on the way and given to `deferred`, which answers with the
/// bytes of the image that depend on them, as patches behind [`BaseFile::kept_len`].
///
/// # Errors
///
/// Fails when an input cannot be read to the end, or with what `sink` gives.
pub fn complete(
    image: &mut ByteMap,
    base: Option<&BaseFile>,
    digest: ChunkSink<'_>,
    deferred: impl FnOnce(Option<BaseDigests>) -> Vec<(u64, Vec<u8>)>,
    sink: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    with_sink(digest, |carry| {
        let kept_len = base.map_or(0, |base| base.kept_len);
        let mut whole = Sha256Hasher::default();
        let mut watched = FileDigests::new(base.iter().flat_map(|base| base.watched.clone()));
        let mut buffers = BufferPool::new();
        let mut at = 0;
        while at < kept_len {
            let len = chunk_len(at, kept_len);
            let chunk = buffers.fill(len, |buffer| image.read_exact_at(at, buffer))?;
            sink(&chunk)?;
            carry(&chunk);
            watched.update(at, &chunk);
            if image.is_file_range(at, len as u64) {
                whole.update(&chunk);
            } else {
                let base = base.expect("only a base has bytes to keep");
                let raw = buffers.fill(len, |buffer| base.file.read_exact_at(buffer, at))?;
                whole.update(&raw);
            }
            at += len as u64;
        }
        let digests = match base {
            Some(base) => {
                let whole = digest_rest(base, whole, &mut buffers)?;
                Some(BaseDigests { whole, watched: watched.finish() })
            }
            None => None,
        };
        for (offset, bytes) in deferred(digests) {
            assert!(offset >= kept_len, "a patch at {offset} lies in what is already written");
            image.patch(offset, &bytes);
        }
        pass(image, at, &mut buffers, carry, sink)
    })
}

/// Reads `image` once: gives every byte in order to `sink`, and on another core to `digest`.
///
/// # Errors
///
/// Fails when an input cannot be read to the end, or with what `sink` gives.
pub fn replay(
    image: &ByteMap,
    digest: ChunkSink<'_>,
    sink: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    with_sink(digest, |carry| pass(image, 0, &mut BufferPool::new(), carry, sink))
}

/// Passes the bytes from `at` on.
fn pass(
    image: &ByteMap,
    mut at: u64,
    buffers: &mut BufferPool,
    carry: &mut dyn FnMut(&Chunk),
    sink: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    while at < image.len() {
        let len = chunk_len(at, image.len());
        let chunk = buffers.fill(len, |buffer| image.read_exact_at(at, buffer))?;
        sink(&chunk)?;
        carry(&chunk);
        at += len as u64;
    }
    Ok(())
}

/// Reads `file` back and compares every byte with `image`. Returns the file's sha256.
///
/// # Errors
///
/// Fails when a byte differs, the length differs, or reading fails.
pub fn verify(image: &ByteMap, file: &File, progress: Progress<'_>) -> io::Result<Sha256> {
    let len = file.metadata()?.len();
    if len != image.len() {
        let message = format!("{len} bytes were written, {} were planned", image.len());
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    let mut whole = Sha256Hasher::default();
    let mut hash = |bytes: &[u8]| whole.update(bytes);
    with_sink(&mut hash, |carry| {
        let (mut buffers, mut expected) = (BufferPool::new(), vec![0; CHUNK]);
        let mut at = 0;
        while at < len {
            let size = chunk_len(at, len);
            let chunk = buffers.fill(size, |buffer| file.read_exact_at(buffer, at))?;
            carry(&chunk);
            image.read_exact_at(at, &mut expected[..size])?;
            if chunk[..] != expected[..size] {
                let message = format!("the bytes from {at} on are not what was written");
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            }
            at += size as u64;
            progress(at);
        }
        Ok(())
    })?;
    Ok(whole.finish())
}

pub(super) fn chunk_len(at: u64, end: u64) -> usize {
    usize::try_from((end - at).min(CHUNK as u64)).expect("a chunk fits memory")
}

/// Digests the rest of the base, behind the last byte that is kept.
fn digest_rest(
    base: &BaseFile,
    mut whole: Sha256Hasher,
    buffers: &mut BufferPool,
) -> io::Result<Sha256> {
    let mut at = base.kept_len;
    while at < base.len {
        let len = chunk_len(at, base.len);
        whole.update(&buffers.fill(len, |buffer| base.file.read_exact_at(buffer, at))?);
        at += len as u64;
    }
    Ok(whole.finish())
}

/// A chunk of bytes; its buffer is free again when the last reader drops it.
pub(super) type Chunk = Arc<Vec<u8>>;

/// A pool of buffers: as many as can wait, and four that are in use.
pub(super) struct BufferPool {
    ring: Vec<Chunk>,
    next: usize,
}

impl BufferPool {
    pub(super) fn new() -> Self {
        Self { ring: (0..QUEUE + 4).map(|_| Arc::new(Vec::new())).collect(), next: 0 }
    }

    /// Fills the oldest buffer that is free.
    pub(super) fn fill(
        &mut self,
        len: usize,
        read: impl FnOnce(&mut [u8]) -> io::Result<()>,
    ) -> io::Result<Chunk> {
        let slots = self.ring.len();
        let free = (0..slots)
            .map(|step| (self.next + step) % slots)
            .find(|slot| Arc::get_mut(&mut self.ring[*slot]).is_some());
        let slot = free.unwrap_or_else(|| {
            self.ring[self.next] = Arc::new(Vec::new());
            self.next
        });
        self.next = (slot + 1) % slots;
        let buffer = Arc::get_mut(&mut self.ring[slot]).expect("the slot was found free");
        buffer.resize(len, 0);
        read(buffer)?;
        Ok(Arc::clone(&self.ring[slot]))
    }
}

/// Runs `work` with a function that passes chunks to `sink` on another thread.
pub(super) fn with_sink<R>(
    sink: ChunkSink<'_>,
    work: impl FnOnce(&mut dyn FnMut(&Chunk)) -> R,
) -> R {
    std::thread::scope(|scope| {
        let (send, receive) = mpsc::sync_channel::<Chunk>(QUEUE);
        scope.spawn(move || receive.iter().for_each(|chunk| sink(&chunk)));
        // The sender is moved in, so the thread ends with the work, whatever its result.
        let result = work(&mut |chunk| {
            send.send(Arc::clone(chunk)).expect("the digest takes every chunk");
        });
        drop(send);
        result
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::iso::bytemap::ByteOrigin;

    fn base_of(bytes: &[u8], kept: u64) -> BaseFile {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        let watched = vec![vec![(5, 100)], vec![(kept, 1)]];
        BaseFile { file: Arc::new(file), len: bytes.len() as u64, kept_len: kept, watched }
    }

    fn write(
        image: &mut ByteMap,
        base: &BaseFile,
        digest: ChunkSink<'_>,
        deferred: impl FnOnce(Option<BaseDigests>) -> Vec<(u64, Vec<u8>)>,
    ) -> io::Result<File> {
        let mut out = tempfile::tempfile()?;
        complete(image, Some(base), digest, deferred, &mut |bytes| out.write_all(bytes))?;
        Ok(out)
    }

    fn planned(base: &BaseFile, patch_at: u64) -> ByteMap {
        let mut image = ByteMap::new();
        image.push(base.kept_len, ByteOrigin::File(Arc::clone(&base.file), 0));
        image.push_bytes(vec![b'-'; 64]);
        image.patch(patch_at, b"PATCHED");
        image
    }

    #[test]
    fn one_pass_gives_the_file_the_digest_and_the_base_digest() {
        let bytes: Vec<u8> = (0..CHUNK * 20 + 77).map(|i| (i % 251) as u8).collect();
        let base = base_of(&bytes, (CHUNK * 20 + 7) as u64);
        let mut image = planned(&base, CHUNK as u64 + 3);
        let mut tapped = Vec::new();
        let mut tap = |chunk: &[u8]| tapped.extend_from_slice(chunk);
        let late = |digests: Option<BaseDigests>| {
            let digests = digests.unwrap();
            assert_eq!(digests.watched, [Some(Sha256::hash(&bytes[5..105])), None]);
            vec![(base.kept_len, digests.whole.to_string().into_bytes())]
        };
        let out = write(&mut image, &base, &mut tap, late).unwrap();
        let mut expected = bytes[..base.kept_len as usize].to_vec();
        expected[CHUNK + 3..CHUNK + 10].copy_from_slice(b"PATCHED");
        expected.extend_from_slice(Sha256::hash(&bytes).to_string().as_bytes());
        assert!(tapped == expected, "the tap saw every byte in order");
        assert_eq!(verify(&image, &out, &|_| {}).unwrap(), Sha256::hash(&expected));
        let (mut again, mut digested) = (Vec::new(), Vec::new());
        let mut sink = |bytes: &[u8]| again.write_all(bytes);
        replay(&image, &mut |bytes| digested.extend_from_slice(bytes), &mut sink).unwrap();
        assert!(again == expected && digested == expected, "a second pass sees the same bytes");
    }

    #[test]
    fn a_byte_that_changed_after_writing_is_found() {
        let base = base_of(&[7; 5000], 5000);
        let mut image = planned(&base, 10);
        let out = write(&mut image, &base, &mut |_| {}, |_| Vec::new()).unwrap();
        out.write_all_at(b"x", 4321).unwrap();
        let error = verify(&image, &out, &|_| {}).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn a_base_that_shrank_is_an_error() {
        let base = base_of(&[7; 5000], 5000);
        let mut image = planned(&base, 10);
        base.file.set_len(100).unwrap();
        assert!(write(&mut image, &base, &mut |_| {}, |_| Vec::new()).is_err());
    }
}
