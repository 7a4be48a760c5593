//! Paths on a disc: relative, printable ASCII, without traversal.
//!
//! Not for paths of the machine that builds the image: those are `std::path`.

/// A path inside an image, such as `preflight/repo/repodata/repomd.xml`; never starts with `/`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, derive_more::Display)]
#[display("/{_0}")]
pub struct DiscPath(String);

/// Why a text is not a [`DiscPath`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path:?} is not a path inside an image: {why}")]
pub struct DiscPathError {
    /// The text.
    pub path: String,
    /// What is wrong with it.
    pub why: &'static str,
}

impl DiscPath {
    /// Creates a path from components of 1 to 255 bytes, none of them `.` or `..`; a leading `/` is
    /// dropped.
    ///
    /// # Errors
    ///
    /// Refuses empty components, traversal, control characters and anything that is not ASCII.
    pub fn new(path: &str) -> Result<Self, DiscPathError> {
        let bad = |why| Err(DiscPathError { path: path.to_owned(), why });
        let inner = path.strip_prefix('/').unwrap_or(path);
        if inner.is_empty() {
            return bad("it is empty");
        }
        if !inner.bytes().all(|b| b.is_ascii_graphic() || b == b' ') {
            return bad("only printable ASCII is allowed");
        }
        for part in inner.split('/') {
            match part {
                "" => return bad("a component is empty"),
                "." | ".." => return bad("it leaves its place"),
                _ if part.len() > 255 => return bad("a component is longer than 255 bytes"),
                _ => {}
            }
        }
        Ok(Self(inner.to_owned()))
    }

    /// Returns the path without a leading slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_leave_the_disc_are_refused() {
        for bad in ["", "/", "a//b", "../x", "a/..", "a/./b", "a\nb", "a\u{1b}b", "ü", "a/"] {
            assert!(DiscPath::new(bad).is_err(), "{bad:?}");
        }
        for good in ["ks.cfg", "/ks.cfg", "preflight/repo/a-1.0.rpm", "with blank"] {
            assert_eq!(DiscPath::new(good).unwrap().as_str(), good.trim_start_matches('/'));
        }
    }
}
