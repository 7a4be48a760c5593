//! What is mounted where, and what swaps.
//!
//! The kernel's own tables are the authority: `df` and `findmnt -T` answer for a directory that
//! nothing is mounted on as if it were a volume. Not for the devices below (`block`), nor for what
//! the next boot mounts (`fstab`), nor for the retention volume, which joins all (`retention`).

use schemars::JsonSchema;
use serde::Serialize;

use crate::facts::probe::{Probe, ProbeName};
use crate::facts::transcript::Transcript;
use crate::facts::{Collection, Fact, Unavailable, file};

const MOUNTINFO: ProbeName = ProbeName::new("mountinfo");
const SWAPS: ProbeName = ProbeName::new("swaps");

/// The kernel's tables; none of them touches a file system.
pub const PROBES: &[Probe] =
    &[Probe::new(MOUNTINFO, "show /proc/self/mountinfo"), Probe::new(SWAPS, "show /proc/swaps")];

/// The file systems of its own that a master target should have (S001, Install CentOS 6.6, step 2).
const LAYOUT: [&str; 3] = ["/", "/var/crash", "/home"];

/// What is checked about the mounts of a host, apart from its retention volume.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct MountFacts {
    /// The file systems that a master target should have.
    pub layout: Fact<Collection<LayoutFacts>>,
    /// Devices and files that are swapped to.
    pub swaps: Fact<Collection<String>>,
}

/// What is at one path that should be a file system of its own.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct LayoutFacts {
    /// The path.
    pub path: String,
    /// Whether something is mounted there.
    pub mounted: bool,
    /// The type of what is mounted, such as `ext4`.
    pub fstype: Fact<String>,
    /// All of it in words: `/home ext4`, `/var/crash not mounted`.
    pub words: String,
}

/// Reads the facts out of a transcript.
pub fn from_transcript(transcript: &Transcript) -> MountFacts {
    let layout = mount_table(transcript).map(|table| Collection::complete(table.layout()));
    let swaps = swaps(transcript).map(Collection::complete);
    MountFacts { layout: layout.into(), swaps: swaps.into() }
}

/// The mounts of a host.
pub fn mount_table(transcript: &Transcript) -> Result<MountTable, Unavailable> {
    Ok(MountTable::parse(file::complete_text(transcript, MOUNTINFO)?)?)
}

/// The devices and files a host swaps to.
pub fn swaps(transcript: &Transcript) -> Result<Vec<String>, Unavailable> {
    Ok(parse_swaps(file::complete_text(transcript, SWAPS)?)?)
}

/// Why a table of the kernel could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MountsError {
    /// A row that is none.
    #[error("{0} has a row {1:?}")]
    Row(&'static str, String),
    /// No rows at all, which no running system has.
    #[error("{0} is empty")]
    Empty(&'static str),
}

/// One row of `/proc/self/mountinfo`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// Its number in the table.
    pub id: i64,
    /// The number of the mount it is mounted on.
    pub parent: i64,
    /// The device, as `8:1`; the major number is 0 when there is none.
    pub number: String,
    /// The directory of the file system that is mounted: `/` unless it is a bind mount or a
    /// subvolume.
    pub root: String,
    /// Where it is mounted.
    pub point: String,
    /// The options of the mount.
    pub options: Vec<String>,
    /// The type, such as `ext4`.
    pub fstype: String,
    /// What is mounted, such as `/dev/sdb1`; empty when whoever mounted it said nothing.
    pub source: String,
    /// The options of the file system, which other mounts of it share.
    pub super_options: Vec<String>,
}

impl Mount {
    /// Reads one row. The number of optional fields before the lone dash varies.
    fn parse(row: &str) -> Option<Self> {
        let (front, back) = row.split_once(" - ")?;
        let mut front = front.split(' ');
        let (id, parent) = (front.next()?.parse().ok()?, front.next()?.parse().ok()?);
        let number = front.next()?.to_owned();
        let (root, point) = (unescape(front.next()?), unescape(front.next()?));
        let options = split_options(front.next()?);
        let mut back = back.splitn(3, ' ');
        let (fstype, source) = (back.next()?.to_owned(), unescape(back.next()?));
        let super_options = split_options(back.next()?);
        number.split_once(':')?;
        Some(Self { id, parent, number, root, point, options, fstype, source, super_options })
    }

    /// Whether this mount, or the whole file system, is read-only. `errors=remount-ro` is neither.
    pub fn is_read_only(&self) -> bool {
        self.options.iter().chain(&self.super_options).any(|option| option == "ro")
    }

