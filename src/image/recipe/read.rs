//! From a name or a path to a typed recipe, with errors that name the place.
//!
//! Not for opening what a recipe points at: agents, media and RPMs are inspected when built.

use std::path::Path;

use super::Recipe;
use crate::assets::{self, Asset, AssetError, AssetKind, Assets};
use crate::digest::Sha256;
use crate::hint::hinted;
use crate::image::setting::{Setting, SettingError};
use crate::installer::profile::{Profile, ProfileError};
use crate::yaml::{self, YamlError};

/// A recipe and the text it was read from.
#[derive(Clone, Debug)]
pub struct RecipeFile {
    /// The path for messages: `images/demo.yaml`, or the path on disk.
    pub path: String,
    /// Digest of the text.
    pub sha256: Sha256,
    /// What was written, with the settings applied.
    pub recipe: Recipe,
    /// The line of the `profile` key; absent when a setting chose the profile.
    profile_line: Option<usize>,
}

/// Why a recipe was refused.
#[derive(Debug, thiserror::Error)]
pub enum RecipeError {
    /// Neither a file nor the name of an embedded recipe.
    #[error("no recipe named {0:?}")]
    Unknown(String, Vec<String>),
    /// The file cannot be read.
    #[error("recipe: {0}")]
    Read(#[source] AssetError),
    /// The text is not a recipe.
    #[error("recipe {0}")]
    Yaml(Box<YamlError>),
    /// The settings do not fit.
    #[error("recipe {path} with {settings}: {problem}")]
    Settings {
        /// The recipe.
        path: String,
        /// The keys that were set.
        settings: String,
        /// What is wrong.
        problem: Box<yaml::YamlProblem>,
    },
    /// A setting that cannot be applied.
    #[error("--set: {0}")]
    Setting(#[from] SettingError),
    /// A profile that there is not.
    #[error("recipe {path}{}: no profile named {name:?}", line_suffix(*.line))]
    UnknownProfile {
        /// The recipe.
        path: String,
        /// Where it names the profile.
        line: Option<usize>,
        /// The name.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// A profile that cannot be used.
    #[error(transparent)]
    Profile(ProfileError),
}

fn line_suffix(line: Option<usize>) -> String {
    line.map_or_else(String::new, |line| format!(", line {line}"))
}

impl RecipeError {
    /// Says what to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown(_, known) => {
                Some(format!("choose one of {}, or give a path to a file", known.join(", ")))
            }
            Self::Yaml(error) => error.hint(),
            Self::Settings { problem, .. } => {
                YamlError { file: String::new(), place: None, problem: (**problem).clone() }.hint()
            }
            Self::UnknownProfile { name, known, .. } => {
                Some(format!("choose one of {}, or add kickstart/{name}.yaml", known.join(", ")))
            }
            Self::Profile(error) => error.hint(),
            Self::Read(error) => error.hint(),
            Self::Setting(_) => None,
        }
    }
}

hinted!(RecipeError);

impl Recipe {
    /// The names of all recipes, sorted.
    pub fn names(assets: &Assets) -> Vec<String> {
        recipe_names(assets.names(AssetKind::Recipe))
    }

    /// Reads a recipe: a file when `name_or_path` ends in `.yaml` or has a `/`, else the embedded
    /// one (or the overlay's) of that name.
    ///
    /// # Errors
    ///
    /// Refuses what is no recipe, and one that names a profile that there is not.
    pub fn read(
        assets: &Assets,
        name_or_path: &str,
        settings: &[Setting],
    ) -> Result<RecipeFile, RecipeError> {
        let asset = read_asset(assets, name_or_path)?;
        let mut recipe = parse_recipe(&asset, settings)?;
        // Keys are relative to the recipe that names them; those set by an option, to the working
        // directory.
        let is_set =
            |key: &str| settings.iter().any(|set| set.key().split('.').next() == Some(key));
        if is_path(name_or_path) {
            let directory = Path::new(name_or_path).parent().unwrap_or(Path::new(""));
            for (key, files) in
                [("rpm_keys", &mut recipe.rpm_keys), ("deb_keys", &mut recipe.deb_keys)]
            {
                for file in files.iter_mut().filter(|_| !is_set(key)) {
                    *file = directory.join(&*file);
                }
            }
        }
        let profile_line = settings
            .iter()
            .all(|setting| setting.key() != "profile")
            .then(|| key_line(&asset.text, "profile"))
            .flatten();
        let sha256 = Sha256::hash(&asset.text);
        let file = RecipeFile { path: asset.path, sha256, recipe, profile_line };
        file.read_profile(assets)?;
        Ok(file)
    }
}

