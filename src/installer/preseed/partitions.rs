//! The layout of the system disk as partman-auto's recipe: written and read (debian-installer's
//! doc/devel/partman-auto-recipe.txt).
//!
//! Not for which disk it is for.

use crate::installer::layout::PartitionSpec;
use crate::installer::value::disk::FsType;

/// The name of the one recipe.
pub const RECIPE: &str = "master-target";

/// What partman takes for "as large as there is room", in its megabytes.
const LARGEST: u64 = 1_000_000_000;

/// partman's megabytes are of 10^6 bytes.
const MEGABYTE: u64 = 1_000_000;

/// A partition of a recipe, as far as it is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecipePartition {
    /// Where it is mounted, `swap`, or empty.
    pub mount: String,
    /// Its file system: `ext4`, `swap`, `efi`.
    pub fstype: String,
    /// The least size, in partman's megabytes.
    pub least: u64,
    /// Whether it lies in a volume group.
    pub in_lvm: bool,
}

/// Writes the recipe on one line: each line of a preseed costs the installer time.
pub fn write(layout: &[PartitionSpec]) -> String {
    let mut recipe = format!("{RECIPE} ::");
    for partition in layout {
        let least = partition.size.bytes().div_ceil(MEGABYTE);
        let (priority, most) =
            if partition.grow { (LARGEST, "-1".to_owned()) } else { (least, least.to_string()) };
        let (name, method) = match partition.effective_fstype() {
            FsType::Swap => ("linux-swap", "method{ swap } format{ }".to_owned()),
            FsType::Efi => ("fat32", "method{ efi } format{ }".to_owned()),
            fstype => (
                fstype.as_str(),
                format!(
                    "method{{ format }} format{{ }} use_filesystem{{ }} filesystem{{ {fstype} }} \
                     mountpoint{{ {} }}",
                    partition.mount
                ),
            ),
        };
        recipe += &format!(" {least} {priority} {most} {name}");
        if partition.primary {
            recipe += " $primary{ }";
        }
        if partition.mount.as_str() == "/" {
            recipe += " $bootable{ }";
        }
        recipe += &format!(" {method}");
        if let Some(label) = &partition.label {
            recipe += &format!(" label{{ {label} }}");
        }
        recipe += " .";
    }
    recipe
}

/// Reads a recipe; nothing when it is none.
///
/// ```
/// use preflight::installer::preseed::partitions::read;
/// let text = "x :: 9 9 9 linux-swap method{ swap } format{ } . 5 6 -1 ext4 mountpoint{ / } .";
/// let mounts: Vec<String> = read(text).unwrap().into_iter().map(|p| p.mount).collect();
/// assert_eq!(mounts, ["swap", "/"]);
/// assert!(read("x :: 9 9").is_none());
/// ```
pub fn read(recipe: &str) -> Option<Vec<RecipePartition>> {
    let (_, rest) = recipe.split_once(" :: ")?;
    let mut partitions = Vec::new();
    let mut words = rest.split_whitespace().peekable();
    while words.peek().is_some() {
        let least: u64 = words.next()?.parse().ok()?;
        words.next()?.parse::<u64>().ok()?;
        words.next()?.parse::<i64>().ok()?;
        let name = words.next()?;
        let mut partition =
            RecipePartition { mount: String::new(), fstype: name.to_owned(), least, in_lvm: false };
        loop {
            let word = words.next()?;
            if word == "." {
                break;
            }
            let key = word.strip_suffix('{')?;
            let mut values = Vec::new();
            loop {
                match words.next()? {
                    "}" => break,
                    value => values.push(value),
                }
            }
            let value = values.join(" ");
            match (key, value.as_str()) {
                ("method", "swap") => {
                    "swap".clone_into(&mut partition.mount);
                    "swap".clone_into(&mut partition.fstype);
                }
                ("method", "efi") => {
                    "/boot/efi".clone_into(&mut partition.mount);
                    "efi".clone_into(&mut partition.fstype);
                }
                ("method", "lvm" | "crypto" | "raid") => partition.in_lvm = true,
                ("filesystem", _) => partition.fstype = value,
                ("mountpoint", _) => partition.mount = value,
                ("$lvmok" | "lv_name" | "in_vg" | "vg_name", _) => partition.in_lvm = true,
                _ => {}
            }
        }
        partitions.push(partition);
    }
    Some(partitions)
}

impl RecipePartition {
    /// The least size in mebibytes, rounded down.
    pub fn mebibytes(&self) -> u64 {
        self.least.saturating_mul(MEGABYTE) / (1024 * 1024)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(yaml: &str) -> Vec<PartitionSpec> {
        serde_yaml::from_str(yaml).unwrap()
    }

    #[test]
    fn a_layout_is_one_line_and_is_read_back() {
        let layout = layout(
            "- {mount: /boot/efi, size: 200 MiB}\n\
             - {mount: /, size: 20 GiB, primary: true, label: mtroot}\n\
             - {mount: swap, size: 4 GiB}\n\
             - {mount: /home, size: 4 GiB, grow: true, fstype: xfs}\n",
        );
        let text = write(&layout);
        assert_eq!(
            text,
            "master-target :: 210 210 210 fat32 method{ efi } format{ } . \
             21475 21475 21475 ext4 $primary{ } $bootable{ } method{ format } format{ } \
             use_filesystem{ } filesystem{ ext4 } mountpoint{ / } label{ mtroot } . \
             4295 4295 4295 linux-swap method{ swap } format{ } . \
             4295 1000000000 -1 xfs method{ format } format{ } use_filesystem{ } \
             filesystem{ xfs } mountpoint{ /home } ."
        );
        let back = read(&text).unwrap();
        assert_eq!(back.len(), layout.len());
        for (read, meant) in back.iter().zip(&layout) {
            assert_eq!(read.mount, meant.mount.as_str());
            assert_eq!(read.fstype, meant.effective_fstype().as_str());
            assert!(read.mebibytes() >= meant.size.mib() && !read.in_lvm);
        }
    }

    #[test]
    fn what_is_no_recipe_is_not_read() {
        for text in ["", "x", "x :: a b c d .", "x :: 1 1 1 ext4", "x :: 1 1 1 ext4 a{ b ."] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }
}
