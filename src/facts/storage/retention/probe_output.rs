//! What the probe of the retention volume prints, and what the commands in it print, as values.
//!
//! Not for the shell text (`probe`) nor for what the values mean together (`retention`).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

use crate::facts::Unavailable;
use crate::facts::transcript::ProbeAnswer;

/// Everything the probe found out by touching the volume and the directories it is compared with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProbeOutput {
    /// Where the configured path really is.
    pub real: Option<String>,
    /// The mount point, or the link, that was not followed.
    pub stuck: Option<String>,
    /// The directories of the agent and its cache.
    pub places: Vec<ComparedDirectory>,
    /// For a line of fstab, by its place among those for the path: whether it names the device.
    pub fstab: BTreeMap<usize, bool>,
    /// Whether the files of all processes could be seen; absent when they were not looked through.
    pub saw_all: Option<bool>,
    /// Who has files open.
    pub open: Vec<OpenFile>,
    /// What commands printed, by name.
    pub commands: BTreeMap<String, ProbeAnswer>,
    /// The first line that the probe does not print: something else has answered, or it was cut.
    pub foreign: Option<String>,
}

/// A directory the retention volume must not be shared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComparedDirectory {
    /// The directory by name.
    pub name: String,
    /// Where it really is.
    pub whereabouts: Location,
}

/// Where a directory is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// There.
    Is(String),
    /// Not there yet; this is where it would be made.
    WillBe(String),
    /// Behind something that was not followed, or not told.
    Unknown(String),
}

/// A process that has a file open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenFile {
    /// The process id.
    pub id: i64,
    /// Its name, at most 15 bytes of it.
    pub name: String,
    /// The file or directory.
    pub path: String,
}

/// Reads what the probe prints.
///
/// ```
/// use preflight::facts::storage::retention::probe_output;
/// let touched = probe_output::parse("real /mnt/retention\n= space\nx\n= status 0\nplace /\nis /\n");
/// assert_eq!(touched.real.as_deref(), Some("/mnt/retention"));
/// assert_eq!(touched.commands["space"].text, "x\n");
/// assert_eq!(touched.places[0].name, "/");
/// ```
pub fn parse(text: &str) -> ProbeOutput {
    let mut touched = ProbeOutput::default();
    let mut command: Option<(String, String)> = None;
    for line in text.lines() {
        if let Some(word) = line.strip_prefix("= ") {
            match (word.strip_prefix("status "), command.take()) {
                (Some(status), Some((name, text))) => {
                    if let Ok(status) = status.parse() {
                        touched.commands.insert(name, ProbeAnswer { status, text });
                    }
                }
                // One whose end was not seen said nothing.
                _ => command = Some((word.to_owned(), String::new())),
            }
        } else if let Some((_, text)) = &mut command {
            text.push_str(line);
            text.push('\n');
        } else if !line.split_once(' ').is_some_and(|(key, value)| touched.record_line(key, value))
        {
            touched.foreign.get_or_insert(line.to_owned());
        }
    }
    if let Some((name, _)) = command {
        touched.foreign.get_or_insert(format!("= {name}, and no end of it"));
    }
    touched
}

impl ProbeOutput {
    /// Takes one line; false when the probe prints no such line.
    fn record_line(&mut self, key: &str, value: &str) -> bool {
        let text = value.to_owned();
        match key {
            "real" => return self.real.replace(text).is_none(),
            "stuck" => return self.stuck.replace(text).is_none(),
            // What probes of old said of the agent's configuration, which has a probe of its own.
            "conf" => {}
            "seen" => self.saw_all = Some(value == "all"),
            "place" => {
                let whereabouts = Location::Unknown("the answer was cut off".to_owned());
                self.places.push(ComparedDirectory { name: text, whereabouts });
            }
            "is" | "will-be" | "stuck-at" => {
                let Some(place) = self.places.last_mut() else { return false };
                place.whereabouts = match key {
                    "is" => Location::Is(text),
                    "will-be" => Location::WillBe(text),
                    _ => Location::Unknown(format!("{text} was not read, because it could hang")),
                };
            }
            "fstab" => match value.split_once(' ').map(|(line, word)| (line.parse(), word)) {
                Some((Ok(line), word @ ("same" | "other"))) => {
                    self.fstab.insert(line, word == "same");
                }
                _ => return false,
            },
            "open" => match parse_open_file(value) {
                Some(opener) => self.open.push(opener),
                None => return false,
            },
            _ => return false,
        }
        true
    }

