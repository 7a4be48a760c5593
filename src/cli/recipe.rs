//! Resolves the recipe of a command line for `image`: applies settings, reads the profile, hashes
//! the root password.

use anyhow::Context;

use crate::assets::Assets;
use crate::cli::args::RecipeArgs;
use crate::cli::root_password;
use crate::image::manifest::RecipeRecord;
use crate::image::recipe::{Recipe, RecipeFile};
use crate::image::setting::Setting;
use crate::installer::kickstart::RootAccess;
use crate::installer::profile::Profile;

/// A recipe with its profile and the hashed root password.
pub struct ResolvedRecipe {
    /// The recipe with settings applied.
    pub recipe: Recipe,
    /// Its record in the manifest.
    pub record: RecipeRecord,
    /// Its profile.
    pub profile: Profile,
    /// The root password, hashed.
    pub root: RootAccess,
}

/// Reads a recipe and its profile without prompting for a password.
pub fn read(choice: &RecipeArgs, assets: &Assets) -> anyhow::Result<(RecipeFile, Profile)> {
    let file = Recipe::read(assets, &choice.recipe, &settings(choice)?)?;
    let profile = file.read_profile(assets)?;
    Ok((file, profile))
}

fn settings(choice: &RecipeArgs) -> anyhow::Result<Vec<Setting>> {
    choice.settings.iter().map(|text| text.parse().context("--set")).collect()
}

/// Reads a recipe and its profile, and hashes the root password.
pub fn resolve(choice: &RecipeArgs, assets: &Assets) -> anyhow::Result<ResolvedRecipe> {
    let settings = settings(choice)?;
    let (file, profile) = read(choice, assets)?;
    let root = match root_password::resolve(&file.recipe.root_password)? {
        Some(hash) => RootAccess::Hash(hash),
        None => RootAccess::Locked,
    };
    let record = RecipeRecord {
        name: file.name(),
        sha256: file.sha256,
        overridden: settings.iter().map(Setting::key).collect(),
    };
    Ok(ResolvedRecipe { recipe: file.recipe, record, profile, root })
}
