//! The embedded data files, and a directory that overrides them (`--assets DIR`).
//!
//! Not for what the files mean: `image::recipe`, `installer::profile`, `template` and
//! `check::definition` each read their own kind.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use crate::hint::hinted;

/// What `build.rs` packed: the path of each embedded file and its length; and all of them, one behind the other.
static TABLE: &[(&str, usize)] = &include!(concat!(env!("OUT_DIR"), "/assets.in"));
static PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/assets.zst"));

/// The embedded files by their paths; those of checks once more below `json/`.
static EMBEDDED: LazyLock<BTreeMap<&str, &str>> = LazyLock::new(|| {
    let texts = zstd::decode_all(PACKED).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let mut rest: &str = texts.expect("it is what build.rs packed").leak();
    let split = |&(path, len): &(&'static str, usize)| {
        let (text, behind) = rest.split_at(len);
        rest = behind;
        (path, text)
    };
    TABLE.iter().map(split).collect()
});

/// Returns the embedded files of a directory, each with its path.
pub fn embedded_in(directory: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let is_in =
        move |path: &str| path.rsplit_once('/').is_some_and(|(parent, _)| parent == directory);
    EMBEDDED.iter().map(|(path, text)| (*path, *text)).filter(move |(path, _)| is_in(path))
}

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
    #[error("cannot read {0}")]
    Read(PathBuf, #[source] io::Error),
    /// A file larger than [`MAX_BYTES`].
    #[error("{0} has {1} bytes, at most {MAX_BYTES} are read")]
    TooLarge(PathBuf, u64),
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
        let path = format!("{}/{name}", kind.directory());
        match EMBEDDED.get(&*path) {
            Some(text) => Ok(Asset { path, text: (*text).to_owned() }),
            None => {
                Err(AssetError::Missing { kind, name: name.to_owned(), known: self.names(kind) })
            }
        }
    }

    /// Returns the file names of a kind, sorted, including those of the overlay.
    pub fn names(&self, kind: AssetKind) -> Vec<String> {
        let below =
            |path: &&str| path.strip_prefix(kind.directory())?.strip_prefix('/').map(str::to_owned);
        let mut names: BTreeSet<String> = EMBEDDED.keys().filter_map(below).collect();
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
    let (path, _) = EMBEDDED.iter().find(|(_, embedded)| **embedded == text)?;
    EMBEDDED.get(&*format!("json/{path}")).copied()
}

/// Reads a text file of at most [`MAX_BYTES`].
///
/// # Errors
///
/// Fails when it cannot be read, is not UTF-8, or is too large.
pub fn read_file(path: &Path) -> Result<Asset, AssetError> {
    let failed = |source| AssetError::Read(path.to_owned(), source);
    let file = File::open(path).map_err(failed)?;
    let bytes = file.metadata().map_err(failed)?.len();
    // A pipe or a device has no length and may have no end.
    let mut text = String::new();
    let read = file.take(MAX_BYTES + 1).read_to_string(&mut text);
    let bytes = bytes.max(text.len() as u64);
    if bytes > MAX_BYTES {
        return Err(AssetError::TooLarge(path.to_owned(), bytes));
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
        assert!(matches!(read_file(file.path()), Err(AssetError::TooLarge(..))));
        assert!(matches!(read_file(Path::new("/dev/zero")), Err(AssetError::TooLarge(..))));
    }
}
