//! The appliance's virtual machine, described before it is made: a `.vmx` and an `.ovf` in which
//! disk.EnableUUID is set before the machine is first powered on.
//!
//! Not for making disks or machines: whoever registers or deploys the descriptor does that.

use serde::Serialize;
use serde_json::{Value, json};

use crate::assets::Assets;
use crate::hint::hinted;
use crate::image::recipe::Recipe;
use crate::installer::machine::{Disk, Firmware};
use crate::installer::profile::Profile;
use crate::installer::retention::Retention;
use crate::template::{self, TemplateError};

const GIB: u64 = 1 << 30;

/// 6 GB or more (S001, Prerequisites).
const MEMORY_MIB: u32 = 6144;

/// D:vmware-azure-install-linux-master-target sizes the appliance with four or more.
const CPUS: u32 = 4;

/// The size of the system disk where the recipe does not say: 100 GB (the same page).
const SYSTEM_GIB: u64 = 100;

/// The size of the retention disk where the recipe does not say: 1 TB (the same page).
const RETENTION_GIB: u64 = 1024;

/// What disks of hardware version 9 may have at most; from version 10 it is 62 TB.
const LARGEST_AT_9_GIB: u64 = 2032;

/// What version 10 allows at most.
const LARGEST_GIB: u64 = 62 * 1024;

/// Why no machine can be described.
#[derive(Debug, thiserror::Error)]
pub enum VmError {
    /// A size that no virtual disk has.
    #[error("the {0} disk of {1} GiB is larger than any virtual disk, {LARGEST_GIB} GiB")]
    TooLarge(&'static str, u64),
    /// No whole number of GiB lies in the range.
    #[error("no whole number of GiB lies between the {0} disk's min and max")]
    NoSize(&'static str),
    /// A text that neither format can hold.
    #[error("{0} {1:?}: expected 1 to 200 characters without control characters")]
    Text(&'static str, String),
    /// A template does not render.
    #[error(transparent)]
    Template(#[from] TemplateError),
}

impl VmError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::TooLarge(..) | Self::NoSize(..) => {
                Some("give the recipe's disk a size with min and max in whole GiB".to_owned())
            }
            Self::Text(..) | Self::Template(_) => None,
        }
    }
}

hinted!(VmError);

/// A text as it stands between the quotes of a `.vmx`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct VmxText(String);

impl VmxText {
    /// Escapes a text: `|` and what would end the value or the line become `|` and their code.
    ///
    /// ```
    /// use preflight::vm::VmxText;
    /// assert_eq!(VmxText::escape("a \"b\" | c").as_str(), "a |22b|22 |7C c");
    /// ```
    pub fn escape(text: &str) -> Self {
        let escape = |c: char| match c {
            '"' | '|' => format!("|{:02X}", u32::from(c)),
            c if c.is_ascii_control() => format!("|{:02X}", u32::from(c)),
            c => c.to_string(),
        };
        Self(text.chars().map(escape).collect())
    }

    /// The escaped text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text as it stands in XML, in an element or between double quotes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct XmlText(String);

impl XmlText {
    /// Escapes a text.
    ///
    /// ```
    /// use preflight::vm::XmlText;
    /// assert_eq!(XmlText::escape("<a & 'b' \"c\">").as_str(), "&lt;a &amp; &apos;b&apos; &quot;c&quot;&gt;");
    /// ```
    pub fn escape(text: &str) -> Self {
        Self(quick_xml::escape::escape(text).into_owned())
    }

