//! All symptoms: `checks/symptoms.yaml` into a verified set, by id and by check.
//!
//! Not for what is written of one (`symptom`), nor for finding those of a text (`search`).

use serde::Deserialize;

use super::symptom::{OutOfScope, Symptom, verify};
use crate::assets::{Asset, Assets};
use crate::check::definition::{self, CheckSet};
use crate::check::error::EntryProblem;
use crate::check::model::DefinitionLocation;
use crate::check::{DefinitionError, parse_asset};
use crate::yaml::closest_match;

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SymptomsFile {
    elsewhere: Vec<OutOfScope>,
    symptoms: Vec<Symptom>,
}

/// A verified set of symptoms, in the order they are written.
pub struct SymptomSet {
    symptoms: Vec<Symptom>,
    topics: Vec<OutOfScope>,
}

impl SymptomSet {
    /// Reads the symptoms of the assets; the checks are those they may name.
    ///
    /// # Errors
    ///
    /// Fails at the first thing that is wrong, named by file, line and symptom.
    pub fn load(assets: &Assets, checks: &CheckSet) -> Result<Self, DefinitionError> {
        Self::read(&definition::read_symptoms(assets)?, checks)
    }

    /// Reads symptoms given as a text.
    ///
    /// # Errors
    ///
    /// As [`SymptomSet::load`].
    pub fn read(file: &Asset, checks: &CheckSet) -> Result<Self, DefinitionError> {
        let (SymptomsFile { elsewhere: topics, symptoms }, is_prevalidated) = parse_asset(file)?;
        let locations = locations(file, symptoms.len());
        for (index, symptom) in symptoms.iter().enumerate() {
            let earlier = symptoms[..index].iter().position(|other| other.id == symptom.id);
            let fault = match earlier {
                Some(earlier) => Err(EntryProblem::Duplicate(locations[earlier].clone())),
                None => verify(symptom, checks, is_prevalidated),
            };
            fault.map_err(|problem| problem.into_error(&symptom.id, &locations[index]))?;
        }
        Ok(Self { symptoms, topics })
    }

    /// Returns the topics that are out of scope.
    pub fn topics(&self) -> &[OutOfScope] {
        &self.topics
    }

    /// Returns all symptoms, in the order they are written.
    pub fn symptoms(&self) -> &[Symptom] {
        &self.symptoms
    }

    /// Returns the symptom with this id.
    pub fn find(&self, id: &str) -> Option<&Symptom> {
        self.symptoms.iter().find(|symptom| symptom.id == id)
    }

    /// Returns the id that is spelled most like `id`.
    pub fn nearest_id(&self, id: &str) -> Option<&str> {
        closest_match(id, self.symptoms.iter().map(|symptom| symptom.id.as_str()))
    }

    /// Returns the symptoms with a cause that this check tells.
    pub fn for_check<'s>(&'s self, id: &str) -> impl Iterator<Item = &'s Symptom> {
        let names = move |symptom: &&Symptom| symptom.checks().contains(&id);
        self.symptoms.iter().filter(names).collect::<Vec<_>>().into_iter()
    }
}

/// Returns the line at which each symptom begins.
fn locations(file: &Asset, count: usize) -> Vec<DefinitionLocation> {
    let lines = file.text.lines().enumerate().skip_while(|(_, line)| *line != "symptoms:");
    let begins = lines.filter(|(_, line)| line.trim_start().starts_with("- id:"));
    let lines = begins.map(|(at, _)| at + 1).chain(std::iter::repeat(1));
    lines.take(count).map(|line| DefinitionLocation { file: file.path.clone(), line }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::GOOD;

    const ONE: &str = "\
elsewhere: []
symptoms:
- id: ts-disk
  title: the disk is not erased
  words: [disk not erased]
  patterns: ['zerombr']
  codes: ['8061']
  causes:
    - cause: zerombr is absent
      checks: [image.zerombr]
  source: { doc: field, at: threads }
";

    fn read(text: &str) -> Result<SymptomSet, DefinitionError> {
        let checks =
            CheckSet::read(&[Asset { path: "checks/x.yaml".to_owned(), text: GOOD.to_owned() }]);
        let file = Asset { path: "checks/symptoms.yaml".to_owned(), text: text.to_owned() };
        SymptomSet::read(&file, &checks.unwrap())
    }

    #[test]
    fn a_symptom_is_read_and_found_by_its_check() {
        let set = read(ONE).unwrap();
        assert_eq!(set.symptoms()[0].checks(), ["image.zerombr"]);
        let named: Vec<&str> = set.for_check("image.zerombr").map(|s| s.id.as_str()).collect();
        assert_eq!(named, ["ts-disk"]);
        assert_eq!(set.for_check("image.other").count(), 0);
        assert_eq!(set.nearest_id("ts-disc"), Some("ts-disk"));
    }

    #[test]
    fn what_is_wrong_with_a_symptom_is_said() {
        let twice = &ONE[ONE.find("- id").unwrap()..];
        for (from, to, why) in [
            (
                "[image.zerombr]",
                "[image.zeromber]",
                "checks/symptoms.yaml, line 3: ts-disk: checks names \"image.zeromber\", which does not exist, did you mean \"image.zerombr\"?",
            ),
            ("id: ts-disk", "id: ts.disk", "an id is in kebab-case"),
            ("title: the disk is not erased", "title: ''", "title is blank"),
            ("is not erased", "is not erased.", "title is a fragment without a full stop"),
            ("zerombr is absent", "zerombr is absent.", "cause is a fragment"),
            ("[disk not erased]", "[]", "words is blank"),
            ("  codes:", "  said_as: [a b, A B]\n  codes:", "said_as \"A B\" is written twice"),
            (
                "[image.zerombr]",
                "[]",
                "cause \"zerombr is absent\" has neither checks nor a remedy",
            ),
            ("doc: field", "doc: S009", "no source has the key \"S009\""),
            ("['zerombr']", "['zero(mbr']", "unclosed group"),
            ("['zerombr']", "['(x{900}){900}']", "size limit"),
            ("['zerombr']", "['(zerombr)?']", "it matches nothing at all"),
            ("codes", "kodes", "unknown key \"kodes\", did you mean \"codes\"?"),
            (
                "source: { doc: field, at: threads }\n",
                &format!("source: {{ doc: field, at: threads }}\n{twice}"),
                "line 12: ts-disk: the id is taken by the one at checks/symptoms.yaml, line 3",
            ),
        ] {
            let error = read(&ONE.replacen(from, to, 1)).err().expect(to).to_string();
            assert!(error.contains(why), "{to}: {error}");
        }
    }
}