impl RecipeFile {
    /// The recipe's name: that of its file, without directory and extension.
    pub fn name(&self) -> String {
        let stem = Path::new(&self.path).file_stem();
        stem.map_or_else(String::new, |stem| stem.to_string_lossy().into_owned())
    }

    /// Reads the profile that the recipe names.
    ///
    /// # Errors
    ///
    /// Fails when there is none of that name, or when it is faulty.
    pub fn read_profile(&self, assets: &Assets) -> Result<Profile, RecipeError> {
        Profile::read(assets, &self.recipe.profile).map_err(|error| match error {
            ProfileError::Unknown(name, known) => RecipeError::UnknownProfile {
                path: self.path.clone(),
                line: self.profile_line,
                name,
                known,
            },
            other => RecipeError::Profile(other),
        })
    }
}

fn read_asset(assets: &Assets, name_or_path: &str) -> Result<Asset, RecipeError> {
    if is_path(name_or_path) {
        return assets::read_file(Path::new(name_or_path)).map_err(RecipeError::Read);
    }
    assets.read(AssetKind::Recipe, &format!("{name_or_path}.yaml")).map_err(|error| match error {
        AssetError::Missing { known, .. } => {
            RecipeError::Unknown(name_or_path.to_owned(), recipe_names(known))
        }
        other => RecipeError::Read(other),
    })
}

fn is_path(name_or_path: &str) -> bool {
    name_or_path.contains('/') || name_or_path.ends_with(".yaml")
}

fn recipe_names(files: Vec<String>) -> Vec<String> {
    files.iter().filter_map(|file| file.strip_suffix(".yaml")).map(str::to_owned).collect()
}

/// Types the text, with the settings applied to it first.
///
/// A fault of the text is reported with its line, one of the settings with their keys.
fn parse_recipe(asset: &Asset, settings: &[Setting]) -> Result<Recipe, RecipeError> {
    let plain = yaml::parse::<Recipe>(&asset.text, &asset.path);
    if settings.is_empty() {
        return plain.map_err(|error| RecipeError::Yaml(Box::new(error)));
    }
    let mut document: serde_yaml::Value =
        yaml::parse(&asset.text, &asset.path).map_err(|e| RecipeError::Yaml(Box::new(e)))?;
    for setting in settings {
        setting.apply(&mut document)?;
    }
    // Through text once more: only the text parser names the path of what it refuses.
    let text = serde_yaml::to_string(&document).map_err(|error| RecipeError::Settings {
        path: asset.path.clone(),
        settings: setting_keys(settings),
        problem: Box::new(yaml::YamlProblem::Invalid(error.to_string())),
    })?;
    yaml::parse(&text, &asset.path).map_err(|error| match plain {
        Err(own) if own.problem == error.problem => RecipeError::Yaml(Box::new(own)),
        _ => RecipeError::Settings {
            path: asset.path.clone(),
            settings: setting_keys(settings),
            problem: Box::new(error.problem),
        },
    })
}

fn setting_keys(settings: &[Setting]) -> String {
    settings.iter().map(Setting::to_string).collect::<Vec<_>>().join(" ")
}

/// The line of a key at the left margin, counted from 1.
fn key_line(text: &str, key: &str) -> Option<usize> {
    let found = text.lines().position(|line| {
        line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with(':'))
    });
    found.map(|index| index + 1)
}

