//! The packages of an archive as its `Packages` lists them (deb-control(5)).
//!
//! Not for which of them are installed, nor for their versions.

use super::control::{self, ControlError, Paragraph};

/// A package of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DebPackage {
    /// Its name.
    pub name: String,
    /// The names that it stands for.
    pub provides: Vec<String>,
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
/// let text = "Package: exim4\nVersion: 4.86\nProvides: mail-transport-agent, smtp (= 2)\n";
/// let packages = list::parse(text).unwrap();
/// assert_eq!(packages[0].provides, ["mail-transport-agent", "smtp"]);
/// ```
pub fn parse(text: &str) -> Result<Vec<DebPackage>, ListError> {
    control::parse(text)?.iter().map(DebPackage::from_paragraph).collect()
}

impl DebPackage {
    fn from_paragraph(paragraph: &Paragraph<'_>) -> Result<Self, ListError> {
        let name = paragraph.get("Package").unwrap_or_default();
        let failed = |field| ListError::Field { package: name.to_owned(), field };
        if !is_package_name(name) {
            return Err(failed("Package"));
        }
        paragraph.get("Version").ok_or_else(|| failed("Version"))?;
        let provides = paragraph.get("Provides").unwrap_or_default();
        let provides = parse_names(provides).ok_or_else(|| failed("Provides"))?;
        Ok(Self { name: name.to_owned(), provides })
    }
}

/// Whether a text is a package's name (deb-control(5)).
fn is_package_name(text: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.len() >= 2
        && text.bytes().next().is_some_and(letter)
        && text.bytes().all(|byte| letter(byte) || b"+-.".contains(&byte))
}

/// Reads the names of a field of relations, with commas between. Versions, architectures and
/// restrictions behind a name are left out.
fn parse_names(text: &str) -> Option<Vec<String>> {
    let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    let name = |entry: &str| {
        let name = entry.split([' ', '\t', '\n', '(', '[', '<', ':']).next()?;
        is_package_name(name).then(|| name.to_owned())
    };
    entries.map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written_in_the_field() {
        for (text, names) in [
            ("", &[][..]),
            ("libc6:any (= 2.14)", &["libc6"]),
            ("python-pyasn1(=0.2)", &["python-pyasn1"]),
            ("a2 ( = 1:2-3 ) [amd64],\n g++ [!i386] <!nocheck>,", &["a2", "g++"]),
        ] {
            assert_eq!(parse_names(text).unwrap(), names, "{text:?}");
        }
        for text in ["a", "A2", "???"] {
            assert_eq!(parse_names(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_package_without_a_name_or_a_version_is_refused() {
        for (text, field) in [
            ("Version: 1\n", "Package"),
            ("Package: a2\n", "Version"),
            ("Package: a2\nVersion: 1\nProvides: ???\n", "Provides"),
        ] {
            match parse(text) {
                Err(ListError::Field { field: seen, .. }) => assert_eq!(seen, field, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }
}