    /// Whether both show the same file system. btrfs has a number for each file system and none for
    /// its device, so the source counts as well.
    pub fn is_same_volume(&self, other: &Self) -> bool {
        self.number == other.number
            || self.source == other.source && self.source.starts_with("/dev/")
    }

    /// Whether it holds a path; `/data` holds `/data/a` and not `/database`.
    fn holds(&self, path: &str) -> bool {
        is_at_or_above(&self.point, path)
    }
}

/// Whether a directory is a path itself or one above it.
pub(super) fn is_at_or_above(directory: &str, path: &str) -> bool {
    match path.strip_prefix(directory.trim_end_matches('/')) {
        Some(rest) => rest.is_empty() || rest.starts_with('/'),
        None => false,
    }
}

/// What is mounted on a host, in the order it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MountTable {
    rows: Vec<Mount>,
}

impl MountTable {
    /// Reads `/proc/self/mountinfo`.
    ///
    /// # Errors
    ///
    /// Fails at the first row that is none: a table read in part would hide what covers a path.
    ///
    /// ```
    /// use preflight::facts::storage::mounts::MountTable;
    /// let table = MountTable::parse(
    ///     "20 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n\
    ///      24 20 8:16 / /mnt/re\\040tention rw shared:7 - ext4 /dev/sdb rw\n",
    /// )
    /// .unwrap();
    /// assert_eq!(table.at("/mnt/re tention").unwrap().source, "/dev/sdb");
    /// assert!(table.at("/mnt").is_none());
    /// assert_eq!(table.containing("/mnt").unwrap().source, "/dev/sda1");
    /// ```
    pub fn parse(text: &str) -> Result<Self, MountsError> {
        const TABLE: &str = "/proc/self/mountinfo";
        let row =
            |row: &str| Mount::parse(row).ok_or_else(|| MountsError::Row(TABLE, row.to_owned()));
        let rows: Vec<Mount> =
            text.lines().filter(|line| !line.is_empty()).map(row).collect::<Result<_, _>>()?;
        let mut ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
        ids.sort_unstable();
        if let Some(pair) = ids.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(MountsError::Row(TABLE, format!("number {} twice", pair[0])));
        }
        if rows.is_empty() { Err(MountsError::Empty(TABLE)) } else { Ok(Self { rows }) }
    }

    /// All rows, hidden ones too.
    pub fn rows(&self) -> &[Mount] {
        &self.rows
    }

    /// The mount whose file system a path is on, as a program that opens the path would see it.
    ///
    /// Goes from mount to mount as the kernel does, so that of mounts stacked on one path the top
    /// one counts, and one that a later mount of a directory above it covers does not. The path
    /// must be absolute and free of symbolic links.
    pub fn containing(&self, path: &str) -> Option<&Mount> {
        let is_first =
            |row: &&Mount| row.parent == row.id || self.rows.iter().all(|r| r.id != row.parent);
        let mut here = self.first_towards(path, self.rows.iter().filter(is_first));
        // A kernel's table has no circle; a table made up by somebody could.
        for _ in 0..self.rows.len() {
            let Some(mount) = here else { break };
            let on_it = |row: &&Mount| row.parent == mount.id && row.id != mount.id;
            match self.first_towards(path, self.rows.iter().filter(on_it)) {
                Some(next) => here = Some(next),
                None => break,
            }
        }
        here
    }

    /// Of mounts on one file system, the one that is met first on the way to a path.
    fn first_towards<'a>(
        &'a self,
        path: &str,
        rows: impl Iterator<Item = &'a Mount>,
    ) -> Option<&'a Mount> {
        let held = rows.filter(|row| row.holds(path));
        held.reduce(|best, row| if row.point.len() <= best.point.len() { row } else { best })
    }

    /// What is mounted exactly at a path, if anything is; of several, the one that is seen.
    pub fn at(&self, path: &str) -> Option<&Mount> {
        self.containing(path).filter(|mount| mount.point == path)
    }

    fn layout(&self) -> Vec<LayoutFacts> {
        let one = |path: &str| {
            let fstype = self.at(path).map(|mount| mount.fstype.clone());
            LayoutFacts {
                path: path.to_owned(),
                mounted: fstype.is_some(),
                words: format!("{path} {}", fstype.as_deref().unwrap_or("not mounted")),
                fstype: fstype.ok_or("not mounted").into(),
            }
        };
        LAYOUT.into_iter().map(one).collect()
    }
}

