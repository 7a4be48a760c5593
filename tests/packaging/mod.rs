//! Stand-in packages built by rpmbuild, and throw-away keys of the kinds el6's are signed with, by
//! gpg 1: the only one that still writes signatures of version 3.
//!
//! No key is kept: each test makes its own.

#![allow(dead_code, reason = "each test program uses a part of this")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::program::installed;

/// Runs a command that must succeed.
pub fn done(command: &mut Command) -> Output {
    let output = command.env("LC_ALL", "C").output().expect("the program starts");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {told}");
    output
}

/// A package to be built: one marker file with the package's name in it, and what else is told.
#[derive(Clone, Copy, Debug)]
pub struct Spec<'a> {
    pub name: &'a str,
    /// `VERSION-RELEASE`.
    pub evr: &'a str,
    /// More lines of the preamble.
    pub more: &'a str,
    /// A second file below `/usr/share/standin`, with the package's own name in it.
    pub also: Option<&'a str>,
}

impl Spec<'_> {
    /// Builds it into a directory and gives its path.
    pub fn build(&self, to: &Path) -> PathBuf {
        let Self { name, evr, more, .. } = self;
        let (version, release) = evr.split_once('-').expect("VERSION-RELEASE");
        let files = [Some(*name), self.also].into_iter().flatten();
        let (mut install, mut listed) = (String::new(), String::new());
        for file in files {
            let path = format!("/usr/share/standin/{file}");
            install.push_str(&format!("echo {name}-{evr} > %{{buildroot}}{path}\n"));
            listed.push_str(&format!("{path}\n"));
        }
        let spec = format!(
            "Name: {name}\nVersion: {version}\nRelease: {release}\nSummary: stand-in\nLicense: GPLv2+\nVendor: The lab\nAutoReqProv: no\n{more}\n%description\nStand-in.\n%install\nmkdir -p %{{buildroot}}/usr/share/standin\n{install}%files\n{listed}"
        );
        let work = tempfile::tempdir().expect("a directory");
        let file = work.path().join("x.spec");
        fs::write(&file, spec).expect("a spec file");
        done(
            Command::new("rpmbuild")
                .args(["--quiet", "-bb", "--target", "x86_64"])
                .args(["--define", "_binary_payload w9.gzdio", "--define", "debug_package %{nil}"])
                .args(["--define", "_build_id_links none", "--define"])
                .arg(format!("_topdir {}", work.path().display()))
                .arg(&file),
        );
        let made = format!("{name}-{evr}.x86_64.rpm");
        fs::create_dir_all(to).expect("a directory");
        fs::copy(work.path().join("RPMS/x86_64").join(&made), to.join(&made)).expect("it is built");
        to.join(made)
    }
}

/// Somebody who signs packages, with a home of their own.
pub struct Signer {
    home: tempfile::TempDir,
}

/// The kinds of keys there are here; `Owner` is the name each one is found by.
pub const RSA: &str = "Lab Key (RSA)";
pub const DSA: &str = "Lab Key (DSA)";
pub const STRANGER: &str = "Somebody Else";

/// How a package is signed.
#[derive(Clone, Copy, Debug)]
pub struct How {
    /// Whose key.
    pub owner: &'static str,
    /// `SHA1`, `SHA256`.
    pub digest: &'static str,
    /// A signature packet of version 3, as rpm of el6 writes it.
    pub version_3: bool,
    /// Over header and payload as well as over the header alone.
    pub payload: bool,
}

/// As packages of CentOS 6 are.
pub const AS_CENTOS: How = How { owner: RSA, digest: "SHA1", version_3: true, payload: true };
/// As packages of ELRepo for el6 are.
pub const AS_ELREPO: How = How { owner: DSA, digest: "SHA1", version_3: true, payload: true };

impl Signer {
    /// Makes the keys; none without gpg 1 and rpmsign.
    pub fn new() -> Option<Self> {
        if !installed(&["gpg1", "rpmsign", "rpmbuild"]) {
            return None;
        }
        let home = tempfile::tempdir().expect("a directory");
        let key = |kind: &str, bits: u32, name: &str| {
            let usage = if kind == "RSA" { "Key-Usage: sign\n" } else { "" };
            format!("Key-Type: {kind}\nKey-Length: {bits}\n{usage}Name-Real: {name}\n%commit\n")
        };
        let batch = [key("RSA", 2048, RSA), key("DSA", 1024, DSA), key("RSA", 1024, STRANGER)];
        let file = home.path().join("batch");
        fs::write(&file, batch.concat()).expect("a file");
        let signer = Self { home };
        done(signer.gpg().args(["--quick-random", "--gen-key"]).arg(file));
        Some(signer)
    }

    fn gpg(&self) -> Command {
        let mut command = Command::new("gpg1");
        command.args(["--batch", "--no-tty", "--homedir"]).arg(self.home.path());
        command
    }

    /// The public key of an owner, as a distribution publishes it.
    pub fn public(&self, owner: &str) -> PathBuf {
        let file = self.home.path().join(format!("{owner}.asc"));
        let exported = done(self.gpg().args(["--armor", "--export", owner]));
        let words = "The following key is what the packages of this test are signed with.\n\n";
        fs::write(&file, [words.as_bytes(), &exported.stdout].concat()).expect("a file");
        file
    }

    /// A public key as bytes, not armoured.
    pub fn binary(&self, owner: &str) -> Vec<u8> {
        done(self.gpg().args(["--export", owner])).stdout
    }

    /// The private key of an owner, which nobody should hand out.
    pub fn private(&self, owner: &str) -> PathBuf {
        let file = self.home.path().join(format!("{owner}.secret"));
        let exported = done(self.gpg().args(["--armor", "--export-secret-keys", owner]));
        fs::write(&file, exported.stdout).expect("a file");
        file
    }

    /// The public key of an owner who has taken it back.
    pub fn revoked(&self, owner: &str) -> PathBuf {
        let script = format!(
            "printf 'y\\n0\\n\\ny\\n' | gpg1 --no-tty --homedir '{0}' --command-fd 0 --output '{0}/revoke' --gen-revoke '{owner}' 2> /dev/null && gpg1 --batch --homedir '{0}' --import '{0}/revoke'",
            self.home.path().display()
        );
        done(Command::new("sh").args(["-c", &script]));
        self.public(owner)
    }

    /// Signs packages, in place.
    pub fn sign(&self, how: How, packages: &[PathBuf]) {
        let version = if how.version_3 { "--force-v3-sigs " } else { "" };
        let mut command = Command::new("rpmsign");
        command.arg("--addsign").env("GNUPGHOME", self.home.path());
        if how.payload {
            command.arg("--rpmv3");
        }
        for (name, value) in [
            ("__gpg", "/usr/bin/gpg1".to_owned()),
            ("_gpg_name", how.owner.to_owned()),
            ("_gpg_digest_algo", how.digest.to_lowercase()),
            ("_gpg_sign_cmd_extra_args", format!("{version}--digest-algo {} ", how.digest)),
        ] {
            command.arg("--define").arg(format!("{name} {value}"));
        }
        done(command.args(packages));
    }

    /// A database of keys for `rpmkeys`, with these owners' in it.
    pub fn database(&self, owners: &[&str]) -> tempfile::TempDir {
        let database = tempfile::tempdir().expect("a directory");
        for owner in owners {
            let key = self.public(owner);
            done(
                Command::new("rpmkeys")
                    .args(["--import", "--dbpath"])
                    .arg(database.path())
                    .arg(key),
            );
        }
        database
    }
}
