//! `.treeinfo` and `.discinfo`: the vendor's description of a medium.
//!
//! Not for whether it is true: the checksums are only read here.

use super::debian_medium::DiskInfo;
use crate::digest::Sha256;
use crate::iso::Medium;

/// The most bytes of `.treeinfo` and `.discinfo` that are read.
const MAX_BYTES: u64 = 64 * 1024;

/// What the two files say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TreeInfo {
    /// The release, such as `6.6`.
    pub version: Option<String>,
    /// The architecture, such as `x86_64`.
    pub architecture: Option<String>,
    /// Files of `[checksums]` with what is recorded, such as `sha256:...`.
    pub checksums: Vec<(String, String)>,
    /// Files that `[images-ARCH]` and `[stage2]` name for the medium's architecture, as
    /// `(key, path)`.
    pub images: Vec<(String, String)>,
}

impl TreeInfo {
    /// Reads both files of a medium, and `.disk/info`; what none says is absent.
    pub fn from_medium(medium: &Medium) -> Self {
        let text = |path| {
            let bytes = medium.read_file(path, MAX_BYTES).ok()?;
            Some(String::from_utf8_lossy(&bytes).into_owned())
        };
        let mut info = text(".treeinfo").map(|text| Self::parse(&text)).unwrap_or_default();
        if let Some(text) = text(".discinfo") {
            let mut lines = text.lines().skip(1).map(|line| line.trim().to_owned());
            let is_release = |line: &String| line.starts_with(|c: char| c.is_ascii_digit());
            info.version = info.version.or(lines.next().filter(is_release));
            info.architecture = info.architecture.or(lines.next()).filter(|text| !text.is_empty());
        }
        if let Some(disk) = DiskInfo::from_medium(medium) {
            info.version = info.version.or(disk.version);
            info.architecture = info.architecture.or(disk.architecture);
        }
        info
    }

    /// Reads a `.treeinfo`. The release is that of `[release]` or `[general]`: `[header]` has a
    /// `version` too, which is the format's (productmd, treeinfo-1.0).
    ///
    /// ```
    /// use preflight::image::treeinfo::TreeInfo;
    /// let text = "[header]\nversion = 1.2\n[general]\nversion = 6.6\narch = x86_64\n";
    /// let info = TreeInfo::parse(text);
    /// assert_eq!(info.version.as_deref(), Some("6.6"));
    /// assert_eq!(info.architecture.as_deref(), Some("x86_64"));
    /// ```
    pub fn parse(text: &str) -> Self {
        let mut info = Self::default();
        let mut images = Vec::new();
        let mut section = "";
        for line in text.lines().map(str::trim) {
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                section = name.trim();
                continue;
            }
            let Some((key, value)) = line.split_once('=') else { continue };
            let (key, value) = (key.trim(), value.trim().to_owned());
            if value.is_empty() {
                continue;
            }
            match (section, key) {
                ("release", "version") => info.version = Some(value),
                // Before the first section stands what has none.
                ("general" | "", "version") => {
                    info.version.get_or_insert(value);
                }
                ("general" | "tree" | "", "arch") => {
                    info.architecture.get_or_insert(value);
                }
                ("checksums", path) => info.checksums.push((path.to_owned(), value)),
                ("stage2", key) => images.push((String::new(), key.to_owned(), value)),
                (section, key) => {
                    if let Some(architecture) = section.strip_prefix("images-") {
                        images.push((architecture.to_owned(), key.to_owned(), value));
                    }
                }
            }
        }
        let architecture = info.architecture.clone().unwrap_or_default();
        info.images = images
            .into_iter()
            .filter(|(of, _, _)| of.is_empty() || *of == architecture)
            .map(|(_, key, path)| (key, path))
            .collect();
        info
    }

    /// The major release, such as 6.
    pub fn major(&self) -> Option<u8> {
        self.version.as_deref()?.split('.').next()?.parse().ok()
    }

    /// The sha256 that is recorded for each file; `Err` is a record of another kind.
    pub fn digests(&self) -> impl Iterator<Item = (&str, Result<Sha256, &str>)> {
        self.checksums.iter().map(|(path, recorded)| {
            let digest = recorded.strip_prefix("sha256:").and_then(|hex| hex.trim().parse().ok());
            (path.trim_start_matches('/'), digest.ok_or(recorded.as_str()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sections_of_el6_and_of_later_media_are_told_apart() {
        let el6 = "[general]\nfamily = CentOS\nvariant = \nversion = 6.6\narch = x86_64\n\n\
                   [images-x86_64]\nkernel = images/pxeboot/vmlinuz\n\n[images-xen]\nkernel = x\n\n\
                   [stage2]\nmainimage = images/install.img\n\n\
                   [checksums]\nimages/install.img = sha256:00\nx = md5:1\n";
        let info = TreeInfo::parse(el6);
        assert_eq!((info.major(), info.architecture.as_deref()), (Some(6), Some("x86_64")));
        let image = |key: &str, path: &str| (key.to_owned(), path.to_owned());
        let expected =
            [image("kernel", "images/pxeboot/vmlinuz"), image("mainimage", "images/install.img")];
        assert_eq!(info.images, expected);
        let digests: Vec<_> = info.digests().map(|(path, digest)| (path, digest.is_ok())).collect();
        assert_eq!(digests, [("images/install.img", false), ("x", false)]);

        let el8 = "[checksums]\na = sha256:b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c\n\
                   [general]\nversion = 8.1\n[header]\nversion = 1.2\n[release]\nversion = 8\n\
                   [tree]\narch = aarch64\n";
        let info = TreeInfo::parse(el8);
        assert_eq!((info.version.as_deref(), info.major()), (Some("8"), Some(8)));
        assert_eq!(info.architecture.as_deref(), Some("aarch64"));
        assert!(info.digests().all(|(path, digest)| path == "a" && digest.is_ok()));
        for text in ["", "[", "[]", "=", "a=", "[general]\nversion = banana\n"] {
            assert_eq!(TreeInfo::parse(text).major(), None, "{text}");
        }
    }
}
