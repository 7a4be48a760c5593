//! The embedded data files, and a directory that overrides them (`--assets DIR`).
//!
//! Not for what the files mean: `image::recipe`, `installer::profile`, `template` and
//! `check::definition` each read their own kind.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};

use crate::hint::hinted;

static IMAGES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/images");
static KICKSTART: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/kickstart");
static TEMPLATES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates");
static CHECKS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/checks");

/// The embedded check files by name, converted to JSON by `build.rs`.
static CHECKS_AS_JSON: &[(&str, &str)] = &include!(concat!(env!("OUT_DIR"), "/checks.in"));

/// The largest asset file that is read.
pub const MAX_BYTES: u64 = 256 * 1024;

/// The kind of an asset; each kind has a directory of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssetKind {
    /// Recipes: what to build.
    Recipe,
    /// Profiles: how a distribution installs.
    Profile,
    /// What is rendered.
    Template,
    /// What must hold.
    Check,
}

impl AssetKind {
    /// Returns the directory's name, in the source tree and below `--assets`.
    pub fn directory(self) -> &'static str {
        match self {
            Self::Recipe => "images",
            Self::Profile => "kickstart",
            Self::Template => "templates",
            Self::Check => "checks",
        }
    }

    fn embedded(self) -> &'static Dir<'static> {
        match self {
            Self::Recipe => &IMAGES,
            Self::Profile => &KICKSTART,
            Self::Template => &TEMPLATES,
            Self::Check => &CHECKS,
        }
    }
}

/// The embedded assets, with an optional directory that overrides them.
#[derive(Clone, Debug, Default)]
pub struct Assets {
    overlay: Option<PathBuf>,
}

/// One asset file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asset {
    /// The path for messages: `images/demo.yaml`, or the path on disk.
    pub path: String,
    /// The content.
    pub text: String,
}

/// Why an asset cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum AssetError {
    /// The asset is neither embedded nor in the overlay.
    #[error("no {directory}/{name}", directory = kind.directory())]
    Missing {
        /// The kind.
        kind: AssetKind,
        /// The file name.
        name: String,
        /// The names of all assets of this kind.
        known: Vec<String>,
    },
    /// A file that cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file larger than [`MAX_BYTES`].
    #[error("{path} has {bytes} bytes, at most {MAX_BYTES} are read")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
}

impl AssetError {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Missing { known, .. } if !known.is_empty() => {
                Some(format!("choose one of {}", known.join(", ")))
            }
            _ => None,
        }
    }
}

hinted!(AssetError);

impl Assets {
    /// Returns the embedded files alone.
    pub fn embedded() -> Self {
        Self::default()
    }

    /// Returns the embedded files, each replaced by one of the same name below `directory`.
    pub fn with_overlay(directory: PathBuf) -> Self {
        Self { overlay: Some(directory) }
    }

    /// Reads one file by its name within the kind's directory, such as `demo.yaml`.
    ///
    /// # Errors
    ///
    /// [`AssetError::Missing`] when there is no file of that name.
    pub fn read(&self, kind: AssetKind, name: &str) -> Result<Asset, AssetError> {
        if let Some(overlay) = &self.overlay {
            let path = overlay.join(kind.directory()).join(name);
            if path.is_file() {
                return read_file(&path);
            }
        }
        let text = kind.embedded().get_file(name).and_then(|file| file.contents_utf8());
        match text {
            Some(text) => {
                Ok(Asset { path: format!("{}/{name}", kind.directory()), text: text.to_owned() })
            }
            None => {
                Err(AssetError::Missing { kind, name: name.to_owned(), known: self.names(kind) })
            }
        }
    }

    /// Returns the file names of a kind, sorted, including those of the overlay.
    pub fn names(&self, kind: AssetKind) -> Vec<String> {
        let mut names: BTreeSet<String> = list_files(kind.embedded()).collect();
        if let Some(overlay) = &self.overlay {
            let root = overlay.join(kind.directory());
            names.extend(
                walkdir::WalkDir::new(&root)
                    .max_depth(4)
                    .into_iter()
                    .filter_map(Result::ok)
                    .filter(|entry| entry.file_type().is_file())
                    .filter_map(|entry| {
                        Some(entry.path().strip_prefix(&root).ok()?.to_str()?.to_owned())
                    }),
            );
        }
        names.into_iter().collect()
    }
}

/// Returns an embedded check file as JSON, which parses several times faster than its YAML; none when
/// `text` is not the content of an embedded check file.
pub fn embedded_check_json(text: &str) -> Option<&'static str> {
    let is_it =
        |name: &str| CHECKS.get_file(name).is_some_and(|file| file.contents() == text.as_bytes());
    CHECKS_AS_JSON.iter().find(|(name, _)| is_it(name)).map(|(_, json)| *json)
}

fn list_files(dir: &'static Dir<'static>) -> Box<dyn Iterator<Item = String>> {
    let here = dir.files().filter_map(|file| file.path().to_str().map(str::to_owned));
    Box::new(here.chain(dir.dirs().flat_map(list_files)))
}

/// Reads a text file of at most [`MAX_BYTES`].
///
/// # Errors
///
/// Fails when it cannot be read, is not UTF-8, or is too large.
pub fn read_file(path: &Path) -> Result<Asset, AssetError> {
    let failed = |source| AssetError::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let bytes = file.metadata().map_err(failed)?.len();
    // A pipe or a device has no length and may have no end.
    let mut text = String::new();
    let read = file.take(MAX_BYTES + 1).read_to_string(&mut text);
    let bytes = bytes.max(text.len() as u64);
    if bytes > MAX_BYTES {
        return Err(AssetError::TooLarge { path: path.to_owned(), bytes });
    }
    read.map_err(failed)?;
    Ok(Asset { path: path.display().to_string(), text })
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::fs;

    #[test]
    fn the_overlay_stands_before_the_embedded_file() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("images")).unwrap();
        fs::write(dir.path().join("images/mine.yaml"), "x: 1\n").unwrap();
        let assets = Assets::with_overlay(dir.path().to_owned());
        assert_eq!(assets.read(AssetKind::Recipe, "mine.yaml").unwrap().text, "x: 1\n");
        assert!(assets.names(AssetKind::Recipe).contains(&"mine.yaml".to_owned()));
    }

    #[test]
    fn a_missing_asset_names_those_there_are() {
        let error = Assets::embedded().read(AssetKind::Recipe, "nope.yaml").unwrap_err();
        assert_eq!(error.to_string(), "no images/nope.yaml");
    }

    #[test]
    fn a_file_past_the_limit_is_not_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(MAX_BYTES + 1).unwrap();
        assert!(matches!(read_file(file.path()), Err(AssetError::TooLarge { .. })));
        assert!(matches!(read_file(Path::new("/dev/zero")), Err(AssetError::TooLarge { .. })));
    }
}