/// Reads `/proc/swaps`: the devices and files in use.
///
/// # Errors
///
/// Fails when it does not begin with its heading, and at a row that is none.
///
/// ```
/// use preflight::facts::storage::mounts::parse_swaps;
/// let text = "Filename\t\t\tType\t\tSize\tUsed\tPriority\n/dev/sda3  partition\t4194300\t0\t-1\n";
/// assert_eq!(parse_swaps(text).unwrap(), ["/dev/sda3"]);
/// ```
pub fn parse_swaps(text: &str) -> Result<Vec<String>, MountsError> {
    const TABLE: &str = "/proc/swaps";
    let odd = |row: &str| MountsError::Row(TABLE, row.to_owned());
    let mut lines = text.lines();
    match lines.next() {
        Some(heading) if heading.starts_with("Filename") => {}
        Some(row) => return Err(odd(row)),
        None => return Err(MountsError::Empty(TABLE)),
    }
    let swap = |line: &str| match line.split_whitespace().collect::<Vec<_>>().as_slice() {
        [name, "partition" | "file", numbers @ ..]
            if numbers.len() == 3 && numbers.iter().all(|n| n.parse::<i64>().is_ok()) =>
        {
            Ok(unescape(name).trim_end_matches(" (deleted)").to_owned())
        }
        _ => Err(odd(line)),
    };
    lines.map(swap).collect()
}

/// A path without the slashes at its end; the root keeps its own.
pub(super) fn trim_trailing_slashes(path: &str) -> &str {
    match path.trim_end_matches('/') {
        "" if path.starts_with('/') => "/",
        path => path,
    }
}

pub(super) fn split_options(list: &str) -> Vec<String> {
    list.split(',').map(str::to_owned).collect()
}

