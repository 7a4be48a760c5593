//! `schema`: prints the JSON schema of a kind of file, for editors.
//!
//! Draft 7, which is what editors of YAML know. Reading a file is stricter than its schema: names have to exist, and what
//! belongs together has to be there.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use std::io::Write;

use crate::check::definition;
use crate::cli::ExitStatus;
use crate::cli::args::{SchemaArgs, WrittenFileArg};
use crate::cli::terminal::screen;
use crate::image::recipe::Recipe;
use crate::installer::profile::Profile;
use crate::report;
use crate::site::Site;

/// Prints the JSON schema of a kind of file.
pub fn schema(args: &SchemaArgs) -> anyhow::Result<ExitStatus> {
    let generator = SchemaSettings::draft07().into_generator();
    let (mut schema, title) = match args.what {
        WrittenFileArg::Site => (root::<Site>(generator), "A site file of preflight"),
        WrittenFileArg::Recipe => (root::<Recipe>(generator), "A recipe of preflight"),
        WrittenFileArg::Profile => (root::<Profile>(generator), "A profile of preflight"),
        WrittenFileArg::Checks => (definition::file_schema(generator), "Checks of preflight"),
    };
    schema.insert("title".to_owned(), title.into());
    writeln!(screen::stdout(), "{}", report::json::to_string(&schema)?)?;
    Ok(ExitStatus::Clean)
}

fn root<T: JsonSchema>(generator: SchemaGenerator) -> Schema {
    generator.into_root_schema_for::<T>()
}
