//! What a Debian archive is made of, by Debian's own tools, and apt in a root of its own.
//!
//! Not a stand-in for any of them.

#![allow(dead_code, reason = "each test uses its part")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs a program and returns what it prints.
pub fn stdout(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Makes `NAME.deb` of a control file and one file of content.
pub fn dpkg_deb(directory: &Path, control: &str, compression: &str) -> PathBuf {
    let root = tempfile::tempdir().unwrap();
    let name = control.lines().find_map(|line| line.strip_prefix("Package: ")).unwrap();
    fs::create_dir_all(root.path().join("DEBIAN")).unwrap();
    fs::create_dir_all(root.path().join("usr/share/doc").join(name)).unwrap();
    fs::write(root.path().join("DEBIAN/control"), control).unwrap();
    fs::write(root.path().join("usr/share/doc").join(name).join("copyright"), "nobody's\n")
        .unwrap();
    let deb = directory.join(format!("{name}.deb"));
    stdout(
        Command::new("dpkg-deb")
            .args(["--root-owner-group", "--uniform-compression", "-b"])
            .arg(format!("-Z{compression}"))
            // The level that takes the most memory to read.
            .arg("-z9")
            .arg(root.path())
            .arg(&deb)
            .env("SOURCE_DATE_EPOCH", "1490572800"),
    );
    deb
}

/// apt in a root of its own, where nothing is installed.
pub struct Apt {
    root: tempfile::TempDir,
}

impl Apt {
    /// Makes the root.
    pub fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        for directory in [
            "etc/apt/sources.list.d",
            "etc/apt/preferences.d",
            "etc/apt/apt.conf.d",
            "etc/apt/trusted.gpg.d",
            "var/lib/apt/lists/partial",
            "var/cache/apt/archives/partial",
            "var/lib/dpkg",
            "var/log/apt",
            "pool",
        ] {
            fs::create_dir_all(root.path().join(directory)).unwrap();
        }
        fs::write(root.path().join("var/lib/dpkg/status"), "").unwrap();
        let at = root.path().display();
        let configuration = format!(
            "Dir \"{at}\";\nDir::State::status \"{at}/var/lib/dpkg/status\";\n\
             APT::Architecture \"amd64\";\nAPT::Architectures {{ \"amd64\"; }};\n\
             APT::Install-Recommends \"0\";\nAPT::Sandbox::User \"root\";\n\
             Debug::NoLocking \"1\";\n"
        );
        fs::write(root.path().join("etc/apt/apt.conf"), configuration).unwrap();
        Self { root }
    }

    /// Its root.
    pub fn path(&self) -> &Path {
        self.root.path()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("apt-get");
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C");
        command.env("APT_CONFIG", self.root.path().join("etc/apt/apt.conf"));
        command.args(arguments);
        command
    }

    /// Writes a source, and reads its lists.
    pub fn add_source(&self, line: &str) -> Result<(), String> {
        let path = self.root.path().join("etc/apt/sources.list");
        let lines = fs::read_to_string(&path).unwrap_or_default();
        fs::write(&path, format!("{lines}{line}\n")).unwrap();
        let output = self.command(&["update"]).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        let refused = !output.status.success() || said.contains("\nE:");
        if refused { Err(said) } else { Ok(()) }
    }

    /// Takes a list of packages that are nowhere.
    pub fn add_list(&self, list: &str) {
        let pool = self.root.path().join("pool");
        fs::write(pool.join("Packages"), list).unwrap();
        self.add_source(&format!("deb [trusted=yes] file:{} ./", pool.display())).unwrap();
    }

    /// What apt would install for these names, as `NAME_VERSION_ARCH`, sorted; nothing when it
    /// refuses.
    pub fn simulate(&self, names: &[String]) -> Option<Vec<String>> {
        let mut arguments = vec!["-s", "install"];
        arguments.extend(names.iter().map(String::as_str));
        let output = self.command(&arguments).output().unwrap();
        if !output.status.success() {
            return None;
        }
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut installed: Vec<String> = text
            .lines()
            .filter_map(|line| line.strip_prefix("Inst "))
            .map(|line| {
                let (name, rest) = line.split_once(" (").unwrap();
                let version = rest.split_whitespace().next().unwrap();
                // `Inst NAME (VERSION ARCHIVE [ARCH]) [what is broken until then]`
                let (inside, _) = rest.split_once(')').unwrap();
                let (_, arch) = inside.rsplit_once('[').unwrap();
                format!("{name}_{version}_{}", arch.trim_end_matches(']'))
            })
            .collect();
        installed.sort();
        Some(installed)
    }

    /// Whether an upgrade of everything that is installed would change anything.
    pub fn would_upgrade(&self) -> bool {
        let output = self.command(&["-s", "dist-upgrade"]).output().unwrap();
        String::from_utf8_lossy(&output.stdout).contains("Inst ")
    }

    /// Runs a script of the installer's as it would run there: the disc, the installed system and its
    /// apt are these.
    pub fn run_in_installer(&self, script: &str, disc: &Path) -> (bool, String) {
        let root = self.root.path().display().to_string();
        let bin = self.root.path().join("bin");
        fs::create_dir_all(&bin).unwrap();
        let program = bin.join("in-target");
        let configuration = self.root.path().join("etc/apt/apt.conf");
        let text = format!("#!/bin/sh\nAPT_CONFIG={} exec \"$@\"\n", configuration.display());
        fs::write(&program, text).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let script = script
            .replace("/cdrom", &disc.display().to_string())
            .replace("/target", &root)
            .replace("=/usr/local/share", &format!("={root}/usr/local/share"))
            .replace("file:/usr/local/share", &format!("file:{root}/usr/local/share"))
            .replace("/dev/console", "/dev/null");
        let file = self.root.path().join("script");
        fs::write(&file, script).unwrap();
        let path = format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", bin.display());
        let output = Command::new("sh").arg(&file).env("PATH", path).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    }

    /// Fetches the files of packages, each compared with its list, and returns their names; nothing
    /// when one is refused.
    pub fn download(&self, names: &[&str]) -> Option<Vec<String>> {
        let to = tempfile::tempdir().unwrap();
        let mut command = self.command(&["download"]);
        let output = command.args(names).current_dir(to.path()).output().unwrap();
        let files = fs::read_dir(to.path()).unwrap();
        let mut files: Vec<String> =
            files.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        files.sort();
        output.status.success().then_some(files)
    }
}

