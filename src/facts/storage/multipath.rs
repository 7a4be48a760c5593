//! Multipath devices as `multipath -ll` lists them: the names the documents want mounted.
//!
//! Not for how devices lie on each other (`block`), nor for which package is installed.

use std::sync::LazyLock;

use regex::Regex;
use schemars::JsonSchema;
use serde::Serialize;

use super::block::{self, BlockDevice, BlockGraph};
use crate::facts::probe::{Probe, ProbeName};
use crate::facts::transcript::{ProbeAnswer, Transcript};
use crate::facts::{Collection, Fact, Unavailable};

const MULTIPATH: ProbeName = ProbeName::new("multipath");
const MULTIPATHD: ProbeName = ProbeName::new("multipathd");

/// The list of maps, and the daemon's process ids.
pub const PROBES: &[Probe] = &[
    Probe::new(
        MULTIPATH,
        "command -v multipath >/dev/null || exit 127; limit 10 multipath -ll 2>&1",
    ),
    Probe::quick(MULTIPATHD, "command -v pidof >/dev/null || exit 127; limit 5 pidof multipathd"),
];

/// What is checked about a host's multipath devices.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct MultipathFacts {
    /// Whether the command is there.
    pub installed: Fact<bool>,
    /// Whether the daemon runs.
    pub daemon: Fact<bool>,
    /// The maps that `multipath -ll` lists.
    pub maps: Fact<Collection<MultipathMap>>,
    /// The disks of the operating system that are in a map, by the list or by the kernel.
    pub system_disks: Fact<Collection<String>>,
    /// The disks that are in no map, apart from the operating system's.
    pub unlisted: Fact<Collection<String>>,
}

/// One multipath device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct MultipathMap {
    /// Its name below `/dev/mapper`: the id, unless friendly names are on.
    pub name: String,
    /// The SCSI id.
    pub id: String,
    /// Its kernel name, such as `dm-0`.
    pub device: String,
    /// The disks that are its paths.
    pub paths: Vec<String>,
    /// The paths that do not work.
    pub faulty: Vec<String>,
}

/// Reads the facts out of a transcript.
pub fn from_transcript(transcript: &Transcript) -> MultipathFacts {
    let maps = transcript.answer(MULTIPATH).and_then(read_maps);
    let compared = maps.as_ref().map_err(Unavailable::from).and_then(|maps| {
        let (graph, root) = (block::block_graph(transcript)?, block::root_mount(transcript)?);
        let system = graph.disks_of(&root)?;
        let taken = mapped_system_disks(maps, &graph, &system);
        let system: Vec<&str> = system.iter().map(|disk| disk.name.as_str()).collect();
        Ok((taken, unmapped_disks(maps, &graph, &system)))
    });
    let system_disks = compared.clone().map(|(taken, _)| Collection::complete(taken));
    MultipathFacts {
        installed: is_installed(transcript).into(),
        daemon: is_daemon_running(transcript).into(),
        maps: maps.map(Collection::complete).into(),
        system_disks: system_disks.into(),
        unlisted: compared.map(|(_, unlisted)| Collection::complete(unlisted)).into(),
    }
}

fn is_installed(transcript: &Transcript) -> Result<bool, Unavailable> {
    match transcript.answer(MULTIPATH)? {
        // The probe looks for the command first and ends with 127 without it.
        ProbeAnswer { status: 127, .. } => Ok(false),
        answer if answer.text.contains("not found") => {
            Err("multipath says that a command or a library is not found".into())
        }
        _ => Ok(true),
    }
}

/// `pidof` prints process ids and succeeds, or prints nothing and fails.
fn is_daemon_running(transcript: &Transcript) -> Result<bool, Unavailable> {
    match transcript.answer(MULTIPATHD)? {
        ProbeAnswer { status: 0, text } if is_list_of_ids(text) => Ok(true),
        ProbeAnswer { status: 1, text } if text.trim().is_empty() => Ok(false),
        ProbeAnswer { status, .. } => {
            let how = format!("exited with status {status} and gave no process ids");
            Err(format!("pidof multipathd {how}").into())
        }
    }
}

