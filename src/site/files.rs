//! The files that a site names: keys, passwords and captures.
//!
//! Not for opening them (`cli`).

use std::path::{Path, PathBuf};

use super::azure::AzureVault;
use super::model::{Site, SshLogin};
use crate::uri::target::TargetAddress;

impl SshLogin {
    /// Returns every file that it names.
    fn files(&self) -> impl Iterator<Item = &PathBuf> {
        [&self.identity, &self.password_file, &self.sudo_password_file].into_iter().flatten()
    }

    /// Returns the same for changing.
    fn files_mut(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let files = [&mut self.identity, &mut self.password_file, &mut self.sudo_password_file];
        files.into_iter().flatten()
    }
}

impl Site {
    /// Returns the site with every relative path resolved against `directory`, that of its file.
    pub fn resolve_paths(mut self, directory: &Path) -> Self {
        let found = |path: &Path| match (path.strip_prefix("~"), std::env::home_dir()) {
            (Ok(rest), Some(home)) => home.join(rest),
            _ => directory.join(path),
        };
        let vcenter = self.vcenter.iter_mut().flat_map(|vcenter| &mut vcenter.password_file);
        let azure = self.azure.iter_mut().flat_map(|azure| &mut azure.token_file);
        let targets = self.master_targets.iter_mut().map(|target| &mut target.login);
        let servers = self.process_servers.iter_mut().map(|server| &mut server.login);
        let esxi = self.esxi.iter_mut().map(|host| &mut host.login);
        let logins = targets.chain(servers).chain(esxi);
        for path in vcenter.chain(azure).chain(logins.flat_map(SshLogin::files_mut)) {
            *path = found(path);
        }
        for path in self.master_targets.iter_mut().filter_map(|target| target.capture.as_mut()) {
            *path = found(path);
        }
        let captured = |uri: &str| {
            let path = found(Path::new(uri.strip_prefix("capture:")?));
            Some(format!("capture:{}", path.display()))
        };
        self.answers_file = self.answers_file.take().map(|path| found(&path));
        if let Some(vcenter) = &mut self.vcenter {
            vcenter.url = captured(&vcenter.url).unwrap_or_else(|| vcenter.url.clone());
        }
        if let Some(azure) = &mut self.azure {
            azure.vault = captured(&azure.vault).unwrap_or_else(|| azure.vault.clone());
        }
        let targets = self.master_targets.iter_mut().filter_map(|target| target.ssh.as_mut());
        let servers = self.process_servers.iter_mut().filter_map(|system| system.ssh.as_mut());
        let esxi = self.esxi.iter_mut().filter_map(|system| system.ssh.as_mut());
        for address in targets.chain(servers).chain(esxi) {
            if let TargetAddress::Captures(path) = address {
                *path = found(path);
            }
        }
        self
    }

    /// Returns every file that a run reads beside the site file: captures, keys, passwords, answers.
    pub fn files(&self) -> Vec<PathBuf> {
        let vcenter = self.vcenter.iter().flat_map(|vcenter| &vcenter.password_file);
        let azure = self.azure.iter().flat_map(|azure| &azure.token_file);
        let exported = self.azure.iter().filter_map(AzureVault::capture);
        let targets = self.master_targets.iter().map(|target| &target.login);
        let servers = self.process_servers.iter().map(|server| &server.login);
        let esxi = self.esxi.iter().map(|host| &host.login);
        let logins = targets.chain(servers).chain(esxi);
        let files = vcenter.chain(azure).chain(logins.flat_map(SshLogin::files)).cloned();
        let uris = self.master_targets.iter().filter_map(|target| target.ssh.as_ref());
        let uris = uris.chain(self.process_servers.iter().filter_map(|system| system.ssh.as_ref()));
        let uris = uris.chain(self.esxi.iter().filter_map(|system| system.ssh.as_ref()));
        let captures = uris.filter_map(TargetAddress::captures);
        let printed = self.master_targets.iter().filter_map(|target| target.capture.clone());
        let files = files.chain(self.answers_file.clone()).chain(exported.map(PathBuf::from));
        files.chain(captures.map(PathBuf::from)).chain(printed).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_relative_to_the_file_it_stands_in() {
        let text =
            "master_targets: [ { name: a, ssh: 'local:', identity: keys/a, password_file: /b } ]";
        let site: Site = crate::yaml::parse(text, "site.yaml").unwrap();
        let login = site.resolve_paths(Path::new("/etc/asr")).master_targets[0].login.clone();
        assert_eq!(login.identity, Some("/etc/asr/keys/a".into()));
        assert_eq!(login.password_file, Some("/b".into()));
    }
}