/// The owner of the keys that [`Keys::new`] makes.
pub const OWNER: &str = "Archive of the test";
/// The owner of a key that nobody names.
pub const STRANGER: &str = "Somebody else";

/// Throw-away keys, by gpg 1, which needs no agent.
pub struct Keys {
    home: tempfile::TempDir,
}

impl Keys {
    /// Makes two RSA keys.
    pub fn new() -> Self {
        let keys = Self { home: tempfile::tempdir().unwrap() };
        let key = |name: &str, more: &str| {
            format!(
                "Key-Type: RSA\nKey-Length: 2048\nKey-Usage: sign\nName-Real: {name}\n{more}%commit\n"
            )
        };
        let file = keys.home.path().join("batch");
        let batch = [key(OWNER, ""), key(STRANGER, ""), key("Locked", "Passphrase: x\n")];
        fs::write(&file, batch.concat()).unwrap();
        stdout(keys.gpg().args(["--quick-random", "--gen-key"]).arg(file));
        keys
    }

    fn gpg(&self) -> Command {
        let mut command = Command::new("gpg1");
        command.args(["--batch", "--no-tty", "--yes", "--homedir"]).arg(self.home.path());
        command.args(["--digest-algo", "SHA512"]);
        command
    }

    /// Writes the public key of an owner.
    pub fn write_public(&self, owner: &str, file: &Path) {
        stdout(self.gpg().args(["--armor", "--export", "--output"]).arg(file).arg(owner));
    }

    /// Writes the private key of an owner, for its own eyes, and returns its packets.
    pub fn write_private(&self, owner: &str, file: &Path) -> Vec<u8> {
        stdout(self.gpg().args(["--export-secret-keys", "--output"]).arg(file).arg(owner));
        fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
        fs::read(file).unwrap()
    }

    /// Writes what an owner signs: in clear, or beside the file.
    pub fn sign(&self, owner: &str, how: &str, text: &Path, to: &Path) {
        let user = ["--local-user", owner, how, "--output"];
        stdout(self.gpg().args(user).arg(to).arg(text));
    }
}
