//! What a Debian archive is made of, by Debian's own tools, and apt in a root of its own.
//!
//! Not a stand-in for any of them.

#![allow(dead_code, reason = "each test uses its part")]

use std::fs;
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
        fs::write(root.path().join("etc/apt/apt.conf"), "").unwrap();
        Self { root }
    }

    /// Its root.
    pub fn path(&self) -> &Path {
        self.root.path()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let root = self.root.path().display();
        let mut command = Command::new("apt-get");
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C");
        command.env("APT_CONFIG", self.root.path().join("etc/apt/apt.conf"));
        for option in [
            format!("Dir={root}"),
            format!("Dir::State::status={root}/var/lib/dpkg/status"),
            "APT::Architecture=amd64".to_owned(),
            "APT::Architectures::=amd64".to_owned(),
            "APT::Install-Recommends=0".to_owned(),
            "APT::Sandbox::User=root".to_owned(),
            "Debug::NoLocking=1".to_owned(),
        ] {
            command.args(["-o", &option]);
        }
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
                let (_, arch) = rest.rsplit_once('[').unwrap();
                format!("{name}_{version}_{}", arch.split(']').next().unwrap())
            })
            .collect();
        installed.sort();
        Some(installed)
    }

    /// Fetches the files of what would be installed into its cache, verified by the lists.
    pub fn download(&self, names: &[&str]) -> Vec<String> {
        let arguments = [&["-y", "-d", "install"][..], names].concat();
        stdout(&mut self.command(&arguments));
        let cache = fs::read_dir(self.root.path().join("var/cache/apt/archives")).unwrap();
        let mut files: Vec<String> = cache
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with(".deb"))
            .collect();
        files.sort();
        files
    }
}
