//! Parses site files, and provides the commented example file.
//!
//! Not for reading the file from disk: `cli` does that.

use super::answers::{AnswerEntry, AnswersDocument, AnswersKey};
use super::error::{SiteError, SiteFault};
use super::model::Site;
use super::validate::{self, SitePath};
use crate::check::CheckSet;
use crate::facts::stage::Scenario;
use crate::yaml::{self, PathStep, Position, find_position};

/// A parsed site file, with its text for the positions in error messages.
#[derive(Clone, Debug)]
pub struct SiteFile {
    /// The site, with the answers of both files.
    pub site: Site,
    file: String,
    text: String,
    answers: Option<SiteAnswers>,
}

/// The answers file of a site, and how many answers stand in the site file before it.
#[derive(Clone, Debug)]
struct SiteAnswers {
    file: String,
    text: String,
    first: usize,
}

impl SiteFile {
    /// Parses the text of a site file; `file` is its name for messages.
    ///
    /// The file that `answers_file` names is not read: [`SiteFile::with_answers`] adds it.
    ///
    /// # Errors
    ///
    /// Fails at the first fault, with its line and column: an unknown key, a name that does not
    /// exist or is used twice, a check that does not exist.
    pub fn parse(text: &str, file: &str, checks: &CheckSet) -> Result<Self, SiteError> {
        // An empty file is an empty site.
        let site: Option<Site> = yaml::parse(text, file)?;
        let mut read = Self {
            site: site.unwrap_or_default(),
            file: file.to_owned(),
            text: text.to_owned(),
            answers: None,
        };
        validate::validate(&read.site, checks).map_err(|(at, fault)| read.fault(&at, fault))?;
        for target in &mut read.site.master_targets {
            let default = target.default_retention();
            target.retention.get_or_insert_with(|| default.to_owned());
        }
        Ok(read)
    }

    /// Adds the answers of the file beside it; `file` is its name for messages.
    ///
    /// # Errors
    ///
    /// As [`SiteFile::parse`], with the positions in either file; and for a question that both answer.
    pub fn with_answers(
        mut self,
        text: &str,
        file: &str,
        checks: &CheckSet,
    ) -> Result<Self, SiteError> {
        let document: Option<AnswersDocument> = yaml::parse(text, file)?;
        let mut all = self.site.answers.take().unwrap_or_default();
        let first = all.len();
        all.extend(document.unwrap_or_default().answers.unwrap_or_default());
        self.answers = Some(SiteAnswers { file: file.to_owned(), text: text.to_owned(), first });
        for (index, entry) in all.iter().enumerate().skip(first) {
            let same = |earlier: &&AnswerEntry| earlier.is_same_question(entry);
            if let Some(earlier) = all[..first].iter().position(|earlier| same(&earlier)) {
                let other = self.place(&SitePath::answer(earlier, "check"));
                let fault = SiteFault::AnsweredInBoth {
                    check: entry.check.clone(),
                    other: self.file.clone(),
                    line: other.map_or(0, |place| place.line),
                };
                return Err(self.fault(&SitePath::answer(index, "check"), fault));
            }
        }
        self.site.answers = Some(all);
        validate::check_answers(&self.site, checks)
            .map_err(|(at, fault)| self.fault(&at, fault))?;
        Ok(self)
    }

    /// Returns how many answers stand in the site file itself.
    pub fn inline_answers(&self) -> usize {
        let all = self.site.answers.as_ref().map_or(0, Vec::len);
        self.answers.as_ref().map_or(all, |answers| answers.first)
    }

    /// Whether the site file itself has a list of answers, which may be empty.
    pub fn has_inline_list(&self) -> bool {
        let keys: Option<AnswersKey> = yaml::parse(&self.text, &self.file).ok().flatten();
        keys.is_some_and(|keys| keys.answers.is_some())
    }

    /// Returns the error for a fault at a path of this file.
    pub fn fault(&self, at: &SitePath, fault: SiteFault) -> SiteError {
        let file = self.beside(at).map_or(&self.file, |(answers, _)| &answers.file);
        SiteError::Fault { file: file.clone(), place: self.place(at), fault }
    }

    /// Returns the error for the answers file, which cannot be read for this reason.
    pub fn answers_file_fault(&self, reason: String) -> SiteError {
        let name = self.site.answers_file.clone().unwrap_or_default();
        let at = SitePath { section: "answers_file", item: None, key: None, inner: None };
        self.fault(&at, SiteFault::AnswersFile(name, reason))
    }

