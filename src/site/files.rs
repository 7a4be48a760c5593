//! The files that a site names: keys, passwords and captures.
//!
//! Not for opening them (`cli`).

use std::path::{Path, PathBuf};

use super::model::{Site, SshLogin};
use crate::uri::target::TargetAddress;

impl SshLogin {
    fn each_file(&mut self, visit: &mut impl FnMut(&mut PathBuf)) {
        let files = [&mut self.identity, &mut self.password_file, &mut self.sudo_password_file];
        files.into_iter().flatten().for_each(visit);
    }
}

/// Visits the file of an address of the form `capture:FILE`.
fn visit_capture(address: &mut String, visit: &mut impl FnMut(&mut PathBuf)) {
    if let Some(path) = address.strip_prefix("capture:") {
        let mut path = PathBuf::from(path);
        visit(&mut path);
        *address = format!("capture:{}", path.display());
    }
}

impl Site {
    /// Returns the site with every relative path resolved against `directory`, that of its file.
    pub fn resolve_paths(mut self, directory: &Path) -> Self {
        self.each_file(&mut |path| {
            *path = match (path.strip_prefix("~"), std::env::home_dir()) {
                (Ok(rest), Some(home)) => home.join(rest),
                _ => directory.join(&path),
            };
        });
        self
    }

    /// Returns every file that a run reads beside the site file: captures, keys, passwords, answers.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        self.clone().each_file(&mut |path| files.push(path.clone()));
        files
    }

    /// Visits every file that the site names.
    fn each_file(&mut self, visit: &mut impl FnMut(&mut PathBuf)) {
        if let Some(vcenter) = &mut self.vcenter {
            vcenter.password_file.iter_mut().for_each(&mut *visit);
            visit_capture(&mut vcenter.url, visit);
        }
        if let Some(azure) = &mut self.azure {
            azure.token_file.iter_mut().for_each(&mut *visit);
            visit_capture(&mut azure.vault, visit);
        }
        let targets = self.master_targets.iter_mut().map(|target| {
            target.capture.iter_mut().for_each(&mut *visit);
            (&mut target.ssh, &mut target.login)
        });
        let servers = self.process_servers.iter_mut();
        let servers = servers.map(|server| (&mut server.ssh, &mut server.login));
        let esxi = self.esxi.iter_mut().map(|host| (&mut host.ssh, &mut host.login));
        let vms = self.protected_vms.iter_mut().map(|vm| (&mut vm.ssh, &mut vm.login));
        let systems: Vec<_> = targets.chain(servers).chain(esxi).chain(vms).collect();
        for (address, login) in systems {
            if let Some(TargetAddress::Captures(path) | TargetAddress::Sos(path)) = address {
                visit(path);
            }
            login.each_file(visit);
        }
        self.answers_file.iter_mut().for_each(visit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_relative_to_the_file_it_stands_in() {
        let text = "
vcenter: { url: 'capture:vc.json', password_file: vc }
azure: { vault: 'capture:azure', token_file: token }
process_servers: [ { name: p, address: p, ssh: 'capture:p.json', sudo_password_file: sudo } ]
esxi: [ { name: e, ssh: 'ssh://root@e', identity: e } ]
master_targets:
  - { name: a, ssh: 'local:', identity: keys/a, password_file: /b }
  - { name: w, os: windows, capture: w.txt }
protected_vms: [ { name: v, ssh: 'capture:v.json', identity: v } ]
answers_file: answers.yaml
";
        let site: Site = crate::yaml::parse(text, "site.yaml").unwrap();
        let mut files = site.resolve_paths(Path::new("/etc/asr")).files();
        files.sort();
        let files: Vec<&str> = files.iter().filter_map(|path| path.to_str()).collect();
        let named = [
            "/b",
            "/etc/asr/answers.yaml",
            "/etc/asr/azure",
            "/etc/asr/e",
            "/etc/asr/keys/a",
            "/etc/asr/p.json",
            "/etc/asr/sudo",
            "/etc/asr/token",
            "/etc/asr/v",
            "/etc/asr/v.json",
            "/etc/asr/vc",
            "/etc/asr/vc.json",
            "/etc/asr/w.txt",
        ];
        assert_eq!(files, named);
    }
}
