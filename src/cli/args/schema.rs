//! The options of `schema`.
//!
//! Not for the schemas (`commands::schema`).

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// The kind of file
    #[arg(value_enum)]
    pub what: WrittenFileArg,
}

/// A kind of file that people write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WrittenFileArg {
    /// A site file, and the file of answers beside it
    Site,
    /// A recipe of build image
    Recipe,
    /// A profile: how a distribution installs
    Profile,
    /// Checks of a site
    Checks,
}
