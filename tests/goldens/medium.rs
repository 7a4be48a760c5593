//! How `tests/golden/inputs/base.iso.gz` was made: a vendor's medium in the shape of CentOS 6.6's
//! with a repository whose packages are filler.
//!
//! It is kept and not made by each run, for xorriso writes its own version into what it makes.

use std::fs;
use std::io::Write as _;

use super::{el6_medium, golden};

#[test]
#[ignore = "makes a file anew, and every image with it; needs xorriso"]
fn make_the_medium_anew() {
    let directory = tempfile::tempdir().unwrap();
    let dates =
        ["--modification-date=2014102413131100", "--set_all_file_dates", "2014102413131100"];
    let iso = el6_medium::write_changed(directory.path(), 0, el6_medium::repository::fill, &dates);
    let file = fs::File::create(golden("inputs/base.iso.gz")).unwrap();
    let mut packed = flate2::GzBuilder::new().write(file, flate2::Compression::best());
    packed.write_all(&fs::read(iso).unwrap()).unwrap();
    packed.finish().unwrap();
}
