//! Check definitions: `checks/*.yaml` into a verified set.
//!
//! Everything that can be wrong with a check is found here, before anything is connected to. Not
//! for deciding checks: that is `engine`'s.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::thread;

use super::custom::{self, CustomProbe, CustomProbeError};
use super::entry::{RawEntry, compile_check, parse_entries};
use super::error::{DefinitionError, EntryProblem};
use super::order;
use super::provider::Provider;
use crate::assets::{Asset, AssetError, AssetKind, Assets};
use crate::facts::Document;
use crate::facts::probe::Probe;
use crate::facts::target_kind::TargetKind;
use crate::facts::transcript::Transcript;
use crate::yaml::closest_match;

// What a set is made of, for those who read a set.
pub use super::model::{Check, Criterion, Remedy, Severity, SourceReference};

/// Returns the JSON schema of a file of checks, with the dialect of a generator.
pub fn file_schema(generator: schemars::SchemaGenerator) -> schemars::Schema {
    super::entry::file_schema(generator)
}

/// The one file among the check files that has no checks: `knowledge` reads it.
const SYMPTOMS: &str = "symptoms.yaml";

/// Reads the file of symptoms, which stands among those of checks.
pub(crate) fn read_symptoms(assets: &Assets) -> Result<Asset, AssetError> {
    assets.read(AssetKind::Check, SYMPTOMS)
}

/// The folder among the check files that has the steps of the guide: `guide` reads it.
const STEPS: &str = "steps/";

/// Reads the files of steps, which stand in a folder among those of checks.
pub(crate) fn read_steps(assets: &Assets) -> Result<Vec<Asset>, AssetError> {
    let names = assets.names(AssetKind::Check);
    let steps = names.iter().filter(|name| name.starts_with(STEPS) && name.ends_with(".yaml"));
    steps.map(|name| assets.read(AssetKind::Check, name)).collect()
}

/// A verified set of checks, in the order they are written.
pub struct CheckSet {
    checks: Arc<[Check]>,
    index_by_id: BTreeMap<String, usize>,
    /// The rank of each check in the working order.
    ranks: Vec<usize>,
    custom_probes: Vec<CustomProbe>,
}

impl CheckSet {
    /// Reads every check file of the assets.
    ///
    /// # Errors
    ///
    /// Fails at the first thing that is wrong, named by file, line and check.
    pub fn load(assets: &Assets) -> Result<Self, DefinitionError> {
        Self::load_with(assets, &[])
    }

    /// Reads every check file of the assets, and more files.
    ///
    /// # Errors
    ///
    /// As [`CheckSet::load`].
    pub fn load_with(assets: &Assets, more: &[Asset]) -> Result<Self, DefinitionError> {
        let files: Vec<Asset> = assets
            .names(AssetKind::Check)
            .iter()
            // Steps of the guide stand in a folder of their own.
            .filter(|name| name.ends_with(".yaml") && !name.contains('/'))
            .map(|name| assets.read(AssetKind::Check, name))
            .collect::<Result<_, _>>()?;
        Self::read(&[&files, more].concat())
    }

    /// Reads check files given as texts; a file of symptoms among them is left out.
    ///
    /// # Errors
    ///
    /// As [`CheckSet::load`].
    pub fn read(files: &[Asset]) -> Result<Self, DefinitionError> {
        let of_symptoms =
            |file: &&Asset| Path::new(&file.path).file_name() == Some(SYMPTOMS.as_ref());
        let mut written = Vec::new();
        for file in files.iter().filter(|file| !of_symptoms(file)) {
            written.extend(parse_entries(file)?);
        }
        let own = custom_probes(&written)?;
        let facts = custom::fact_types(&own);
        let checks: Result<Vec<Check>, _> =
            written.into_iter().map(|entry| compile_check(entry, &facts)).collect();
        Self::link(checks?, own)
    }

