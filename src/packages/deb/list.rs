//! The packages of an archive as its `Packages` lists them, and the relations between them
//! (deb-control(5)).
//!
//! Not for which of them are installed.

use std::fmt;

use super::control::{self, ControlError, Paragraph};
use super::version::DebVersion;
use crate::digest::Sha256;

/// The architecture of master targets, as Debian names it.
pub const NATIVE: &str = "amd64";

/// A package of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DebPackage {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: DebVersion,
    /// `amd64` or `all`.
    pub architecture: String,
    /// Its file, from the archive's top; empty where nothing says.
    pub file: String,
    /// Bytes of the file.
    pub size: u64,
    /// The file's digest.
    pub sha256: Option<Sha256>,
    /// What must be there before it is unpacked (`Pre-Depends`) and before it runs (`Depends`).
    pub depends: Vec<Dependency>,
    /// What it stands for, with a version where it says one.
    pub provides: Vec<PackageRelation>,
    /// What must not be there (`Conflicts` and `Breaks`).
    pub conflicts: Vec<PackageRelation>,
    /// Whether it may serve packages of another architecture that say `:any` (`Multi-Arch:
    /// allowed`).
    pub is_for_any_architecture: bool,
    /// Whether every system has it: its priority is `required` or `important`, or it is
    /// `Essential`. debootstrap installs those.
    pub is_of_base_system: bool,
}

/// Packages one of which is enough.
pub type Dependency = Vec<PackageRelation>;

/// A package by name, with the versions that are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageRelation {
    /// Its name; with `:any`, where one for another architecture would do, and with an
    /// architecture that is not this one.
    pub name: String,
    /// Which versions; any when absent.
    pub versions: Option<(VersionTest, DebVersion)>,
}

/// How a version is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionTest {
    /// `<<`
    Earlier,
    /// `<=`
    EarlierOrEqual,
    /// `=`
    Equal,
    /// `>=`
    LaterOrEqual,
    /// `>>`
    Later,
}

impl VersionTest {
    /// The sign.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Earlier => "<<",
            Self::EarlierOrEqual => "<=",
            Self::Equal => "=",
            Self::LaterOrEqual => ">=",
            Self::Later => ">>",
        }
    }

    fn from_sign(sign: &str) -> Option<Self> {
        // `<` and `>` are old spellings of `<=` and `>=` (deb-control(5)).
        Some(match sign {
            "<<" => Self::Earlier,
            "<=" | "<" => Self::EarlierOrEqual,
            "=" => Self::Equal,
            ">=" | ">" => Self::LaterOrEqual,
            ">>" => Self::Later,
            _ => return None,
        })
    }
}

impl fmt::Display for PackageRelation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.versions {
            None => f.write_str(&self.name),
            Some((test, version)) => write!(f, "{} ({} {version})", self.name, test.as_str()),
        }
    }
}

/// Why a list cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// It is no control file.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// A package without a field, or with one that cannot be read.
    #[error("package {package:?}: {field} is missing or cannot be read")]
    Field {
        /// The package.
        package: String,
        /// The field.
        field: &'static str,
    },
}

/// Reads a `Packages` list.
///
/// # Errors
///
/// Refuses what is no list, and a package without name or version.
///
/// ```
/// use preflight::packages::deb::list;
/// let text = "Package: lsscsi\nVersion: 0.27-3\nArchitecture: amd64\nDepends: libc6 (>= 2.14)\n";
/// let packages = list::parse(text).unwrap();
/// assert_eq!(packages[0].depends[0][0].to_string(), "libc6 (>= 2.14)");
/// ```
pub fn parse(text: &str) -> Result<Vec<DebPackage>, ListError> {
    control::parse(text)?.iter().map(DebPackage::from_paragraph).collect()
}

