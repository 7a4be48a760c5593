//! Writing alone, for the benchmark: a base, and a file behind it, carried into an image and
//! synced, without media md5, digests or verification.
//!
//! Usage: `write_alone BASE ADDED OUT`

use std::fs::File;
use std::io::Write;
use std::sync::Arc;

use preflight::image::writing;
use preflight::iso::bytemap::{ByteMap, ByteOrigin};

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let mut next = || arguments.next().expect("usage: write_alone BASE ADDED OUT");
    let (base, added, out) = (next(), next(), next());
    let mut image = ByteMap::new();
    for path in [base, added] {
        let file = File::open(path)?;
        let len = file.metadata()?.len();
        image.push(len, ByteOrigin::File(Arc::new(file), 0));
        image.pad_to(2048);
    }
    let mut out = File::options().read(true).write(true).create(true).truncate(true).open(out)?;
    let mut sink = |bytes: &[u8]| out.write_all(bytes);
    writing::complete(&mut image, None, &mut |_| {}, |_| Vec::new(), &mut sink)?;
    out.sync_all()
}
