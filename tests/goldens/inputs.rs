//! The files that cases read: captures and a medium that are kept in `tests/golden`, and images
//! that are built from them once, with the program.
//!
//! Not for files of one case, which carries their text itself.

use std::fmt::Write as _;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::case::case;
use super::mask::sha256;

/// The agent's archive, by the name that it is downloaded under.
pub const AGENT: &str = "Microsoft-ASR_UA_9.8.0.0_RHEL6-64_GA_10Feb2017_release.tar.gz";

/// The images, by name and by what builds them.
const IMAGES: &[(&str, &str)] = &[
    ("demo.iso", "build image demo --self-check-binary none"),
    ("judged.iso", "build image demo --self-check-binary judge"),
    ("el7.iso", "build image demo --set profile=centos-7 --self-check-binary judge"),
    ("hash.iso", "build image hash.yaml --self-check-binary none"),
    (
        "mt.iso",
        "build image demo --base base.iso --rpms rpms --self-check-binary judge --allow-incomplete",
    ),
    (
        "full.iso",
        "build image full.yaml --base base.iso --rpms rpms --self-check-binary judge --allow-incomplete",
    ),
    ("bare.iso", "build image centos-6.6 --self-check-binary none"),
];

/// A recipe with most of what a recipe can say.
pub const FULL: &str = "\
title: everything at once
profile: centos-6.6
host_name: mt01.example.test
network: {device: eth0, method: static, address: 192.0.2.10, netmask: 255.255.255.0, gateway: 192.0.2.1, dns: [192.0.2.53]}
root_password: locked
locale: {language: de_DE.UTF-8, keyboard: de}
timezone: Europe/Berlin
disks:
  system: {name: sda, erase: true, scsi: '*:0:0:0', size: {min: 40 GiB, max: 500 GiB}}
agent: {file: Microsoft-ASR_UA_9.8.0.0_RHEL6-64_GA_10Feb2017_release.tar.gz, sha256: bcf33b08a640786db5e2bf9d8265a9d4a90c924e6b3b39fc1242c47c9a21c740}
retention: {when: first-boot, multipath: '36000c29f3a5d7e1b2c4d6e8f0a1b2c3d'}
hosts:
  - {address: 192.0.2.20, names: [cs01.example.test, cs01]}
packages: [tcpdump]
configuration_server: {address: cs01.example.test}
";

/// A recipe with a password's hash; of "canary".
const HASH: &str = "\
title: a hash
profile: centos-6.6
host_name: mt-hash.example.test
network: {device: eth0, method: dhcp}
root_password: {hash: $6$preflight.canary$lmr6X1IKsBISxWpORgJpJymDSNKwn4r721IGxruxcS76J9.Hjt6MJjKBZC9INaydZ/3Q9XiZnNNrZgFxmbEVo/}
disks:
  system: {name: sda, erase: true, size: {min: 40 GiB, max: 500 GiB}}
agent: {standin: true}
";

/// Where the inputs are.
pub struct Inputs {
    directory: tempfile::TempDir,
    digests: Vec<(String, String)>,
}

