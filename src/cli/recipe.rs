//! From the recipe a person named to what `image` wants to know: settings applied, the profile
//! read, the root password hashed.

use anyhow::Context;

use crate::assets::Assets;
use crate::cli::args::RecipeArgs;
use crate::cli::root_password;
use crate::image::manifest::RecipeRecord;
use crate::image::recipe::{Recipe, RecipeFile};
use crate::image::setting::Setting;
use crate::installer::kickstart::RootAccess;
use crate::installer::profile::Profile;

/// A recipe with everything a person decides about it.
pub struct ResolvedRecipe {
    /// The recipe, settings applied.
    pub recipe: Recipe,
    /// What the manifest says of it.
    pub record: RecipeRecord,
    /// The profile it names.
    pub profile: Profile,
    /// The root password, hashed.
    pub root: RootAccess,
}

/// Reads the recipe that was named, without asking anybody for a password.
pub fn read(choice: &RecipeArgs, assets: &Assets) -> anyhow::Result<(RecipeFile, Profile)> {
    let file = Recipe::read(assets, &choice.recipe, &settings(choice)?)?;
    let profile = file.read_profile(assets)?;
    Ok((file, profile))
}

fn settings(choice: &RecipeArgs) -> anyhow::Result<Vec<Setting>> {
    choice.settings.iter().map(|text| text.parse().context("--set")).collect()
}

/// Reads the recipe that was named.
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