fn is_list_of_ids(text: &str) -> bool {
    let mut words = text.split_whitespace().peekable();
    words.peek().is_some() && words.all(|word| word.parse::<u32>().is_ok()) && text.ends_with('\n')
}

/// The maps an answer lists. The command missing is no map; status 1 is what some versions give
/// when there is none.
fn read_maps(answer: &ProbeAnswer) -> Result<Vec<MultipathMap>, Unavailable> {
    if !answer.text.is_empty() && !answer.text.ends_with('\n') {
        return Err("the answer of multipath -ll was cut off".into());
    }
    match (answer.status, parse(&answer.text)) {
        (127, _) => Ok(Vec::new()),
        (0 | 1, Ok(maps)) => Ok(maps),
        (124 | 143, _) => Err("multipath -ll did not answer in time".into()),
        (_, Err(error)) => Err(error.into()),
        (status, _) => Err(format!("multipath -ll exited with status {status}").into()),
    }
}

/// Why a list of maps is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("multipath -ll says {line:?}")]
pub struct MultipathError {
    /// What it says.
    pub line: String,
}

/// A name and an id, or an id alone, in which old firmware puts blanks; then the kernel's name.
static HEAD: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:(\S+) \((.+)\)|([^ |`\[\\].*?)) ?(dm-\d+)(?: |$)").expect("a valid pattern")
});
static PATH: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^[ |`\\_-]*(?:\d+:\d+:\d+:\d+|#:#:#:#) +(\S+) +(?:\d+:\d+|#:#)(.*)$")
        .expect("a valid pattern")
});
/// The features of a map, in the words of all versions.
static SIZE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^\[?size=\S").expect("a valid pattern"));
/// A group of paths.
static GROUP: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^[ |`+-]*-\+- policy=|^ *\\_ .*\[(?:prio=|active|enabled|disabled)")
        .expect("a valid pattern")
});
/// What the command says of its configuration: behind a time, or behind its file's name.
static REMARK: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"^(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d+\.\d+) \| |^/etc/multipath\.conf line \d+, ",
    )
    .expect("a valid pattern")
});

/// Reads what `multipath -ll` prints; complaints about the configuration are passed over.
///
/// # Errors
///
/// Fails when it says that it may not look or could not, and at any line that is none of its list:
/// a map that was not understood would leave its paths to the one before.
///
/// ```
/// use preflight::facts::storage::multipath;
/// let maps = multipath::parse(
///     "36000c290f0e dm-0 VMware,Virtual disk\n\
///      size=1.0T features='0' hwhandler='0' wp=rw\n\
///      `-+- policy='round-robin 0' prio=1 status=active\n  \
///        `- 0:0:1:0 sdb 8:16 active ready running\n",
/// )
/// .unwrap();
/// assert_eq!((&*maps[0].name, &*maps[0].paths[0]), ("36000c290f0e", "sdb"));
/// ```
pub fn parse(text: &str) -> Result<Vec<MultipathMap>, MultipathError> {
    let mut maps: Vec<MultipathMap> = Vec::new();
    // Whether the last map has said its size: a second size is of a map whose heading is missing.
    let mut sized = true;
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let odd = || MultipathError { line: line.to_owned() };
        if line.contains("need to be root") || line.contains("ermission denied") {
            return Err(odd());
        }
        if REMARK.is_match(line) {
            let bad = ["fail", "error", "cannot", "can't", "unable"];
            if bad.iter().any(|word| line.to_ascii_lowercase().contains(word)) {
                return Err(odd());
            }
        } else if let Some(path) = PATH.captures(line) {
            let map = maps.last_mut().filter(|_| sized).ok_or_else(odd)?;
            let (disk, state) = (path[1].to_owned(), &path[2]);
            if !state.contains("active")
                || !["ready", "ghost"].iter().any(|word| state.contains(word))
            {
                map.faulty.push(disk.clone());
            }
            map.paths.push(disk);
        } else if GROUP.is_match(line) {
            maps.last().filter(|_| sized).ok_or_else(odd)?;
        } else if SIZE.is_match(line) {
            if std::mem::replace(&mut sized, true) {
                return Err(odd());
            }
        } else if let Some(head) = HEAD.captures(line).filter(|_| sized) {
            let part = |n| head.get(n).map(|found| found.as_str().trim().to_owned());
            if maps.iter().any(|map| Some(&map.device) == part(4).as_ref()) {
                return Err(odd());
            }
            let name = part(1).or_else(|| part(3)).unwrap_or_default();
            maps.push(MultipathMap {
                id: part(2).unwrap_or_else(|| name.clone()),
                name,
                device: part(4).unwrap_or_default(),
                paths: Vec::new(),
                faulty: Vec::new(),
            });
            sized = false;
        } else {
            return Err(odd());
        }
    }
    match (sized, maps.last()) {
        (false, Some(map)) => Err(MultipathError { line: format!("{} and no more", map.name) }),
        _ => Ok(maps),
    }
}

/// The disks below `/` that a map lists, or that the kernel has put below a multipath device.
fn mapped_system_disks(
    maps: &[MultipathMap],
    graph: &BlockGraph,
    system: &[&BlockDevice],
) -> Vec<String> {
    let by_kernel = |disk: &BlockDevice| {
        let above = disk.holders.iter().filter_map(|name| graph.by_name(name));
        above.into_iter().any(BlockDevice::is_multipath)
    };
    let by_list = |disk: &BlockDevice| maps.iter().any(|map| map.paths.contains(&disk.name));
    let disks = system.iter().filter(|disk| by_kernel(disk) || by_list(disk));
    disks.map(|disk| disk.name.clone()).collect()
}

/// The disks that no map lists, on whatever bus, but for those of the operating system: its disk is
/// kept out of multipath by the custom changes (agent, ApplyCustomChanges.sh).
fn unmapped_disks(maps: &[MultipathMap], graph: &BlockGraph, system: &[&str]) -> Vec<String> {
    let disks = graph.disks().filter(|disk| !system.contains(&&*disk.name));
    let listed = |name: &String| maps.iter().any(|map| map.paths.contains(name));
    disks.map(|disk| disk.name.clone()).filter(|name| !listed(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    type Row<'a> = (&'a str, &'a str, &'a str, Vec<&'a str>, Vec<&'a str>);

    #[test]
    fn maps_are_read_from_every_version() {
        let none: Vec<Row<'_>> = vec![];
        for (text, expected) in [
            ("", none.clone()),
            (
                "Nov 25 08:00:01 | /etc/multipath.conf line 3, invalid keyword: wwids\n",
                none.clone(),
            ),
            ("Nov 25 08:00:01 | DM multipath kernel driver not loaded\n", none),
            // 0.4.9 as on CentOS 6, two paths of which one is gone.
            (
                "36000c290f0e0b dm-0 VMware,Virtual disk\n\
                 size=1.0T features='0' hwhandler='0' wp=rw\n\
                 |-+- policy='round-robin 0' prio=1 status=active\n\
                 | `- 0:0:1:0 sdb 8:16 active ready running\n\
                 `-+- policy='round-robin 0' prio=0 status=enabled\n  \
                   `- 1:0:1:0 sdc 8:32 failed faulty offline\n\
                 36000c290f0e0d dm-1 VMware,Virtual disk\n\
                 size=40G features='0' hwhandler='0' wp=rw\n\
                 `-+- policy='service-time 0' prio=1 status=active\n  \
                   `- 0:0:2:0 sdd 8:48 active ready running\n",
                vec![
                    ("36000c290f0e0b", "36000c290f0e0b", "dm-0", vec!["sdb", "sdc"], vec!["sdc"]),
                    ("36000c290f0e0d", "36000c290f0e0d", "dm-1", vec!["sdd"], vec![]),
                ],
            ),
            // Friendly names.
            (
                "mpatha (36000c290f0e0b) dm-3 VMware  ,Virtual disk    \n\
                 size=1.0T features='1 queue_if_no_path' hwhandler='0' wp=rw\n\
                 `-+- policy='round-robin 0' prio=1 status=active\n  \
                   `- 0:0:1:0 sdb 8:16 active ready running\n",
                vec![("mpatha", "36000c290f0e0b", "dm-3", vec!["sdb"], vec![])],
            ),
            // 0.4.7 as on CentOS 5.
            (
                "mpath0 (36000c290f0e0b) dm-2 VMware,Virtual disk\n\
                 [size=10G][features=0][hwhandler=0][rw]\n\
                 \\_ round-robin 0 [prio=1][active]\n \
                 \\_ 0:0:1:0 sdb 8:16  [active][ready]\n",
                vec![("mpath0", "36000c290f0e0b", "dm-2", vec!["sdb"], vec![])],
            ),
            // A path whose disk was taken away, and a map without a product.
            (
                "36000c290f0e0b dm-0 \n\
                 size=1.0T features='0' hwhandler='0' wp=rw\n\
                 `-+- policy='round-robin 0' prio=0 status=enabled\n  \
                   `- #:#:#:# -   #:#  failed undef unknown\n",
                vec![("36000c290f0e0b", "36000c290f0e0b", "dm-0", vec!["-"], vec!["-"])],
            ),
            // Ids with blanks, as of SATA, IDE and old RAID controllers, without and with a name.
            (
                "36000c290f0e0b dm-0 VMware,Virtual disk\n\
                 size=1.0T features='0' hwhandler='0' wp=rw\n\
                 `-+- policy='round-robin 0' prio=1 status=active\n  \
                   `- 0:0:1:0 sdb 8:16 active ready running\n\
                 1ATA     VMware Virtual IDE Hard Drive          0001 dm-1 ATA,VMware Virtual I\n\
                 size=40G features='0' hwhandler='0' wp=rw\n\
                 `-+- policy='service-time 0' prio=1 status=active\n  \
                   `- 1:0:0:0 sdc 8:32 active ready running\n\
                 mpathb (SATA     QEMU HARDDISK   QM00005) dm-2 ATA,QEMU HARDDISK\n\
                 size=2.0G features='0' hwhandler='0' wp=rw\n\
                 `-+- policy='service-time 0' prio=1 status=active\n  \
                   `- 2:0:0:0 sdd 8:48 active ready running\n",
                vec![
                    ("36000c290f0e0b", "36000c290f0e0b", "dm-0", vec!["sdb"], vec![]),
                    (
                        "1ATA     VMware Virtual IDE Hard Drive          0001",
                        "1ATA     VMware Virtual IDE Hard Drive          0001",
                        "dm-1",
                        vec!["sdc"],
                        vec![],
                    ),
                    ("mpathb", "SATA     QEMU HARDDISK   QM00005", "dm-2", vec!["sdd"], vec![]),
                ],
            ),
            // States that are neither of the bad words nor good.
            (
                "36000c290f0e0b dm-0 VMware,Virtual disk\n\
                 size=1.0T features='0' hwhandler='0' wp=rw\n\
                 `-+- policy='round-robin 0' prio=1 status=active\n  \
                   `- 0:0:1:0 sdb 8:16 active shaky blocked\n",
                vec![("36000c290f0e0b", "36000c290f0e0b", "dm-0", vec!["sdb"], vec!["sdb"])],
            ),
        ] {
            let maps = parse(text).unwrap();
            let read: Vec<Row<'_>> = maps
                .iter()
                .map(|map| {
                    let (paths, faulty) = (names(&map.paths), names(&map.faulty));
                    (&*map.name, &*map.id, &*map.device, paths, faulty)
                })
                .collect();
            assert_eq!(read, expected, "{text}");
        }
        assert!(parse("need to be root\n").is_err());
    }

    #[test]
    fn a_line_that_is_none_of_the_list_spoils_it() {
        let (head, size) = ("36000c290f0e dm-0 VMware,x\n", "size=1.0T features='0'\n");
        let (group, path) =
            ("`-+- policy='round-robin 0' prio=1\n", "  `- 0:0:1:0 sdb 8:16 active ready\n");
        let whole = [head, size, group, path].concat();
        assert_eq!(parse(&whole).unwrap().len(), 1);
        for text in [
            "sh: multipath: command not found\n".to_owned(),
            format!("{whole}sh: multipath: command not found\n"),
            format!("{whole}DM multipath kernel driver not loaded\n"),
            format!("{whole}create: 36000c290f0e0b undef VMware,Virtual disk\n{size}{group}{path}"),
            format!("Nov 25 08:00:01 | error parsing config file\n{whole}"),
            format!("12345.678 | libdevmapper: ioctl failed\n{whole}"),
            // One line is missing.
            [size, group, path].concat(),
            [head, group, path].concat(),
            format!("{whole}{size}{group}{path}"),
            format!("{whole}{head}"),
        ] {
            assert!(parse(&text).is_err(), "{text}");
        }
    }

    fn names(list: &[String]) -> Vec<&str> {
        list.iter().map(String::as_str).collect()
    }

    #[test]
    fn an_answer_is_a_list_or_a_reason() {
        let of = |status, text: &str| read_maps(&ProbeAnswer { status, text: text.to_owned() });
        let map = "36000c290f0e dm-0 VMware,Virtual disk\nsize=1.0T features='0' wp=rw\n";
        assert_eq!(of(0, "").unwrap().len(), 0);
        assert_eq!(of(1, "").unwrap().len(), 0);
        assert_eq!(of(127, "").unwrap().len(), 0);
        assert_eq!(of(0, map).unwrap().len(), 1);
        assert_eq!(of(1, map).unwrap().len(), 1);
        for (status, text) in [
            (124, map),
            (143, ""),
            (1, "need to be root\n"),
            (0, "need to be root\n"),
            (139, ""),
            (0, map.trim_end()),
        ] {
            assert!(of(status, text).is_err(), "{status} {text}");
        }
    }

    #[test]
    fn every_data_disk_is_looked_for() {
        let graph = BlockGraph::parse(
            "device sda\ndev 8:0\ndevice sda1\nparent sda\ndev 8:1\ndevice sdb\ndev 8:16\n\
             device sdc\ndev 8:32\ndevice nvme0n1\ndev 259:0\ndevice hdb\ndev 3:64\n\
             device loop0\ndev 7:0\ndevice sr0\ndev 11:0\ndevice dm-0\ndev 253:0\nslave sdb\n",
        )
        .unwrap();
        let maps =
            parse("36000c290f0e dm-0 VMware,x\nsize=1.0T\n`- 0:0:1:0 sdb 8:16 active ready\n")
                .unwrap();
        assert_eq!(unmapped_disks(&maps, &graph, &["sda"]), ["sdc", "nvme0n1", "hdb"]);
        assert_eq!(unmapped_disks(&[], &graph, &["sda"]), ["sdb", "sdc", "nvme0n1", "hdb"]);
    }

    #[test]
    fn the_disk_of_the_system_is_taken_by_the_list_or_by_the_kernel() {
        let of = |list: &str, above: &str| {
            let graph = BlockGraph::parse(&format!(
                "device sda\ndev 8:0\n{above}device sdb\ndev 8:16\ndevice dm-0\ndev 253:0\n\
                 name a\nuuid mpath-a\n"
            ))
            .unwrap();
            let sda = graph.by_name("sda").unwrap();
            mapped_system_disks(&parse(list).unwrap(), &graph, &[sda])
        };
        let map = |disk: &str| {
            format!("36000c290f0e dm-0 VMware,x\nsize=1.0T\n`- 0:0:1:0 {disk} 8:0 active ready\n")
        };
        assert_eq!(of(&map("sdb"), ""), [""; 0]);
        assert_eq!(of(&map("sda"), ""), ["sda"]);
        assert_eq!(of("", "holder dm-0\n"), ["sda"]);
    }
}