    /// Links checks to a set: ids are unique, prerequisites exist and form no circle.
    fn link(checks: Vec<Check>, own: Vec<CustomProbe>) -> Result<Self, DefinitionError> {
        if checks.is_empty() {
            return Err(DefinitionError::Empty);
        }
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        for (index, check) in checks.iter().enumerate() {
            if let Some(earlier) = places.insert(check.id.clone(), index) {
                return Err(EntryProblem::Duplicate(checks[earlier].at.clone())
                    .into_error(&check.id, &check.at));
            }
        }
        let ranks = order::ranks(&checks, &places);
        let mut set = Self {
            checks: checks.into(),
            index_by_id: places,
            ranks: Vec::new(),
            custom_probes: own,
        };
        for check in set.checks.iter() {
            set.verify_related(check)
                .map_err(|problem| problem.into_error(&check.id, &check.at))?;
        }
        set.verify_no_circle()?;
        set.ranks = ranks.map_err(|circle| set.fix_circle(&circle))?;
        Ok(set)
    }

    /// Returns the check that an entry names at `key`.
    ///
    /// # Errors
    ///
    /// [`EntryProblem::NoSuchCheck`] when there is none.
    pub fn named(&self, key: &'static str, id: &str) -> Result<&Check, EntryProblem> {
        self.find(id).ok_or_else(|| EntryProblem::NoSuchCheck {
            key,
            id: id.to_owned(),
            nearest: self.nearest_id(id).map(str::to_owned),
        })
    }