/// A field of the kernel's tables or of fstab, in which blanks and backslashes are octal numbers.
pub(super) fn unescape(field: &str) -> String {
    let bytes = field.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let number = bytes
            .get(at + 1..at + 4)
            .filter(|_| bytes[at] == b'\\')
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()))
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        plain.push(number.unwrap_or(bytes[at]));
        at += if number.is_some() { 4 } else { 1 };
    }
    String::from_utf8_lossy(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = "\
15 20 0:3 / /proc rw,relatime - proc proc rw
20 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw,errors=remount-ro
21 20 8:5 / /home rw,relatime - ext4 /dev/sda5 rw
22 20 8:2 / /var/crash rw,relatime - xfs /dev/sda2 rw
24 20 253:0 / /mnt/retention rw,relatime - ext4 /dev/mapper/36000c290f0e rw,data=ordered
";

    fn with(rows: &str) -> MountTable {
        MountTable::parse(&format!("{PLAIN}{rows}")).unwrap()
    }

    /// What a path is on, and whether it is a mount point.
    fn source_of(rows: &str, path: &str) -> (String, bool) {
        let table = with(rows);
        (table.containing(path).unwrap().source.clone(), table.at(path).is_some())
    }

    #[test]
    fn a_path_is_on_what_covers_it_last() {
        let retention = "/dev/mapper/36000c290f0e";
        for (rows, path, source, is_point) in [
            ("", "/", "/dev/sda1", true),
            ("", "/mnt", "/dev/sda1", false),
            ("", "/mnt/retention", retention, true),
            ("", "/mnt/retention/a/b", retention, false),
            ("", "/mnt/retentions", "/dev/sda1", false),
            ("", "/proc/self", "proc", false),
            // Stacked on one path: the later is seen.
            ("25 24 0:18 / /mnt/retention rw - tmpfs tmpfs rw\n", "/mnt/retention", "tmpfs", true),
            (
                "25 24 0:18 / /mnt/retention rw - tmpfs tmpfs rw\n\
                 26 25 8:32 / /mnt/retention rw - ext4 /dev/sdc rw\n",
                "/mnt/retention/x",
                "/dev/sdc",
                false,
            ),
            // An automount with what it has mounted on itself.
            (
                "25 20 0:9 / /data rw - autofs systemd-1 rw,fd=30\n\
                 26 25 8:32 / /data rw shared:3 master:1 - ext4 /dev/sdc rw\n",
                "/data",
                "/dev/sdc",
                true,
            ),
            // A mount of the directory above hides what was mounted below it before.
            ("25 20 0:40 / /mnt rw - nfs nas:/export rw\n", "/mnt/retention", "nas:/export", false),
            // The order of rows does not matter, whom they are mounted on does.
            (
                "40 41 8:48 / /srv/a rw - ext4 /dev/sdd rw\n\
                 41 20 8:32 / /srv rw - ext4 /dev/sdc rw\n",
                "/srv/a",
                "/dev/sdd",
                true,
            ),
            // Nothing said about the source.
            ("25 20 0:50 / /t rw - tmpfs  rw\n", "/t", "", true),
        ] {
            assert_eq!(source_of(rows, path), (source.to_owned(), is_point), "{rows}{path}");
        }
    }

    #[test]
    fn a_table_of_circles_ends() {
        let table = MountTable::parse(
            "1 2 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 8:2 / / rw - ext4 /dev/sda2 rw\n",
        )
        .unwrap();
        assert_eq!(table.containing("/"), None);
        let own = MountTable::parse("1 1 0:1 / / rw - rootfs rootfs rw\n").unwrap();
        assert_eq!(own.containing("/a").unwrap().fstype, "rootfs");
        // A root directory that is no mount point, as in some chroots, has no row.
        let none = MountTable::parse("9 1 8:1 / /mnt rw - ext4 /dev/sda1 rw\n").unwrap();
        assert_eq!(none.containing("/etc"), None);
    }

    #[test]
    fn rows_are_read_with_any_number_of_optional_fields() {
        for (row, source, point, root) in [
            (r"63 43 7:0 / /P rw,relatime - ext4 /dev/loop0 rw", "/dev/loop0", "/P", "/"),
            (r"63 43 7:0 / /P rw shared:1 - ext4 /dev/loop0 rw", "/dev/loop0", "/P", "/"),
            (r"63 43 7:0 /a /P rw shared:1 master:2 - ext4 /dev/x rw", "/dev/x", "/P", "/a"),
            (
                r"63 43 0:9 / /a\040b\011c\134d\012 rw - nfs h:/e\040f rw",
                "h:/e f",
                "/a b\tc\\d\n",
                "/",
            ),
            (r"63 43 0:9 /@ret /P rw - btrfs /dev/sdb rw,subvol=/@ret", "/dev/sdb", "/P", "/@ret"),
            (r"63 43 0:9 / /ends\04 rw - tmpfs t rw", "t", r"/ends\04", "/"),
        ] {
            let mount = Mount::parse(row).unwrap_or_else(|| panic!("{row}"));
            assert_eq!(
                (&*mount.source, &*mount.point, &*mount.root),
                (source, point, root),
                "{row}"
            );
        }
    }

    #[test]
    fn what_is_no_row_makes_no_table() {
        for text in [
            "",
            "\n",
            "hello\n",
            "63 43 7:0 / /P rw,relatime ext4 /dev/loop0 rw\n",
            "63 43 7 / /P rw - ext4 /dev/loop0 rw\n",
            "x 43 7:0 / /P rw - ext4 /dev/loop0 rw\n",
            "63 43 7:0 / - ext4 /dev/loop0 rw\n",
            "63 43 7:0 / /P rw - ext4\n",
        ] {
            assert!(MountTable::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn read_only_is_a_whole_word() {
        for (options, super_options, expected) in [
            ("rw,relatime", "rw,errors=remount-ro", false),
            ("ro,relatime", "rw", true),
            ("rw", "ro", true),
            ("rw,prot", "rw,norecovery", false),
        ] {
            let row = format!("63 43 7:0 / /P {options} - ext4 /dev/loop0 {super_options}");
            assert_eq!(Mount::parse(&row).unwrap().is_read_only(), expected, "{row}");
        }
    }

    #[test]
    fn the_layout_says_what_is_at_each_path() {
        let words: Vec<String> = with("").layout().into_iter().map(|path| path.words).collect();
        assert_eq!(words, ["/ ext4", "/var/crash xfs", "/home ext4"]);
        let bare = MountTable::parse("20 1 8:1 / / rw - ext4 /dev/sda1 rw\n").unwrap();
        assert_eq!(bare.layout()[1].words, "/var/crash not mounted");
    }

    #[test]
    fn swaps_are_read_below_their_heading() {
        let heading = "Filename Type Size Used Priority\n";
        assert_eq!(parse_swaps(heading).unwrap(), [""; 0]);
        let two = format!("{heading}/dev/dm-1 partition 1 0 -1\n/swap\\040file file 1 0 -2\n");
        assert_eq!(parse_swaps(&two).unwrap(), ["/dev/dm-1", "/swap file"]);
        assert!(parse_swaps("").is_err());
        assert!(parse_swaps("/dev/sda3 partition 1 0 -1\n").is_err());
    }
}