/// A commented recipe to start from: that of the only release S001 names.
pub fn init_recipe() -> &'static str {
    concat!(
        "# yaml-language-server: $schema=recipe.schema.json\n",
        "# The line above is for editors: preflight schema recipe > recipe.schema.json\n",
        include_str!("../../../images/centos-6.6.yaml")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_error(text: &str, settings: &[&str]) -> RecipeError {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("images")).unwrap();
        std::fs::write(dir.path().join("images/mt.yaml"), text).unwrap();
        let path = dir.path().join("images/mt.yaml").display().to_string();
        let settings: Vec<Setting> = settings.iter().map(|s| s.parse().unwrap()).collect();
        let mut error = Recipe::read(&Assets::embedded(), &path, &settings).unwrap_err();
        match &mut error {
            RecipeError::Yaml(error) => error.file = "images/mt.yaml".into(),
            RecipeError::Settings { path, .. } | RecipeError::UnknownProfile { path, .. } => {
                *path = "images/mt.yaml".into();
            }
            _ => {}
        }
        error
    }

    const GOOD: &str = "\
host_name: mt01
network: {method: dhcp}
disks: {system: {name: sda, erase: true}}
profile: centos-6.6
";

    #[test]
    fn refusals_name_the_place_and_the_way_out() {
        let misspelt = GOOD.replace("method", "methd");
        let other = GOOD.replace("centos-6.6", "centos-6.5");
        for (text, settings, message, hint) in [
            (
                other.as_str(),
                &[][..],
                "recipe images/mt.yaml, line 4: no profile named \"centos-6.5\"",
                Some(
                    "choose one of centos-6.6, centos-7, ubuntu-16.04, ubuntu-20.04, or add kickstart/centos-6.5.yaml",
                ),
            ),
            (
                GOOD,
                &["profile=centos-8"],
                "recipe images/mt.yaml: no profile named \"centos-8\"",
                Some(
                    "choose one of centos-6.6, centos-7, ubuntu-16.04, ubuntu-20.04, or add kickstart/centos-8.yaml",
                ),
            ),
            (
                misspelt.as_str(),
                &[],
                "recipe images/mt.yaml, line 2, column 11: unknown key \"methd\", did you mean \
                 \"method\"?",
                Some("write method instead"),
            ),
            (
                GOOD,
                &["network.adress=192.0.2.10"],
                "recipe images/mt.yaml with --set network.adress: unknown key \"adress\", did you \
                 mean \"address\"?",
                Some("write address instead"),
            ),
            (
                GOOD,
                &["disks.system.erase=maybe"],
                "recipe images/mt.yaml with --set disks.system.erase: disks.system.erase: invalid \
                 type: string \"maybe\", expected a boolean",
                None,
            ),
        ] {
            let error = read_error(text, settings);
            assert_eq!(error.to_string(), message);
            assert_eq!(error.hint().as_deref(), hint, "{message}");
        }
    }

    #[test]
    fn an_unknown_name_lists_those_there_are() {
        let error = Recipe::read(&Assets::embedded(), "centos", &[]).unwrap_err();
        assert_eq!(error.to_string(), "no recipe named \"centos\"");
        let hint = error.hint().unwrap();
        assert!(hint.contains("centos-6.6") && hint.contains("demo"), "{hint}");
    }

    #[test]
    fn settings_reach_lists_words_and_numbers() {
        let settings: Vec<Setting> = [
            "network.method=static",
            "network.address=192.0.2.10",
            "network.netmask=24",
            "network.gateway=192.0.2.1",
            "network.dns=[192.0.2.53]",
            "packages.0=tcpdump",
            "retention.when=first-boot",
            "retention.multipath='36000c29'",
        ]
        .iter()
        .map(|text| text.parse().unwrap())
        .collect();
        let recipe = Recipe::read(&Assets::embedded(), "demo", &settings).unwrap().recipe;
        assert_eq!(recipe.network.address.unwrap().to_string(), "192.0.2.10");
        assert_eq!(recipe.packages[0].as_str(), "tcpdump");
        assert!(matches!(recipe.retention, super::super::Retention::FirstBoot { .. }));
    }

    #[test]
    fn the_starting_recipe_and_every_embedded_one_can_be_read() {
        let assets = Assets::embedded();
        yaml::parse::<Recipe>(init_recipe(), "recipe.yaml").unwrap();
        assert_eq!(Recipe::names(&assets), ["centos-6.6", "demo", "ubuntu-16.04", "ubuntu-20.04"]);
        for name in Recipe::names(&assets) {
            Recipe::read(&assets, &name, &[]).unwrap();
        }
    }
}