impl Inputs {
    /// Takes what is kept and builds the images.
    pub fn new() -> Self {
        let directory = tempfile::Builder::new().prefix("preflight-golden").tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
        for name in ["good", "broken", "good.yaml", "broken.yaml", "unreachable.json"] {
            copy(&kept.join("captures").join(name), &at(name));
        }
        for name in ["esxi-paid.json", "esxi-free.json", "read-only.json"] {
            copy(&kept.join("captures").join(name), &at(name));
        }
        copy(&kept.join("captures/good/linux-mt.mt1.json"), &at("healthy.json"));
        copy(&kept.join("captures/broken/linux-mt.mt1.json"), &at("unwell.json"));
        copy(&kept.join("captures/good/vcenter.json"), &at("vcenter.json"));
        copy(&kept.join("captures/broken/vcenter.json"), &at("snapshot.json"));
        copy(&kept.join("captures/good/esxi.DC0_H0.json"), &at("shell.json"));
        copy(&kept.join("captures/broken/esxi.DC0_H0.json"), &at("free-shell.json"));
        copy(&kept.join("inputs/good.rpm"), &at("rpms/good.rpm"));
        copy(&kept.join("inputs").join(AGENT), &at(AGENT));
        let mut medium = Vec::new();
        let packed = fs::File::open(kept.join("inputs/base.iso.gz")).unwrap();
        flate2::read::GzDecoder::new(packed).read_to_end(&mut medium).unwrap();
        fs::write(at("base.iso"), medium).unwrap();
        fs::write(at("judge"), static_program()).unwrap();
        fs::write(at("full.yaml"), FULL).unwrap();
        fs::write(at("hash.yaml"), HASH).unwrap();
        let mut inputs = Self { directory, digests: Vec::new() };
        inputs.build();
        inputs.damage();
        inputs.digests = inputs.digests_of_images();
        inputs
    }

    fn build(&self) {
        for (name, line) in IMAGES {
            let line = format!("{line} -o {name}").replace("AGENT", AGENT);
            let built = case(*name).run(&line);
            let (status, said) = built.run_in(self.directory.path());
            assert!(matches!(status, Some(0 | 1)), "{line}: {said}");
        }
    }

    /// Images that are not as they were built.
    fn damage(&self) {
        let mut bytes = fs::read(self.path("mt.iso")).unwrap();
        let at = bytes.windows(7).position(|window| window == b"zerombr").unwrap();
        bytes[at] = b'Z';
        fs::write(self.path("damaged.iso"), &bytes).unwrap();
        fs::write(self.path("short.iso"), &bytes[..bytes.len() / 2]).unwrap();
    }

    /// Where they are.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Where an input is.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Copies an input to the same name in another directory.
    pub fn put(&self, name: &str, directory: &Path) {
        copy(&self.path(name), &directory.join(name));
    }

    /// The digest of each image by its name.
    pub fn digests(&self) -> &[(String, String)] {
        &self.digests
    }

    fn digests_of_images(&self) -> Vec<(String, String)> {
        let names = ["base.iso", "damaged.iso", "short.iso"].into_iter();
        names
            .chain(IMAGES.iter().map(|(name, _)| *name))
            .map(|name| (name.to_owned(), sha256(&fs::read(self.path(name)).unwrap())))
            .collect()
    }

    /// The images as a table: name, bytes, digest, and what built it.
    pub fn images(&self) -> String {
        let mut table = String::from("image\tbytes\tsha256\tbuilt by\n");
        for (name, line) in IMAGES {
            let bytes = fs::read(self.path(name)).unwrap();
            writeln!(table, "{name}\t{}\t{}\t{line}", bytes.len(), sha256(&bytes)).unwrap();
        }
        table
    }
}

/// Copies a file or a directory of files.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    if from.is_dir() {
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        fs::write(to, fs::read(from).unwrap()).unwrap();
    }
}

/// The least that passes for a static preflight: an ELF file for x86-64 with one segment that is
/// loaded, in which the name of the captures' format stands. It never runs.
fn static_program() -> Vec<u8> {
    let marker = b"preflight.capture/1";
    let mut bytes = vec![0; 4096];
    bytes[..8].copy_from_slice(b"\x7fELF\x02\x01\x01\x00");
    let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
    put(16, &2_u16.to_le_bytes());
    put(18, &62_u16.to_le_bytes());
    put(24, &0x1000_u64.to_le_bytes());
    put(32, &64_u64.to_le_bytes());
    put(54, &56_u16.to_le_bytes());
    put(56, &1_u16.to_le_bytes());
    put(64, &1_u32.to_le_bytes());
    put(68, &5_u32.to_le_bytes());
    put(72, &120_u64.to_le_bytes());
    put(80, &0x1000_u64.to_le_bytes());
    put(96, &256_u64.to_le_bytes());
    put(104, &256_u64.to_le_bytes());
    put(200, marker);
    bytes
}
