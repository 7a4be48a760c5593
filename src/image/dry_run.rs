//! A plan in words, for `--dry-run`: what would be written, what boots, what is erased.
//!
//! Not for evaluating it, and not for printing.

use std::fmt::Write as _;
use std::path::Path;

use super::compose::Composition;
use super::custom_medium::CustomMedium;
use super::menus::MenuChange;
use super::plan::{Plan, SelfCheckBinary};
use crate::installer::system::AgentKind;
use crate::iso::bytemap::SECTOR;

/// Describes what building the plan would write to `out`; `free` is the room there, when known.
pub fn render(plan: &Plan, composition: &Composition, out: &Path, free: Option<u64>) -> String {
    let mut text = String::new();
    let mut line = |key: &str, value: String| {
        writeln!(text, "{key:<12}{value}").expect("a String takes every write");
    };
    line("image", out.display().to_string());
    line("recipe", format!("{} ({})", plan.recipe.name, plan.recipe.sha256));
    line("plan", plan.digest().to_string());
    line("profile", plan.system.profile_name.to_string());
    line("host", plan.system.host_name.to_string());
    match &plan.base {
        Some(base) => {
            let (id, size) = (base.medium.volume_id(), mebibytes(base.medium.file_len()));
            line("base", format!("{}, volume {id:?}, {size}", base.path.display()));
            line("base sha256", "not computed in a dry run".to_owned());
        }
        None => line("base", "none: a kickstart disc to use beside the vendor's medium".to_owned()),
    }
    line("agent", agent(plan));
    line("self-check", self_check(plan));
    if let Some(server) = plan.system.registration_server() {
        line("registers", format!("with {}:{}, once", server.address, server.port));
    }
    line("add-ons", add_ons(plan));
    for disk in plan.system.erased_disks() {
        line("erases", format!("{}, all that is on it", disk.name));
    }
    text + &changes(composition, free)
}

/// Describes what customising a medium would write to `out`.
pub fn render_custom(medium: &CustomMedium, out: &Path, free: Option<u64>) -> String {
    let (image, installs) = (out.display(), &medium.installs);
    format!("{:<12}{image}\n{:<12}release {installs}\n", "image", "installs")
        + &changes(&medium.composition, free)
}

/// The size, the files and the menus.
fn changes(composition: &Composition, free: Option<u64>) -> String {
    let mut text = String::new();
    let mut line = |key: &str, value: String| {
        writeln!(text, "{key:<12}{value}").expect("a String takes every write");
    };
    let free = free.map_or_else(|| "unknown".to_owned(), mebibytes);
    line("size", format!("{}, free there: {free}", mebibytes(composition.image.len())));
    if let Some(base) = &composition.base {
        let sectors = base.kept_len.div_ceil(SECTOR);
        let changed = composition.changed_sectors();
        line("changes", format!("{changed} of the base's {sectors} sectors, the rest is added"));
    }
    for note in &composition.notes {
        line("note", note.clone());
    }
    text.push_str(&files(composition));
    for change in &composition.menus {
        text.push_str(&menu(change));
    }
    text
}

fn agent(plan: &Plan) -> String {
    match (&plan.agent, plan.system.agent) {
        (None, _) => "none".to_owned(),
        (Some(_), AgentKind::StandIn) => "a STAND-IN, which replicates nothing".to_owned(),
        (Some(agent), _) => {
            let pinned = if agent.pinned { "pinned" } else { "NOT pinned" };
            format!("{}, {pinned}, sha256 {}", agent.bundle.file_name, agent.bundle.sha256)
        }
    }
}

fn add_ons(plan: &Plan) -> String {
    let pool = match (&plan.signing_key, plan.debs.is_empty()) {
        (_, true) => String::new(),
        (Some(key), false) => format!("; their list is signed by {}", key.name()),
        (None, false) => "; their list is UNSIGNED, trusted for its digest".to_owned(),
    };
    packages(plan) + &pool
}

fn packages(plan: &Plan) -> String {
    match plan.signatures() {
        None => "none".to_owned(),
        Some(signed) if signed.keys.is_empty() => {
            format!("{} packages, signatures not verified: no key is named", signed.unverified)
        }
        Some(signed) => format!("{} packages, every signature verified", signed.verified),
    }
}

fn self_check(plan: &Plan) -> String {
    match &plan.self_check_binary {
        None => "none".to_owned(),
        Some(SelfCheckBinary::Included { path, program, .. }) => {
            format!("evaluated there by {}, sha256 {}", path.display(), program.sha256)
        }
        Some(SelfCheckBinary::Absent(why)) => {
            format!("not evaluated there, no program is included: {why}")
        }
    }
}

fn files(composition: &Composition) -> String {
    let mut text = String::from("\nfiles added or changed\n");
    for file in &composition.manifest.files {
        writeln!(text, "  {:>12}  /{}", file.size, file.path).expect("a String takes every write");
    }
    text
}

fn menu(change: &MenuChange) -> String {
    let mut text = format!("\nboot menu /{}\n", change.file);
    for (when, entries) in [("before", &change.before), ("after", &change.after)] {
        writeln!(text, "  {when}").expect("a String takes every write");
        for entry in entries {
            let mark = if entry.default { '*' } else { ' ' };
            writeln!(text, "    {mark} {}", entry.title).expect("a String takes every write");
            if !entry.arguments.is_empty() {
                writeln!(text, "        {}", entry.arguments).expect("a String takes every write");
            }
        }
    }
    text
}

fn mebibytes(bytes: u64) -> String {
    let tenths = bytes.saturating_mul(10) / (1024 * 1024);
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}