    /// The escaped text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What the recipe does not say about the machine.
#[derive(Clone, Debug)]
pub struct VmOptions<'a> {
    /// The image in its CD drive.
    pub image: &'a str,
    /// The network its adapter is on.
    pub network: &'a str,
}

/// Both descriptors, with notes for the person who uses them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VmDescriptors {
    /// For an ESXi host's own datastore.
    pub vmx: String,
    /// For a client that deploys.
    pub ovf: String,
    /// Why things are as they are.
    pub notes: Vec<String>,
    /// What makes the disks that the `.vmx` names, on the host, in the machine's directory.
    pub commands: Vec<String>,
}

/// Describes the machine of a recipe.
///
/// # Errors
///
/// [`VmError`], when a size or a text is none that a virtual machine can have.
pub fn describe(
    assets: &Assets,
    recipe: &Recipe,
    profile: &Profile,
    options: &VmOptions<'_>,
) -> Result<VmDescriptors, VmError> {
    let image = check_text("image", options.image)?;
    let network = check_text("network", options.network)?;
    let name = recipe.host_name.as_str().split('.').next().unwrap_or("master-target").to_owned();
    let title = match &recipe.title {
        Some(title) => title.as_str().to_owned(),
        None => "Linux master target".to_owned(),
    };
    let sizes = [
        ("system", disk_size_gib("system", Some(&recipe.disks.system), SYSTEM_GIB)?),
        ("retention", disk_size_gib("retention", retention_disk(recipe), RETENTION_GIB)?),
    ];
    let largest = sizes.iter().map(|(_, gib)| *gib).max().unwrap_or_default();
    let hardware = if largest > LARGEST_AT_9_GIB { 10 } else { 9 };
    let disks: Vec<Value> = (0..)
        .zip(&sizes)
        .map(|(unit, (what, gib))| {
            json!({
                "unit": unit,
                "id": format!("vmdisk{}", unit + 1),
                "instance": 7 + unit,
                "label": format!("Hard disk {}, {what}", unit + 1),
                "gib": *gib,
                "vmx_file": VmxText::escape(&disk_file(&name, what)),
            })
        })
        .collect();
    let commands = sizes
        .iter()
        .map(|(what, gib)| format!("vmkfstools -c {gib}G -d thin {}", disk_file(&name, what)))
        .collect();
    let (guest_id, guest) = (profile.guest.id.to_string(), profile.guest.word.as_str());
    let model = json!({
        "hardware": hardware,
        "hardware_padded": format!("{hardware:02}"),
        "firmware": match recipe.firmware {
            Firmware::Bios => "bios",
            Firmware::Uefi => "efi",
        },
        "cpus": CPUS,
        "memory_mib": MEMORY_MIB,
        "guest_id": guest_id,
        "disks": disks,
        "vmx": texts(VmxText::escape, [&name, &title, image, network, guest]),
        "xml": texts(XmlText::escape, [&name, &title, image, network, guest]),
    });
    Ok(VmDescriptors {
        vmx: template::render(assets, "vm/machine.vmx.hbs", &model)?,
        ovf: template::render(assets, "vm/machine.ovf.hbs", &model)?,
        notes: notes(hardware, &sizes),
        commands,
    })
}

fn texts<T: Serialize>(
    escape: fn(&str) -> T,
    [name, title, image, network, guest]: [&str; 5],
) -> Value {
    json!({
        "name": escape(name),
        "title": escape(title),
        "image": escape(image),
        "network": escape(network),
        "guest": escape(guest),
    })
}

fn check_text<'t>(what: &'static str, text: &'t str) -> Result<&'t str, VmError> {
    let fits = (1..=200).contains(&text.chars().count());
    // What XML 1.0 has no place for is not in the name of anything either.
    let is_odd = |c: char| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}');
    if !fits || text.chars().any(is_odd) {
        return Err(VmError::Text(what, text.to_owned()));
    }
    Ok(text)
}

fn disk_file(name: &str, what: &str) -> String {
    match what {
        "system" => format!("{name}.vmdk"),
        what => format!("{name}-{what}.vmdk"),
    }
}

/// The retention disk as the recipe has it, when it says anything of one.
fn retention_disk(recipe: &Recipe) -> Option<&Disk> {
    match &recipe.retention {
        Retention::Install(retention) => Some(&retention.disk),
        Retention::None | Retention::FirstBoot { .. } => None,
    }
}

/// A size in whole GiB that the guard before the installation lets through: the usual one, moved
/// into the recipe's range.
fn disk_size_gib(what: &'static str, disk: Option<&Disk>, usual: u64) -> Result<u64, VmError> {
    let range = disk.and_then(|disk| disk.size);
    let min = range.and_then(|range| range.min).map(|min| min.bytes().div_ceil(GIB));
    let max = range.and_then(|range| range.max).map(|max| max.bytes() / GIB);
    let gib = usual.max(min.unwrap_or(1)).min(max.unwrap_or(u64::MAX));
    if gib == 0 || min.is_some_and(|min| gib < min) {
        return Err(VmError::NoSize(what));
    }
    if gib > LARGEST_GIB {
        return Err(VmError::TooLarge(what, gib));
    }
    Ok(gib)
}

fn notes(hardware: u32, sizes: &[(&str, u64)]) -> Vec<String> {
    let why = match hardware {
        9 => "which every ESXi since 5.1 runs",
        _ => "which ESXi 5.5 and later run, for a disk of more than 2032 GiB needs it",
    };
    let mut notes = vec![
        format!("hardware version {hardware}, {why}"),
        "disk.EnableUUID is TRUE from the first start on".to_owned(),
        "the controller is LSI Logic: paravirtual ones are not supported on a master target"
            .to_owned(),
    ];
    notes.extend(sizes.iter().map(|(what, gib)| format!("{what} disk: {gib} GiB")));
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(range: &str) -> Disk {
        let text = format!("name: sda\nerase: true\nsize: {range}\n");
        crate::yaml::parse(&text, "test").unwrap()
    }

    #[test]
    fn a_size_is_the_usual_one_moved_into_the_range() {
        for (range, usual, expected) in [
            ("{min: 100 GiB, max: 500 GiB}", 100, Some(100)),
            ("{min: 120 GiB}", 100, Some(120)),
            ("{max: 80 GiB}", 100, Some(80)),
            ("{min: 102401 MiB}", 100, Some(101)),
            ("{min: 900 GiB}", 1024, Some(1024)),
            ("{min: 3 TiB}", 1024, Some(3072)),
            ("{min: 1025 MiB, max: 2047 MiB}", 100, None),
            ("{max: 500 MiB}", 100, None),
            ("{min: 100 TiB}", 100, None),
        ] {
            assert_eq!(
                disk_size_gib("system", Some(&disk(range)), usual).ok(),
                expected,
                "{range}"
            );
        }
        assert_eq!(disk_size_gib("retention", None, 1024).ok(), Some(1024));
    }

    #[test]
    fn texts_that_no_descriptor_holds_are_refused() {
        for text in ["", "a\nb", "a\u{0}", "\u{ffff}", &"x".repeat(201)] {
            assert!(check_text("network", text).is_err(), "{text:?}");
        }
        assert!(check_text("network", "VM Network \"<&|>\" é").is_ok());
    }
}
