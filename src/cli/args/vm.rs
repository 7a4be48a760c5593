//! The options of `build vm`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::RecipeArgs;

#[derive(Debug, Args)]
pub struct BuildVmArgs {
    #[command(flatten)]
    pub recipe: RecipeArgs,

    /// The image in its CD drive, as the host finds it [default: RECIPE.iso
    /// beside the .vmx]
    #[arg(long, value_name = "ISO")]
    pub image: Option<String>,

    /// The network that reaches the configuration server
    #[arg(long, value_name = "NAME", default_value = "VM Network")]
    pub network: String,

    /// Where to write, without .vmx and .ovf [default: RECIPE]
    #[arg(short, long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,

    /// Replace existing files
    #[arg(long)]
    pub overwrite: bool,
}
