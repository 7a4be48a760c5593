//! Stand-in packages for tests: a lead, two headers with digests that fit, a gzip cpio payload.
//!
//! Not a package builder: only what rpm needs to accept a package.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use md5::{Digest as _, Md5};

use crate::digest::Sha256;

/// The value of a header's entry, by its type.
pub(super) enum Value {
    Text(String),
    Texts(Vec<String>),
    Short(Vec<u16>),
    Int(Vec<u32>),
    Bytes(Vec<u8>),
}

/// A package to be written.
pub(super) struct StandIn {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) release: String,
    pub(super) arch: String,
    pub(super) epoch: Option<u32>,
    pub(super) compressor: String,
    /// Name, flags as rpm has them (2 less, 4 greater, 8 equal), version.
    pub(super) provides: Vec<(String, u32, String)>,
    pub(super) requires: Vec<(String, u32, String)>,
    pub(super) source: bool,
}

impl StandIn {
    pub(super) fn new((name, version, release, arch): (&str, &str, &str, &str)) -> Self {
        let own = (name.to_owned(), 8, format!("{version}-{release}"));
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
            release: release.to_owned(),
            arch: arch.to_owned(),
            epoch: None,
            compressor: "gzip".to_owned(),
            provides: vec![own],
            requires: vec![("rpmlib(CompressedFileNames)".to_owned(), 8, "3.0.4-1".to_owned())],
            source: false,
        }
    }

    pub(super) fn provide(&mut self, name: &str, flags: u32, version: &str) {
        self.provides.push((name.to_owned(), flags, version.to_owned()));
    }

    pub(super) fn require(&mut self, name: &str, flags: u32, version: &str) {
        self.requires.push((name.to_owned(), flags, version.to_owned()));
    }

    /// Writes `NAME.rpm` into a directory and gives its path.
    pub(super) fn write(&self, dir: &Path) -> PathBuf {
        let path = dir.join(format!("{}.rpm", self.name));
        fs::write(&path, self.bytes()).unwrap();
        path
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let main = header(63, self.entries());
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&cpio(&format!("./usr/bin/{}", self.name), b"stand-in\n")).unwrap();
        let payload = gzip.finish().unwrap();
        let body = [&main[..], &payload].concat();
        let signature = header(
            62,
            vec![
                (273, Value::Text(Sha256::hash(&main).to_string())),
                (1000, Value::Int(vec![body.len() as u32])),
                (1004, Value::Bytes(Md5::digest(&body).to_vec())),
            ],
        );
        let mut bytes = vec![0xed, 0xab, 0xee, 0xdb, 3, 0, 0, 0, 0, 1];
        bytes.extend(self.name.bytes());
        bytes.resize(76, 0);
        bytes.extend([0, 1, 0, 5]);
        bytes.resize(96, 0);
        bytes.extend(signature);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        bytes.extend(body);
        bytes
    }

    fn entries(&self) -> Vec<(u32, Value)> {
        let text = |text: &str| Value::Text(text.to_owned());
        let texts = |text: &str| Value::Texts(vec![text.to_owned()]);
        let mut entries = vec![
            (1000, text(&self.name)),
            (1001, text(&self.version)),
            (1002, text(&self.release)),
            (1004, texts("a stand-in <package>")),
            (1005, texts("Stand-in package of the tests.")),
            (1006, Value::Int(vec![1_414_000_000])),
            (1007, text("rig")),
            (1009, Value::Int(vec![9])),
            (1014, text("Public Domain")),
            (1016, texts("Unspecified")),
            (1021, text("linux")),
            (1022, text(&self.arch)),
            (1028, Value::Int(vec![9])),
            (1030, Value::Short(vec![0o100_755])),
            (1033, Value::Short(vec![0])),
            (1034, Value::Int(vec![1_414_000_000])),
            (1035, texts(&Sha256::hash("stand-in\n").to_string())),
            (1036, texts("")),
            (1037, Value::Int(vec![0])),
            (1039, texts("root")),
            (1040, texts("root")),
            (1080, Value::Int(vec![1_414_000_000])),
            (1081, texts("a < b & c")),
            (1082, texts("- \"quoted\"")),
            (1116, Value::Int(vec![0])),
            (1117, texts(&self.name)),
            (1118, texts("/usr/bin/")),
            (1124, text("cpio")),
            (1125, text(&self.compressor)),
            (5011, Value::Int(vec![8])),
        ];
        if self.source {
            entries.push((1106, Value::Int(vec![1])));
        } else {
            entries.push((1044, text(&format!("{}.src.rpm", self.name))));
        }
        if let Some(epoch) = self.epoch {
            entries.push((1003, Value::Int(vec![epoch])));
        }
        for (list, tags) in
            [(&self.provides, [1047, 1112, 1113]), (&self.requires, [1049, 1048, 1050])]
        {
            entries.push((tags[0], Value::Texts(list.iter().map(|d| d.0.clone()).collect())));
            entries.push((tags[1], Value::Int(list.iter().map(|d| d.1).collect())));
            entries.push((tags[2], Value::Texts(list.iter().map(|d| d.2.clone()).collect())));
        }
        entries.sort_by_key(|entry| entry.0);
        entries
    }
}

/// A header in its immutable region.
fn header(region: u32, entries: Vec<(u32, Value)>) -> Vec<u8> {
    let count = entries.len() as u32 + 1;
    let (mut index, mut store) = (Vec::new(), Vec::new());
    for (tag, value) in entries {
        let (kind, width, count, bytes) = match value {
            Value::Text(text) => (6, 1, 1, [text.as_bytes(), b"\0"].concat()),
            Value::Texts(texts) => {
                // Summary, description and group are translatable.
                let kind = if matches!(tag, 1004 | 1005 | 1016) { 9 } else { 8 };
                let bytes = texts.iter().flat_map(|text| [text.as_bytes(), b"\0"].concat());
                (kind, 1, texts.len(), bytes.collect())
            }
            Value::Short(values) => {
                (3, 2, values.len(), values.iter().flat_map(|value| value.to_be_bytes()).collect())
            }
            Value::Int(values) => {
                (4, 4, values.len(), values.iter().flat_map(|value| value.to_be_bytes()).collect())
            }
            Value::Bytes(bytes) => (7, 1, bytes.len(), bytes),
        };
        store.resize(usize::next_multiple_of(store.len(), width), 0);
        for word in [tag, kind, store.len() as u32, count as u32] {
            index.extend(word.to_be_bytes());
        }
        store.extend::<Vec<u8>>(bytes);
    }
    let mut bytes = vec![0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0];
    bytes.extend(count.to_be_bytes());
    bytes.extend((store.len() as u32 + 16).to_be_bytes());
    for word in [region, 7, store.len() as u32, 16] {
        bytes.extend(word.to_be_bytes());
    }
    bytes.extend(index);
    bytes.extend(store);
    for word in [region, 7, (count * 16).wrapping_neg(), 16] {
        bytes.extend(word.to_be_bytes());
    }
    bytes
}

/// One file in the newc format.
fn cpio(name: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (inode, name, mode, data) in [(1, name, 0o100_755, data), (0, "TRAILER!!!", 0, &b""[..])] {
        let fields = [inode, mode, 0, 0, 1, 0, data.len(), 0, 0, 0, 0, name.len() + 1, 0];
        bytes.extend(b"070701");
        bytes.extend(fields.iter().flat_map(|field| format!("{field:08x}").into_bytes()));
        bytes.extend(name.bytes().chain([0]));
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes.extend(data);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    bytes
}
