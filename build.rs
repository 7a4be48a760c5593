//! Rebuilds when a data file is added: `include_dir` watches the files it knows, not the
//! directories they stand in.

fn main() {
    for directory in ["images", "kickstart", "templates", "checks"] {
        println!("cargo:rerun-if-changed={directory}");
    }
}
