//! A small image with everything that an appliance has: a medium whose kernel, second stage and
//! packages have checksums, add-on packages, an agent, the first-boot service.
//!
//! Nothing in it starts: kernel and packages are filler, which is enough for who reads the file.

use std::fs;
use std::path::Path;

use preflight::digest::Sha256;
use preflight::iso::Medium;
use preflight::iso::bytemap::ByteMap;

use super::program::{ONE_FILE, run};
use super::{Patches, el6_medium};

/// Files of the vendor's that have a checksum other than the manifest's.
const RECORDED: &[&str] = &[
    "images/pxeboot/vmlinuz",
    "images/pxeboot/initrd.img",
    "images/install.img",
    "isolinux/vmlinuz",
    "isolinux/initrd.img",
];

/// The image, in memory.
pub struct Good {
    /// Its bytes.
    pub image: ByteMap,
    manifest: String,
    sums: String,
}

impl Good {
    /// Writes the medium and builds on it with the program.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        let base = el6_medium::write_changed(dir, 0, fill, &[]);
        el6_medium::write_add_on(dir);
        let args = ["build", "image", "demo", "-o", "mt.iso", "--rpms", "rpms"];
        let args = args.into_iter().chain(["--allow-incomplete", "--base", base.to_str().unwrap()]);
        let ran = run(dir, &ONE_FILE, args);
        assert_eq!(ran.code, Some(0), "{}", ran.text());
        let mut image = ByteMap::new();
        image.push_bytes(fs::read(dir.join("mt.iso")).unwrap());
        let medium = Medium::from_map(image.clone()).unwrap();
        let text = |path| String::from_utf8(medium.read_file(path, 1 << 20).unwrap()).unwrap();
        let (manifest, sums) = (text("preflight/manifest.json"), text("preflight/manifest.sha256"));
        Self { image, manifest, sums }
    }

    /// Bytes of the image.
    pub fn bytes(&self, at: u64, len: u64) -> Vec<u8> {
        let mut bytes = vec![0; usize::try_from(len).unwrap()];
        self.image.read_exact_at(at, &mut bytes).unwrap();
        bytes
    }

    /// A change of a file that has a checksum besides the manifest's, with a manifest that follows
    /// it; nothing for other files.
    pub fn manifest_follows(
        &self,
        path: &str,
        extents: &[(u64, u64)],
        change: &Patches,
    ) -> Option<Patches> {
        let has_own = RECORDED.contains(&path)
            || path.starts_with("Packages/")
            || path.starts_with("preflight/repo/") && !path.ends_with("repomd.xml")
            || path.starts_with("repodata/") && !path.ends_with("repomd.xml");
        has_own.then(|| self.followed(extents, change))
    }

    fn followed(&self, extents: &[(u64, u64)], change: &Patches) -> Patches {
        let digest = |image: &ByteMap| {
            let mut file = ByteMap::new();
            extents.iter().for_each(|(at, len)| image.copy_range(*at, *len, &mut file));
            Sha256::hash_reader(file.reader()).unwrap().0.to_string()
        };
        let mut image = self.image.clone();
        change.iter().for_each(|(at, bytes)| image.patch(*at, bytes));
        let (old, new) = (digest(&self.image), digest(&image));
        let manifest = self.manifest.replace(&old, &new);
        let own = |text: &str| Sha256::hash(text).to_string();
        let sums = self.sums.replace(&old, &new).replace(&own(&self.manifest), &own(&manifest));
        let medium = Medium::from_map(self.image.clone()).unwrap();
        let at = |path| medium.find(path).unwrap().extents[0].0;
        let mut patches = change.clone();
        patches.push((at("preflight/manifest.json"), manifest.into_bytes()));
        patches.push((at("preflight/manifest.sha256"), sums.into_bytes()));
        patches
    }

    /// A text file with other words, which are no longer than the old ones, and a manifest that
    /// follows.
    pub fn edited(&self, path: &str, old: &str, new: &str) -> Patches {
        let medium = Medium::from_map(self.image.clone()).unwrap();
        let text = String::from_utf8(medium.read_file(path, 1 << 20).unwrap()).unwrap();
        assert!(text.contains(old), "{path} has no {old:?}:\n{text}");
        let mut changed = text.replacen(old, new, 1);
        // Room for words that are longer: comments go.
        let mut comments: Vec<String> =
            changed.lines().filter(|line| line.starts_with("# ")).map(str::to_owned).collect();
        while changed.len() > text.len() {
            let comment = comments.pop().expect("there are comments enough");
            if !new.contains(&comment) && !comment.contains("preflight-manifest") {
                changed = changed.replacen(&format!("{comment}\n"), "", 1);
            }
        }
        changed += &"\n".repeat(text.len() - changed.len());
        let extents = medium.find(path).unwrap().extents;
        self.followed(&extents, &vec![(extents[0].0, changed.into_bytes())])
    }
}

/// The vendor's repository, and a second program of the boot menu.
fn fill(tree: &Path) {
    el6_medium::repository::fill(tree);
    fs::write(tree.join("isolinux/memtest"), [8; 3000]).unwrap();
}