    /// What a command printed, when it succeeded.
    pub fn command(&self, name: &str) -> Result<&str, Unavailable> {
        let answer = self.commands.get(name).ok_or_else(|| format!("{name}: it was not asked"))?;
        match answer.status {
            0 => Ok(&answer.text),
            124 | 143 => Err(format!("{name}: no answer in time").into()),
            127 => Err(format!("{name}: the command is missing on the host").into()),
            status => Err(format!("{name}: exit status {status}").into()),
        }
    }
}

fn parse_open_file(value: &str) -> Option<OpenFile> {
    let (id, rest) = value.split_once(" (")?;
    let (name, path) = rest.split_once(") ")?;
    Some(OpenFile { id: id.parse().ok()?, name: name.to_owned(), path: path.to_owned() })
}

/// What `df -P` says of one file system: how much there is of it, and how much is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskSpace {
    /// KiB, or inodes, in all.
    pub total: i64,
    /// KiB, or inodes, left for use.
    pub free: i64,
}

/// Reads `df -P -k PATH` and `df -P -i PATH`.
///
/// A file system without a fixed number of inodes has 0, or a dash.
///
/// ```
/// use preflight::facts::storage::retention::probe_output;
/// use preflight::facts::storage::retention::probe_output::DiskSpace;
/// let text = "Filesystem 1024-blocks Used Available Capacity Mounted on\n\
///             /dev/sdb 1056894132 73368 1056820764 1% /mnt/retention\n";
/// assert_eq!(probe_output::parse_df(text), Some(DiskSpace { total: 1056894132, free: 1056820764 }));
/// ```
pub fn parse_df(text: &str) -> Option<DiskSpace> {
    // Names at both ends may have blanks.
    static ROW: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"\s(\d+|-)\s+(\d+|-)\s+(-?\d+|-)\s+(\d+%|-)\s+/").expect("a valid pattern")
    });
    let row = text.lines().skip(1).find_map(|line| ROW.captures(line))?;
    let number = |at: usize| match &row[at] {
        "-" => Some(0),
        digits => digits.parse().ok(),
    };
    Some(DiskSpace { total: number(1)?, free: number(3)?.max(0) })
}

/// Reads `stat -L -c '%d %n'`: the device number of each path.
///
/// ```
/// use preflight::facts::storage::retention::probe_output;
/// let devices = probe_output::parse_stat("64768 /mnt/retention\n2049 /\n");
/// assert_eq!(devices["/"], 2049);
/// ```
pub fn parse_stat(text: &str) -> BTreeMap<String, i64> {
    let line = |line: &str| {
        let (number, path) = line.split_once(' ')?;
        Some((path.to_owned(), number.parse().ok()?))
    };
    text.lines().filter_map(line).collect()
}

/// Reads `lsof -w PATH`: who has files open, one line for each.
///
/// ```
/// use preflight::facts::storage::retention::probe_output;
/// let text = "COMMAND  PID USER FD TYPE DEVICE SIZE/OFF NODE NAME\n\
///             tail    4711 root 3r  REG    7,0        6   12 /mnt/retention/a b\n";
/// let open = probe_output::parse_lsof(text);
/// assert_eq!((open[0].id, &*open[0].name, &*open[0].path), (4711, "tail", "/mnt/retention/a b"));
/// ```
pub fn parse_lsof(text: &str) -> Vec<OpenFile> {
    let mut open: Vec<OpenFile> = Vec::new();
    for line in text.lines().skip_while(|line| !line.starts_with("COMMAND")).skip(1) {
        let mut fields = line.split_whitespace();
        let (Some(name), Some(Ok(id))) = (fields.next(), fields.next().map(str::parse)) else {
            continue;
        };
        let path = line.find(" /").map_or("", |at| &line[at + 1..]);
        if open.last().is_none_or(|opener| opener.id != id) {
            open.push(OpenFile { id, name: name.to_owned(), path: path.to_owned() });
        }
    }
    open
}

