//! A pass over all bytes of a plan, and what is only known at its end: the base's digest, the
//! manifest that tells it, the media md5.
//!
//! Not for where the bytes go: the walk that is handed in knows that.

use std::io;

use anyhow::Context;

use crate::image::compose::Composition;
use crate::image::manifest::Manifest;
use crate::image::plan::Plan;
use crate::image::writing::{BaseDigests, BaseFile, ChunkSink};
use crate::iso::bytemap::ByteMap;
use crate::iso::media_md5::Implant;

/// Answers the base's digests with the bytes that depend on them.
pub type Late<'a> = Box<dyn FnOnce(Option<BaseDigests>) -> Vec<(u64, Vec<u8>)> + 'a>;

/// Walks once over an image; gives its finished manifest, and the media md5 to be put into it.
pub fn finalize(
    plan: &Plan,
    composition: &Composition,
    image: &mut ByteMap,
    walk: impl FnOnce(&mut ByteMap, Option<&BaseFile>, ChunkSink<'_>, Late<'_>) -> io::Result<()>,
) -> anyhow::Result<(Manifest, Implant)> {
    let mut sum = composition.media_md5();
    let mut manifest = composition.manifest.clone();
    let mut base_digest = None;
    let late = Box::new(|digests: Option<BaseDigests>| {
        base_digest = digests.as_ref().map(|digests| digests.whole);
        let (finished, patches) = composition.deferred_patches(digests.as_ref());
        manifest = finished;
        patches
    });
    walk(image, composition.base.as_ref(), &mut |bytes| sum.update(bytes), late)?;
    plan.check_base_digest(base_digest)?;
    let implant = sum.finish(false).context("the volume is longer than the image")?;
    Ok((manifest, implant))
}