    /// Returns some checks and those that they require, by id.
    pub fn with_required<'s>(&'s self, ids: &[&str]) -> BTreeSet<&'s str> {
        let mut found: BTreeSet<&str> = BTreeSet::new();
        let mut left: Vec<&Check> = ids.iter().filter_map(|id| self.find(id)).collect();
        while let Some(check) = left.pop() {
            if found.insert(&check.id) {
                left.extend(check.requires.iter().filter_map(|id| self.find(id)));
            }
        }
        found
    }

    /// Returns the providers of the facts that some checks need, and the checks that those require.
    pub fn providers_for(&self, ids: &[&str]) -> BTreeSet<Provider> {
        let checks = self.with_required(ids).into_iter().filter_map(|id| self.find(id));
        checks.flat_map(|check| check.required_providers().iter().copied()).collect()
    }

    fn verify_related(&self, check: &Check) -> Result<(), EntryProblem> {
        for id in &check.requires {
            let required = self.named("requires", id)?;
            let mut kinds = check.applies_to.iter();
            if let Some(&kind) = kinds.find(|kind| !required.applies_to.contains(kind)) {
                return Err(EntryProblem::PrerequisiteDoesNotApply(id.clone(), kind));
            }
        }
        let causes = check.consequence_of.iter();
        let causes = causes.flat_map(|cause| cause.holds.iter().chain([&cause.check]));
        for (key, id) in (check.fix_after.iter().map(|id| ("fix_after", id)))
            .chain(causes.map(|id| ("consequence_of", id)))
            .chain(check.moot_when.iter().map(|id| ("moot_when", id)))
        {
            self.named(key, id)?;
        }
        Ok(())
    }

    fn fix_circle(&self, circle: &[usize]) -> DefinitionError {
        let ids = circle.iter().map(|&index| self.checks[index].id.clone()).collect();
        let first = &self.checks[circle[0]];
        EntryProblem::FixCircle(ids).into_error(&first.id, &first.at)
    }

    fn verify_no_circle(&self) -> Result<(), DefinitionError> {
        let mut settled = vec![false; self.checks.len()];
        for start in 0..self.checks.len() {
            self.walk(start, &mut Vec::new(), &mut settled)?;
        }
        Ok(())
    }

    fn walk(
        &self,
        index: usize,
        path: &mut Vec<usize>,
        settled: &mut [bool],
    ) -> Result<(), DefinitionError> {
        if settled[index] {
            return Ok(());
        }
        if let Some(from) = path.iter().position(|&earlier| earlier == index) {
            let circle = path[from..].iter().chain([&index]);
            let ids = circle.map(|&index| self.checks[index].id.clone()).collect();
            let first = &self.checks[path[from]];
            return Err(EntryProblem::Circle(ids).into_error(&first.id, &first.at));
        }
        path.push(index);
        for id in &self.checks[index].requires {
            self.walk(self.index_by_id[id], path, settled)?;
        }
        path.pop();
        settled[index] = true;
        Ok(())
    }

    /// Compiles the checks of these kinds of targets in the background, while facts are collected.
    ///
    /// Checks from outside are compiled already, so that their errors are reported before anything
    /// is contacted.
    pub fn compile_in_background(&self, kinds: &BTreeSet<TargetKind>) {
        let (checks, kinds) = (Arc::clone(&self.checks), kinds.clone());
        let work = move || {
            let wanted = |check: &&Check| check.applies_to.iter().any(|kind| kinds.contains(kind));
            checks.iter().filter(wanted).for_each(Check::prepare);
        };
        // Without a thread they are compiled at their first evaluation.
        thread::Builder::new().name("checks".to_owned()).spawn(work).ok();
    }

    /// Returns all checks, in the order they are written.
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// Returns the check with this id.
    pub fn find(&self, id: &str) -> Option<&Check> {
        self.position(id).map(|index| &self.checks[index])
    }

    /// Returns the index of a check in [`CheckSet::checks`].
    pub fn position(&self, id: &str) -> Option<usize> {
        self.index_by_id.get(id).copied()
    }

    /// Returns the rank of a check in the working order; `index` is that in [`CheckSet::checks`].
    pub fn rank(&self, index: usize) -> usize {
        self.ranks[index]
    }

    /// Returns the probes that checks of this set bring themselves.
    pub fn probes(&self) -> Vec<Probe> {
        self.custom_probes.iter().map(CustomProbe::probe).collect()
    }

    /// Returns the facts of [`CheckSet::probes`] on a host, to be joined to its other facts.
    pub fn custom_facts(&self, transcript: &Transcript) -> Document {
        custom::facts(&self.custom_probes, transcript)
    }

    /// Returns the id that is spelled most like `id`.
    pub fn nearest_id(&self, id: &str) -> Option<&str> {
        closest_match(id, self.index_by_id.keys().map(String::as_str))
    }
}

