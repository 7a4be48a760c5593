//! Check definitions: `checks/*.yaml` into a verified set.
//!
//! Everything that can be wrong with a check is found here, before anything is connected to. Not
//! for deciding checks: that is `engine`'s.

use std::collections::BTreeMap;
use std::path::Path;

use super::entry::checks_of;
use super::refusal::{DefinitionError, Problem};
use crate::assets::{Asset, AssetError, Assets, Kind};
use crate::yaml::nearest;

// What a set is made of, for those who read a set.
pub use super::model::{Basis, Check, Remedy, Severity, Source, TargetKind};

/// The one file among the check files that has no checks: `symptom` reads it.
const SYMPTOMS: &str = "symptoms.yaml";

/// The file of symptoms, which stands among those of checks.
pub(super) fn symptoms(assets: &Assets) -> Result<Asset, AssetError> {
    assets.read(Kind::Check, SYMPTOMS)
}

/// A verified set of checks, in the order they are written.
pub struct CheckSet {
    checks: Vec<Check>,
    places: BTreeMap<String, usize>,
}

impl CheckSet {
    /// Reads every check file of the assets.
    ///
    /// # Errors
    ///
    /// Fails at the first thing that is wrong, named by file, line and check.
    pub fn load(assets: &Assets) -> Result<Self, DefinitionError> {
        let files: Vec<Asset> = assets
            .names(Kind::Check)
            .iter()
            .filter(|name| name.ends_with(".yaml"))
            .map(|name| assets.read(Kind::Check, name))
            .collect::<Result<_, _>>()?;
        Self::read(&files)
    }

    /// Reads check files given as texts; a file of symptoms among them is left out.
    ///
    /// # Errors
    ///
    /// As [`CheckSet::load`].
    pub fn read(files: &[Asset]) -> Result<Self, DefinitionError> {
        let mut checks = Vec::new();
        let of_symptoms =
            |file: &&Asset| Path::new(&file.path).file_name() == Some(SYMPTOMS.as_ref());
        for file in files.iter().filter(|file| !of_symptoms(file)) {
            checks.extend(checks_of(file)?);
        }
        Self::connect(checks)
    }

    /// Makes a set of single checks: ids are unique, prerequisites exist and form no circle.
    fn connect(checks: Vec<Check>) -> Result<Self, DefinitionError> {
        if checks.is_empty() {
            return Err(DefinitionError::Empty);
        }
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        for (index, check) in checks.iter().enumerate() {
            if let Some(earlier) = places.insert(check.id.clone(), index) {
                return Err(Problem::Duplicate(checks[earlier].at.clone()).of(&check.id, &check.at));
            }
        }
        let set = Self { checks, places };
        for check in &set.checks {
            set.verify_requires(check).map_err(|problem| problem.of(&check.id, &check.at))?;
        }
        set.verify_no_circle()?;
        Ok(set)
    }

    fn verify_requires(&self, check: &Check) -> Result<(), Problem> {
        for id in &check.requires {
            let required = self.find(id).ok_or_else(|| Problem::NoSuchCheck {
                id: id.clone(),
                nearest: self.nearest(id).map(str::to_owned),
            })?;
            let mut kinds = check.applies_to.iter();
            if let Some(&kind) = kinds.find(|kind| !required.applies_to.contains(kind)) {
                return Err(Problem::Elsewhere { id: id.clone(), kind });
            }
        }
        Ok(())
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
            return Err(Problem::Circle(ids).of(&first.id, &first.at));
        }
        path.push(index);
        for id in &self.checks[index].requires {
            self.walk(self.places[id], path, settled)?;
        }
        path.pop();
        settled[index] = true;
        Ok(())
    }

    /// All checks, in the order they are written.
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// The check of this id.
    pub fn find(&self, id: &str) -> Option<&Check> {
        self.position(id).map(|index| &self.checks[index])
    }

    /// Where in [`CheckSet::checks`] the check of this id stands.
    pub fn position(&self, id: &str) -> Option<usize> {
        self.places.get(id).copied()
    }

    /// The id that is spelled most like `id`.
    pub fn nearest(&self, id: &str) -> Option<&str> {
        nearest(id, self.places.keys().map(String::as_str))
    }
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

    #[test]
    fn a_set_without_checks_is_refused() {
        assert_eq!(refusal("[]"), "no checks are defined");
    }

    #[test]
    fn a_prerequisite_is_another_check_of_the_set() {
        for (key, why) in [
            (
                "requires: [image.zerombr2]",
                "requires \"image.zerombr2\", which does not exist, did you mean \"image.zerombr\"?",
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
            "checks/x.yaml, line 14: image.zerombr: the id is taken by the check at \
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
