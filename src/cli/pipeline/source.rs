//! The sources of an image's bytes: a plan, or a delta and its base.
//!
//! Not for the destination of the bytes (`sink`, `stream`).

use std::fs::File;
use std::io;
use std::sync::Arc;

use anyhow::Context;

use crate::digest::Sha256;
use crate::image::compose::Composition;
use crate::image::delta::{Delta, DeltaError};
use crate::image::inspect::MediaMd5Check;
use crate::image::plan::Plan;
use crate::image::writing::{self, BaseDigests, ChunkSink, Progress};
use crate::iso::bytemap::{ByteMap, ByteOrigin};
use crate::iso::media_md5::{FIELD_AT, FIELD_LEN};

/// Receives the bytes of an image in order.
pub type Sink<'a> = &'a mut dyn FnMut(&[u8]) -> io::Result<()>;

/// The source of an image's bytes.
pub trait ImageSource {
    /// Returns the size of the image in bytes.
    fn size(&self) -> u64;

    /// Returns the digest of the image, when it is known before the first pass.
    fn sha256(&self) -> Option<Sha256>;

    /// Passes all bytes to `sink`, and computes what depends on all of them. It is called first and
    /// once.
    fn complete(&mut self, sink: Sink<'_>) -> anyhow::Result<()>;

    /// Returns bytes that were only known at the end of [`complete`](Self::complete), with their
    /// offset: they replace the bytes that were passed there.
    fn late_bytes(&self) -> Option<(u64, &[u8])>;

    /// Passes all bytes of the completed image to `sink`, and to `digest`, on another core if
    /// possible.
    fn replay(&self, digest: ChunkSink<'_>, sink: Sink<'_>) -> io::Result<()>;

    /// Verifies that a file is the completed image. Returns the file's digest.
    fn verify(&self, file: &Arc<File>, progress: Progress<'_>) -> anyhow::Result<Sha256>;

    /// Returns the completed image before it is written, when it can be read as a medium.
    fn planned(&self) -> Option<&ByteMap>;

    /// Returns whether the media md5 has to be verified.
    fn media_md5(&self) -> MediaMd5Check;
}

/// A composed image: all its bytes are known, except those that depend on all others.
pub struct PlannedSource<'a> {
    plan: Option<&'a Plan>,
    composition: Composition,
    media_md5: Option<[u8; FIELD_LEN]>,
}

impl<'a> PlannedSource<'a> {
    /// Returns the source of a composition, and of its plan when a recipe demands digests.
    pub fn new(plan: Option<&'a Plan>, composition: Composition) -> Self {
        Self { plan, composition, media_md5: None }
    }
}

impl ImageSource for PlannedSource<'_> {
    fn size(&self) -> u64 {
        self.composition.image.len()
    }

    fn sha256(&self) -> Option<Sha256> {
        None
    }

    /// Computes the base's digest and the media md5 in the same pass.
    fn complete(&mut self, sink: Sink<'_>) -> anyhow::Result<()> {
        let mut image = std::mem::take(&mut self.composition.image);
        let composition = &self.composition;
        let mut sum = composition.media_md5();
        let mut base_digest = None;
        let deferred = |digests: Option<BaseDigests>| {
            base_digest = digests.as_ref().map(|digests| digests.whole);
            composition.deferred_patches(digests.as_ref())
        };
        let base = composition.base.as_ref();
        writing::complete(&mut image, base, &mut |bytes| sum.update(bytes), deferred, sink)?;
        if let Some(plan) = self.plan {
            plan.check_base_digest(base_digest)?;
        }
        let implant = sum.finish(false).context("the volume is longer than the image")?;
        let field = implant.to_field();
        image.patch(FIELD_AT, &field);
        self.composition.image = image;
        self.media_md5 = Some(field);
        Ok(())
    }

    fn late_bytes(&self) -> Option<(u64, &[u8])> {
        self.media_md5.as_ref().map(|field| (FIELD_AT, &field[..]))
    }

    fn replay(&self, digest: ChunkSink<'_>, sink: Sink<'_>) -> io::Result<()> {
        writing::replay(&self.composition.image, digest, sink)
    }

    /// Compares every byte.
    fn verify(&self, file: &Arc<File>, progress: Progress<'_>) -> anyhow::Result<Sha256> {
        Ok(writing::verify(&self.composition.image, file, progress)?)
    }

    fn planned(&self) -> Option<&ByteMap> {
        Some(&self.composition.image)
    }

    fn media_md5(&self) -> MediaMd5Check {
        MediaMd5Check::Implanted
    }
}

/// An image that a delta rebuilds from its verified base.
pub struct DeltaSource<'a> {
    delta: &'a Delta,
    base: &'a File,
}

impl<'a> DeltaSource<'a> {
    /// Returns the source of a delta and its base.
    pub fn new(delta: &'a Delta, base: &'a File) -> Self {
        Self { delta, base }
    }
}

impl ImageSource for DeltaSource<'_> {
    fn size(&self) -> u64 {
        self.delta.result_len
    }

    fn sha256(&self) -> Option<Sha256> {
        Some(self.delta.result)
    }

    fn complete(&mut self, sink: Sink<'_>) -> anyhow::Result<()> {
        self.delta.replay(self.base, &mut |bytes| Ok(sink(bytes)?))?;
        Ok(())
    }

    fn late_bytes(&self) -> Option<(u64, &[u8])> {
        None
    }

    fn replay(&self, digest: ChunkSink<'_>, sink: Sink<'_>) -> io::Result<()> {
        let replayed = self.delta.replay(self.base, &mut |bytes| {
            digest(bytes);
            Ok(sink(bytes)?)
        });
        replayed.map_err(|error| match error {
            DeltaError::Io(error) => error,
            _ => io::Error::other("the delta changed while it was read"),
        })
    }

    /// Compares the digest with the one in the delta.
    fn verify(&self, file: &Arc<File>, _: Progress<'_>) -> anyhow::Result<Sha256> {
        let mut image = ByteMap::new();
        image.push(file.metadata()?.len(), ByteOrigin::File(Arc::clone(file), 0));
        let (found, _) = Sha256::hash_reader(image.reader())?;
        let wanted = self.delta.result;
        if found != wanted {
            return Err(DeltaError::OtherResult { wanted, found }.into());
        }
        Ok(found)
    }

    fn planned(&self) -> Option<&ByteMap> {
        None
    }

    fn media_md5(&self) -> MediaMd5Check {
        MediaMd5Check::Sum
    }
}