/// Returns the probes of all entries, each once: two checks may bring the same one.
fn custom_probes(written: &[RawEntry]) -> Result<Vec<CustomProbe>, DefinitionError> {
    let mut own: Vec<(CustomProbe, &RawEntry)> = Vec::new();
    for entry in written {
        for probe in entry.probes() {
            let verified = CustomProbe::compile(probe);
            let fault = match verified {
                Err(fault) => fault,
                Ok(verified) => match own.iter().find(|(it, _)| it.name() == verified.name()) {
                    Some((earlier, _)) if earlier.is_same(probe) => continue,
                    Some((_, by)) => CustomProbeError::Different(by.at.clone()),
                    None => {
                        own.push((verified, entry));
                        continue;
                    }
                },
            };
            let name = probe.name().to_owned();
            return Err(EntryProblem::Probe(name, fault).into_error(entry.id(), &entry.at));
        }
    }
    Ok(own.into_iter().map(|(probe, _)| probe).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::entry::tests::{GOOD, with};

    fn read(text: &str) -> Result<CheckSet, DefinitionError> {
        CheckSet::read(&[Asset { path: "checks/x.yaml".to_owned(), text: text.to_owned() }])
    }

    fn refusal(text: &str) -> String {
        read(text).err().expect("a refusal").to_string()
    }

    /// A check with a probe of its own.
    const OWN: &str = "\
- id: own.backup-agent
  title: the backup agent is new enough
  severity: warning
  applies_to: linux-mt
  probes:
    - { name: backup, shell: backup --version, pattern: '(?P<version>[0-9.]+)' }
  rule: versionCmp(own.backup.version, '2.0') >= 0
  found: version {{own.backup.version}}
  symptom: none
  remedy: { text: Fix it. }
  source: { doc: field, at: threads }
  examples:
    - { pass: { own: { backup: { version: '2.1' } } } }
    - { fail: { own: { backup: { version: '1.9' } } } }
    - { unknown: { own: { backup: {} } } }
";

    #[test]
    fn a_check_with_a_probe_of_its_own_is_verified_like_all_others() {
        let set = read(&format!("{OWN}{GOOD}")).unwrap();
        assert_eq!(set.probes()[0].name, "own-backup");
        assert_eq!(
            *set.checks()[0].required_providers(),
            [crate::check::Provider::CustomProbes].into()
        );
        let departures = crate::check::example::run_examples(&set);
        assert!(departures.iter().all(|example| example.instead.is_none()), "{departures:?}");
        for (from, to, says) in [
            (
                "versionCmp(own.backup.version,",
                "versionCmp(own.backup.versoin,",
                "own.backup has no member \"versoin\", did you mean \"version\"?",
            ),
            ("own.backup.version,", "own.backupp.version,", "own has no member \"backupp\""),
            ("{{own.backup.version}}", "{{own.backup.x}}", "there is no fact \"own.backup.x\""),
            ("version: '2.1'", "version: 2", "2 is no string"),
            ("pattern: '(", "pattern: '((", "checks/x.yaml, line 1: own.backup-agent: probe"),
        ] {
            let message = refusal(&OWN.replacen(from, to, 1));
            assert!(message.contains(says), "{to}: {message}");
        }
    }

    #[test]
    fn two_checks_share_a_probe_when_they_ask_the_same() {
        let other = OWN.replacen("own.backup-agent", "own.other", 1);
        assert_eq!(read(&format!("{OWN}{other}")).unwrap().probes().len(), 1);
        let differs = other.replacen("shell: backup", "shell: other", 1);
        assert_eq!(
            refusal(&format!("{OWN}{differs}")),
            "checks/x.yaml, line 16: own.other: probe \"backup\": another check asks something \
             else by this name, at checks/x.yaml, line 1"
        );
    }

    #[test]
    fn a_set_without_checks_is_refused() {
        assert_eq!(refusal("[]"), "no checks are defined");
    }

    #[test]
    fn a_prerequisite_is_another_check_of_the_set() {
        for (key, why) in [
            (
                "requires: [image.zerombr2]",
                "requires names \"image.zerombr2\", which does not exist, did you mean \"image.zerombr\"?",
            ),
            ("requires: [image.zerombr]", "requires itself: image.zerombr -> image.zerombr"),
        ] {
            let message = refusal(&with(key));
            assert!(message.ends_with(why), "{key}: {message}");
        }
    }

    #[test]
    fn ids_are_unique_and_prerequisites_form_no_circle() {
        assert_eq!(
            refusal(&GOOD.repeat(2)),
            "checks/x.yaml, line 14: image.zerombr: the id is taken by the one at \
             checks/x.yaml, line 1"
        );
        let one = with("requires: [image.b]");
        let two = with("requires: [image.zerombr]").replacen("id: image.zerombr", "id: image.b", 1);
        assert!(
            refusal(&format!("{one}{two}"))
                .ends_with("requires itself: image.zerombr -> image.b -> image.zerombr")
        );
        let elsewhere = one.replacen("applies_to: image", "applies_to: [image, linux-mt]", 1);
        let alone = GOOD.replacen("id: image.zerombr", "id: image.b", 1);
        assert!(
            refusal(&format!("{elsewhere}{alone}"))
                .ends_with("requires \"image.b\", which does not apply to linux-mt")
        );
    }
}