impl DebPackage {
    /// Reads one paragraph of a list, or the only one of a package's `control`.
    ///
    /// # Errors
    ///
    /// Refuses one without name or version, and a relation that cannot be read.
    pub fn from_paragraph(paragraph: &Paragraph<'_>) -> Result<Self, ListError> {
        let name = paragraph.get("Package").unwrap_or_default();
        let failed = |field| ListError::Field { package: name.to_owned(), field };
        if !is_package_name(name) {
            return Err(failed("Package"));
        }
        let relations = |field: &'static str| match paragraph.get(field) {
            None => Ok(Vec::new()),
            Some(text) => parse_dependencies(text).ok_or_else(|| failed(field)),
        };
        let single = |field: &'static str| -> Result<Vec<PackageRelation>, ListError> {
            Ok(relations(field)?.into_iter().flatten().collect())
        };
        let mut depends = relations("Pre-Depends")?;
        depends.extend(relations("Depends")?);
        let mut conflicts = single("Conflicts")?;
        conflicts.extend(single("Breaks")?);
        Ok(Self {
            name: name.to_owned(),
            version: paragraph
                .get("Version")
                .and_then(|text| text.parse().ok())
                .ok_or_else(|| failed("Version"))?,
            architecture: paragraph.get("Architecture").unwrap_or_default().to_owned(),
            file: paragraph.get("Filename").unwrap_or_default().to_owned(),
            size: match paragraph.get("Size") {
                None => 0,
                Some(text) => text.parse().map_err(|_| failed("Size"))?,
            },
            sha256: match paragraph.get("SHA256") {
                None => None,
                Some(text) => Some(text.parse().map_err(|_| failed("SHA256"))?),
            },
            depends,
            provides: single("Provides")?,
            conflicts,
            is_for_any_architecture: paragraph.get("Multi-Arch") == Some("allowed"),
            is_of_base_system: paragraph.get("Essential") == Some("yes")
                || matches!(paragraph.get("Priority"), Some("required" | "important")),
        })
    }
}

/// Whether a text is a package's name (deb-control(5)).
pub fn is_package_name(text: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.len() >= 2
        && text.bytes().next().is_some_and(letter)
        && text.bytes().all(|byte| letter(byte) || b"+-.".contains(&byte))
}

/// Reads a field of relations: commas between, `|` between alternatives. Restrictions in brackets are
/// not kept, and of an architecture behind the name only what another than `amd64` means.
pub fn parse_dependencies(text: &str) -> Option<Vec<Dependency>> {
    let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    entries.map(|entry| entry.split('|').map(parse_relation).collect()).collect()
}

fn parse_relation(text: &str) -> Option<PackageRelation> {
    let text = text.trim();
    let end = text.find([' ', '\t', '\n', '(', '[', '<']).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let (name, architecture) = name.split_once(':').unwrap_or((name, NATIVE));
    if !is_package_name(name) || !architecture.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    let name = match architecture {
        NATIVE | "all" | "native" => name.to_owned(),
        other => format!("{name}:{other}"),
    };
    let rest = rest.trim();
    let versions = match rest.strip_prefix('(') {
        None if rest.is_empty() || rest.starts_with(['[', '<']) => None,
        None => return None,
        Some(rest) => {
            let (inner, _) = rest.split_once(')')?;
            let inner = inner.trim();
            let end = inner.find(|c: char| !"<>=".contains(c))?;
            let (sign, version) = inner.split_at(end);
            Some((VersionTest::from_sign(sign)?, version.trim().parse().ok()?))
        }
    };
    Some(PackageRelation { name, versions })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relation(text: &str) -> PackageRelation {
        parse_relation(text).unwrap_or_else(|| panic!("{text:?}"))
    }

    #[test]
    fn relations_are_read_as_they_are_written_in_the_field() {
        for (text, shown) in [
            ("libc6", "libc6"),
            ("libc6:any (>= 2.14)", "libc6:any (>= 2.14)"),
            ("libc6:amd64", "libc6"),
            ("libc6:i386", "libc6:i386"),
            ("python-pyasn1(<<0.2)", "python-pyasn1 (<< 0.2)"),
            ("a2 ( = 1:2-3 ) [amd64]", "a2 (= 1:2-3)"),
            ("g++ [!i386] <!nocheck>", "g++"),
            ("a2 (< 1)", "a2 (<= 1)"),
        ] {
            assert_eq!(relation(text).to_string(), shown);
        }
        for text in ["", "a", "A2", "a2 (", "a2 (1)", "a2 (>= )", "a2 b2", "a2 (>< 1)"] {
            assert_eq!(parse_relation(text), None, "{text:?}");
        }
        let two = parse_dependencies("a2 | b2 (>= 1),\n c2,").unwrap();
        assert_eq!(two.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1]);
    }

    #[test]
    fn a_package_without_a_name_or_a_version_is_refused() {
        for (text, field) in [
            ("Version: 1\n", "Package"),
            ("Package: a2\n", "Version"),
            ("Package: a2\nVersion: 1\nDepends: ???\n", "Depends"),
            ("Package: a2\nVersion: 1\nSize: x\n", "Size"),
            ("Package: a2\nVersion: 1\nSHA256: x\n", "SHA256"),
        ] {
            match parse(text) {
                Err(ListError::Field { field: seen, .. }) => assert_eq!(seen, field, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }
}