/// What is on a device, by `blkid -p`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceContent {
    /// `ext4`, `vfat`; empty when nothing is known to be on it.
    pub fstype: String,
    /// The file system's UUID.
    pub uuid: Option<String>,
    /// The file system's label.
    pub label: Option<String>,
    /// The partition's UUID in a partition table.
    pub partition_uuid: Option<String>,
}

/// Reads `blkid -p DEVICE`, in its plain form and in that of udev.
///
/// A FAT file system says TYPE=vfat whatever its width, and `msdos` only in SEC_TYPE.
///
/// ```
/// use preflight::facts::storage::retention::probe_output;
/// let text = "/dev/sdb1: SEC_TYPE=\"msdos\" UUID=\"4A2B-11C9\" VERSION=\"FAT16\" TYPE=\"vfat\" \n";
/// let content = probe_output::parse_blkid(text);
/// assert_eq!((&*content.fstype, content.uuid.as_deref()), ("vfat", Some("4A2B-11C9")));
/// ```
pub fn parse_blkid(text: &str) -> DeviceContent {
    static PAIR: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"(?m)(?:^|\s)(?:ID_FS_)?([A-Z_]+)=(?:"([^"]*)"|(\S*))"#)
            .expect("a valid pattern")
    });
    let mut content = DeviceContent::default();
    for pair in PAIR.captures_iter(text) {
        let value = pair.get(2).or_else(|| pair.get(3)).map_or("", |value| value.as_str());
        match &pair[1] {
            "TYPE" => content.fstype = value.to_owned(),
            "UUID" => content.uuid = Some(value.to_owned()),
            "LABEL" => content.label = Some(value.to_owned()),
            "PART_ENTRY_UUID" | "PARTUUID" => content.partition_uuid = Some(value.to_owned()),
            _ => {}
        }
    }
    content
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn df_is_read_whatever_the_names_are() {
        let heading = "Filesystem     1024-blocks  Used Available Capacity Mounted on\n";
        for (rows, expected) in [
            ("", None),
            ("/dev/sdb 100 20 80 20% /mnt/retention\n", Some((100, 80))),
            ("/dev/sdb 0 0 0 - /mnt/retention\n", Some((0, 0))),
            ("/dev/sdb 0 0 0 0% /mnt/retention\n", Some((0, 0))),
            ("/dev/sdb - - - - /mnt/retention\n", Some((0, 0))),
            // More used than root's reserve allows others.
            ("/dev/sdb 100 100 -3 104% /mnt/retention\n", Some((100, 0))),
            ("/dev/mapper/a b  100 20 80 20% /mnt/with blank 7 8\n", Some((100, 80))),
            ("a disk 1 2 of mine 100 20 80 20% /mnt\n", Some((100, 80))),
            ("/dev/sdb 99999999999999999999 0 1 1% /mnt\n", None),
            ("/dev/sdb\n", None),
        ] {
            let read = parse_df(&format!("{heading}{rows}")).map(|space| (space.total, space.free));
            assert_eq!(read, expected, "{rows}");
        }
        assert_eq!(parse_df(""), None);
    }

    #[test]
    fn blkid_is_read_in_both_forms() {
        for (text, fstype, uuid, label, partition) in [
            ("", "", None, None, None),
            (
                "/dev/loop0: UUID=\"0a-1\" VERSION=\"1.0\" BLOCK_SIZE=\"4096\" TYPE=\"ext4\" USAGE=\"filesystem\" \n",
                "ext4",
                Some("0a-1"),
                None,
                None,
            ),
            (
                "/dev/sdb1: LABEL=\"my TYPE=x disk\" UUID=\"0a-1\" TYPE=\"xfs\" PART_ENTRY_UUID=\"9c-01\"\n",
                "xfs",
                Some("0a-1"),
                Some("my TYPE=x disk"),
                Some("9c-01"),
            ),
            ("/dev/sdb1: TYPE=\"exfat\" VERSION=\"1.0\"\n", "exfat", None, None, None),
            (
                "ID_FS_UUID=0a-1\nID_FS_UUID_ENC=0a-1\nID_FS_TYPE=ext4\n",
                "ext4",
                Some("0a-1"),
                None,
                None,
            ),
            ("/dev/sdb: PTTYPE=\"dos\" \n", "", None, None, None),
            ("/dev/sdb: TYPE=\"mpath_member\" \n", "mpath_member", None, None, None),
        ] {
            let content = parse_blkid(text);
            assert_eq!(content.fstype, fstype, "{text}");
            assert_eq!(content.uuid.as_deref(), uuid, "{text}");
            assert_eq!(content.label.as_deref(), label, "{text}");
            assert_eq!(content.partition_uuid.as_deref(), partition, "{text}");
        }
    }

    #[test]
    fn a_process_with_many_files_is_named_once() {
        let text = "lsof: WARNING: can't stat() tracefs\n\
            COMMAND   PID USER   FD   TYPE DEVICE SIZE/OFF NODE NAME\n\
            svagents 1702 root  cwd    DIR  253,0     4096    2 /mnt/retention\n\
            svagents 1702 root    4r   REG  253,0        0   12 /mnt/retention/log\n\
            my\\x20sh  1800 root    3r   REG  253,0        0   13 /mnt/retention/x (deleted)\n";
        let open = parse_lsof(text);
        assert_eq!(open.len(), 2);
        assert_eq!(open[1].path, "/mnt/retention/x (deleted)");
        assert_eq!(parse_lsof("no heading\n"), []);
    }

    #[test]
    fn the_probe_is_read_as_far_as_it_got() {
        let touched = parse(
            "real /data/r\n= space\nheading\n\n= status 0\n= inodes\n= status 124\nconf read\n\
             place /usr/local/ASR\nis /usr/local/ASR\nplace /home/svsystems\nwill-be /nas/x\n\
             place /cache\nstuck-at /nas\nplace /\nfstab 1 same\nfstab 2 other\n\
             seen some\nopen 12 (a) b) /data/r/x y\n= devices\n64768 /data/r\n",
        );
        assert_eq!(touched.foreign.as_deref(), Some("= devices, and no end of it"));
        for line in [
            "whatever",
            "sh: printf: not found",
            "fstab x same",
            "fstab 1 maybe",
            "open x (y) z",
            "real /elsewhere",
            "is /nowhere",
        ] {
            let text = format!("real /data/r\n{line}\nseen all\n");
            assert_eq!(parse(&text).foreign.as_deref(), Some(line));
        }
        assert_eq!(touched.real.as_deref(), Some("/data/r"));
        assert_eq!(
            touched.commands["space"],
            ProbeAnswer { status: 0, text: "heading\n\n".to_owned() }
        );
        assert_eq!(touched.command("inodes"), Err("inodes: no answer in time".into()));
        assert_eq!(touched.command("devices"), Err("devices: it was not asked".into()));
        let places: Vec<&Location> = touched.places.iter().map(|p| &p.whereabouts).collect();
        assert_eq!(
            places,
            [
                &Location::Is("/usr/local/ASR".to_owned()),
                &Location::WillBe("/nas/x".to_owned()),
                &Location::Unknown("/nas was not read, because it could hang".to_owned()),
                &Location::Unknown("the answer was cut off".to_owned()),
            ]
        );
        assert_eq!(touched.fstab, BTreeMap::from([(1, true), (2, false)]));
        assert_eq!(touched.saw_all, Some(false));
        assert_eq!(touched.open.len(), 1);
        assert_eq!((&*touched.open[0].name, &*touched.open[0].path), ("a", "b) /data/r/x y"));
        assert_eq!(parse("stuck /mnt/retention\n").stuck.as_deref(), Some("/mnt/retention"));
    }
}
