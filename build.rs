//! Rebuilds when a data file is added, for `include_dir` watches the files it knows and not the
//! directories they stand in; and writes the check files once more as JSON, which a run reads
//! several times faster than YAML.
//!
//! Nothing is verified here: a file that is no YAML is left out, and whoever reads it says why.

use std::fmt::Write;
use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    for directory in ["images", "kickstart", "templates", "checks"] {
        println!("cargo:rerun-if-changed={directory}");
    }
    let variable = |name| env::var(name).map_err(io::Error::other);
    let (sources, out) = (variable("CARGO_MANIFEST_DIR")?, variable("OUT_DIR")?);
    let mut names: Vec<String> = Vec::new();
    for folder in ["", "steps/"] {
        let entries = fs::read_dir(Path::new(&sources).join("checks").join(folder))?;
        let files = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        names.extend(
            files.filter(|file| file.ends_with(".yaml")).map(|file| format!("{folder}{file}")),
        );
    }
    names.sort();
    let mut table = String::from("[\n");
    for name in names {
        let text = fs::read_to_string(Path::new(&sources).join("checks").join(&name))?;
        let Ok(value) = serde_yaml::from_str::<serde_json::Value>(&text) else { continue };
        writeln!(table, "({name:?}, {:?}),", value.to_string()).map_err(io::Error::other)?;
    }
    table.push(']');
    fs::write(Path::new(&out).join("checks.in"), table)
}