    /// Returns the answers file that a path leads to, and the index of the answer there.
    fn beside(&self, at: &SitePath) -> Option<(&SiteAnswers, usize)> {
        let answers = self.answers.as_ref().filter(|_| at.section == "answers")?;
        Some((answers, at.item?.checked_sub(answers.first)?))
    }

    fn place(&self, at: &SitePath) -> Option<Position> {
        let beside = self.beside(at);
        let (text, item) = match beside {
            Some((answers, item)) => (&answers.text, Some(item)),
            None => (&self.text, at.item),
        };
        let mut path = vec![PathStep::Key(at.section)];
        path.extend(item.map(PathStep::Item));
        path.extend(at.key.map(PathStep::Key));
        path.extend(at.inner.map(PathStep::Item));
        find_position(text, &path)
    }
}

/// Returns a commented site file to start from. It is valid as it is.
pub fn init_site(scenario: Scenario) -> &'static str {
    match scenario {
        Scenario::VmwareClassic => include_str!("init_site.yaml"),
        Scenario::Hyperv => include_str!("init_site_hyperv.yaml"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assets::{Asset, Assets};

    /// Two checks: a rule, and a question to a person.
    fn checks() -> CheckSet {
        let rule = "- { id: image.zerombr, title: no question, severity: blocks-reprotect, \
             applies_to: image, rule: image.kickstart.zerombr, found: zerombr, symptom: none, \
             remedy: { text: Fix it. }, source: { doc: field, at: threads }, \
             examples: [ { pass: {} }, { fail: {} }, { unknown: {} } ] }\n";
        let question = "- { id: cs.backup, title: a backup exists, severity: data-loss, \
             applies_to: site, question: 'Is there a backup?', symptom: none, \
             remedy: { text: Make one. }, source: { doc: field, at: threads } }\n";
        let text = format!("{rule}{question}");
        CheckSet::read(&[Asset { path: "checks/x.yaml".to_owned(), text }]).unwrap()
    }

    const GOOD: &str = "\
vcenter: { url: 'vsphere://vc1', discovery_account: asr@vsphere.local, via: mt1 }
configuration_server: { address: cs01, version: 9.8.9.0 }
process_servers: [ { name: ps1, address: ps01, version: 9.8 } ]
esxi: [ { name: esx1, ssh: 'ssh://root@esx1' } ]
master_targets:
  - { name: mt1, ssh: 'ssh://root@mt1', vm: asr-mt-01, retention: /mnt/retention }
  - { name: mt2, ssh: 'ssh://root@mt2', legacy_ssh: true }
protected_vms:
  - { name: app 01, master_target: mt1, filesystems: [reiserfs, xfs] }
replication_groups: [ { name: shop, vms: [app 01] } ]
answers: [ { check: cs.backup, value: yes, by: ann, at: 2026-11-20 } ]
waivers: [ { check: image.zerombr, target: mt1, reason: r, owner: o, expires: 2026-12-31 } ]
";

    fn parse_error(text: &str) -> String {
        SiteFile::parse(text, "site.yaml", &checks()).unwrap_err().to_string()
    }

    #[test]
    fn a_whole_site_is_read() {
        let site = SiteFile::parse(GOOD, "site.yaml", &checks()).unwrap().site;
        assert_eq!(site.master_targets.len(), 2);
        assert_eq!(site.process_servers[0].data_port, 9443);
        assert_eq!(site.answers.unwrap()[0].answer().at, "2026-11-20");
        assert_eq!(site.vcenter.unwrap().address(), Some(("vc1".to_owned(), 443)));
    }

    #[test]
    fn an_error_has_its_position_and_the_most_similar_name() {
        for (from, to, says) in [
            (
                "master_target: mt1",
                "master_target: mt3",
                "site.yaml, line 9, column 36: there is no master target named \"mt3\", did you mean \"mt1\"?",
            ),
            (
                "via: mt1",
                "via: mt9",
                "site.yaml, line 1, column 77: there is no master target or process server named \"mt9\"",
            ),
            (
                "via: mt1",
                "via: ps1",
                "line 1, column 77: nothing is reached through ps1, which has no ssh:",
            ),
            ("via: mt1", "via: 'root@mt1'", "line 1"),
            ("via: mt1", "via: 'ssh://root:x@mt1'", "a password stands in the address of mt1"),
            (
                "ssh: 'ssh://root@esx1'",
                "ssh: 'ssh://root@esx1', via: mt7",
                "line 4, column 52: there is no master target or process server named \"mt7\"",
            ),
            (
                "ssh: 'ssh://root@esx1'",
                "ssh: 'ssh://root@esx1', via: mt2, jump: a@b",
                "line 4, column 52: a host is reached by jump: or by via:",
            ),
            (
                "vms: [app 01]",
                "vms: [app 02]",
                "line 10, column 43: there is no protected machine named \"app 02\", did you mean \"app 01\"?",
            ),
            (
                "name: mt2",
                "name: mt1",
                "line 7, column 13: the name \"mt1\" is taken by master_targets 1",
            ),
            ("name: esx1", "name: ps1", "the name \"ps1\" is taken by process_servers 1"),
            (
                "check: image.zerombr",
                "check: image.zeromb",
                "line 12, column 21: there is no check \"image.zeromb\", did you mean \"image.zerombr\"?",
            ),
            (
                "check: cs.backup",
                "check: image.zerombr",
                "image.zerombr is decided by facts, and not by an answer",
            ),
            ("value: yes", "value: maybe", "line 11"),
            (
                "version: 9.8.9.0",
                "version: latest",
                "\"latest\" is not a version, write it as 9.8.9.0",
            ),
            (
                "legacy_ssh",
                "legacy_shh",
                "unknown key \"legacy_shh\", did you mean \"legacy_ssh\"?",
            ),
            ("ssh://root@mt1", "ssh://root:x@mt1", "a password stands in the address of mt1"),
            ("vsphere://vc1", "vsphere://a:b@vc1", "a password stands in the address of vCenter"),
            ("vsphere://vc1", "https://vc1", "\"https://vc1\" is not vsphere://"),
            (
                "retention: /mnt",
                "retention: mnt",
                "line 6, column 67: \"mnt/retention\" is not an absolute path",
            ),
            ("[reiserfs, xfs]", "[reiser]", "line 9"),
            ("address: cs01", "address: 'cs 01'", "is neither a host name nor an IP address"),
        ] {
            assert!(GOOD.contains(from), "{from}");
            let message = parse_error(&GOOD.replacen(from, to, 1));
            assert!(message.contains(says), "{to}: {message}");
        }
    }

    #[test]
    fn the_file_to_start_from_can_be_read_as_it_is() {
        let checks = CheckSet::load(&Assets::embedded()).unwrap();
        let parse = |scenario| SiteFile::parse(init_site(scenario), "site.yaml", &checks).unwrap();
        assert_eq!(parse(Scenario::VmwareClassic).site.master_targets.len(), 1);
        assert_eq!(parse(Scenario::Hyperv).site.scenario, Scenario::Hyperv);
    }

    #[test]
    fn every_key_of_the_file_to_start_from_exists() {
        // Lines that are commented out must be valid, too.
        for scenario in [Scenario::VmwareClassic, Scenario::Hyperv] {
            every_key_exists(init_site(scenario));
        }
    }

    fn every_key_exists(text: &str) {
        let text: String = text
            .lines()
            .map(|line| line.strip_prefix("#: ").map_or(line.to_owned(), str::to_owned) + "\n")
            .filter(|line| !line.starts_with("answers:") && !line.starts_with("waivers:"))
            .filter(|line| !line.contains("check: "))
            .collect();
        SiteFile::parse(&text, "site.yaml", &checks()).unwrap();
    }

    #[test]
    fn a_gateway_has_its_own_login() {
        let text = GOOD.replace("via: mt1", "via: mt2").replace(
            "ssh: 'ssh://root@esx1'",
            "ssh: 'ssh://root@esx1', via: 'ssh://ann@bastion:2222'",
        );
        let site = SiteFile::parse(&text, "site.yaml", &checks()).unwrap().site;
        let via = site.vcenter.as_ref().unwrap().via.as_ref().unwrap();
        let (uri, login) = site.via_host(via).unwrap();
        assert_eq!((uri.host(), login.legacy_ssh), (Some("mt2"), true));
        let (uri, login) = site.via_host(site.esxi[0].via.as_ref().unwrap()).unwrap();
        assert_eq!((uri.host(), login.legacy_ssh), (Some("bastion"), false));
    }

    #[test]
    fn an_empty_file_is_an_empty_site() {
        let site = SiteFile::parse("# later\n", "site.yaml", &checks()).unwrap().site;
        assert_eq!(site, Site::default());
    }
}
