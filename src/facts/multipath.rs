//! Multipath devices as `multipath -ll` lists them: the names the documents want mounted.
//!
//! Not for how devices lie on each other (`block`), nor for which package is installed.

use std::sync::LazyLock;

use regex::Regex;
use schemars::JsonSchema;
use serde::Serialize;

use super::block::{self, Graph};
use super::probe::Probe;
use super::transcript::{Answer, Transcript};
use super::{Fact, Looked};

/// The list of maps, and the daemon's process ids.
pub const PROBES: &[Probe] = &[
    Probe::new(
        "multipath",
        "command -v multipath >/dev/null || exit 127; limit 10 multipath -ll 2>&1",
    ),
    Probe::new("multipathd", "command -v pidof >/dev/null || exit 127; limit 5 pidof multipathd"),
];

/// What is judged about a host's multipath devices.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct MultipathFacts {
    /// Whether the command is there.
    pub installed: Fact<bool>,
    /// Whether the daemon runs.
    pub daemon: Fact<bool>,
    /// The maps that `multipath -ll` lists.
    pub maps: Fact<Looked<Map>>,
    /// The SCSI disks that are in no map, apart from the operating system's.
    pub unlisted: Fact<Looked<String>>,
}

/// One multipath device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Map {
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
pub fn of(transcript: &Transcript) -> MultipathFacts {
    let answer = transcript.answer("multipath");
    let installed = match &answer {
        Fact::Known(answer) => Fact::Known(answer.status != 127),
        Fact::Unavailable(why) => Fact::Unavailable(why.clone()),
    };
    let maps = match answer {
        Fact::Known(answer) => maps(answer),
        Fact::Unavailable(why) => Fact::Unavailable(why),
    };
    let unlisted = match (&maps, block::graph(transcript), block::root_of(transcript)) {
        (Fact::Unavailable(why), _, _) => Fact::Unavailable(why.clone()),
        (_, Fact::Unavailable(why), _) | (_, _, Fact::Unavailable(why)) => Fact::Unavailable(why),
        (Fact::Known(maps), Fact::Known(graph), Fact::Known(root)) => match graph.disks_of(&root) {
            Ok(system) => {
                let system: Vec<&str> = system.iter().map(|disk| disk.name.as_str()).collect();
                Fact::Known(Looked::complete(unlisted(maps, &graph, &system)))
            }
            Err(error) => Fact::unavailable(error.to_string()),
        },
    };
    MultipathFacts {
        installed,
        daemon: daemon(transcript),
        maps: maps.map(Looked::complete),
        unlisted,
    }
}

/// `pidof` prints process ids and succeeds, or prints nothing and fails.
fn daemon(transcript: &Transcript) -> Fact<bool> {
    match transcript.answer("multipathd") {
        Fact::Known(Answer { status: 0, text }) if !text.trim().is_empty() => Fact::Known(true),
        Fact::Known(Answer { status: 1, text }) if text.trim().is_empty() => Fact::Known(false),
        Fact::Known(Answer { status, .. }) => {
            Fact::unavailable(format!("pidof multipathd exited with status {status}"))
        }
        Fact::Unavailable(why) => Fact::Unavailable(why),
    }
}

/// The maps an answer lists. The command missing is no map; status 1 is what some versions give
/// when there is none.
fn maps(answer: &Answer) -> Fact<Vec<Map>> {
    match (answer.status, parse(&answer.text)) {
        (127, _) => Fact::Known(Vec::new()),
        (0 | 1, Ok(maps)) => Fact::Known(maps),
        (124 | 143, _) => Fact::unavailable("multipath -ll did not answer in time"),
        (_, Err(error)) => Fact::unavailable(error.to_string()),
        (status, _) => Fact::unavailable(format!("multipath -ll exited with status {status}")),
    }
}

/// Why a list of maps is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("multipath -ll says {line:?}")]
pub struct MultipathError {
    /// What it says.
    pub line: String,
}

static HEAD: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:(\S+) \((\S+)\)|(\S+)) ?(dm-\d+)(?: |$)").expect("a valid pattern")
});
static PATH: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:\d+:\d+:\d+:\d+|#:#:#:#) +(\S+) +(?:\d+:\d+|#:#)(.*)$")
        .expect("a valid pattern")
});

/// Reads what `multipath -ll` prints; complaints about the configuration are passed over.
///
/// # Errors
///
/// Fails when it says that it may not look.
///
/// ```
/// use preflight::facts::multipath;
/// let maps = multipath::parse(
///     "36000c290f0e dm-0 VMware,Virtual disk\n\
///      size=1.0T features='0' hwhandler='0' wp=rw\n\
///      `-+- policy='round-robin 0' prio=1 status=active\n  \
///        `- 0:0:1:0 sdb 8:16 active ready running\n",
/// )
/// .unwrap();
/// assert_eq!((&*maps[0].name, &*maps[0].paths[0]), ("36000c290f0e", "sdb"));
/// ```
pub fn parse(text: &str) -> Result<Vec<Map>, MultipathError> {
    let mut maps: Vec<Map> = Vec::new();
    for line in text.lines() {
        if line.contains("need to be root") || line.contains("ermission denied") {
            return Err(MultipathError { line: line.to_owned() });
        }
        if let Some(head) = HEAD.captures(line) {
            let part = |n| head.get(n).map(|found| found.as_str().to_owned());
            let name = part(1).or_else(|| part(3)).unwrap_or_default();
            maps.push(Map {
                id: part(2).unwrap_or_else(|| name.clone()),
                name,
                device: part(4).unwrap_or_default(),
                paths: Vec::new(),
                faulty: Vec::new(),
            });
        } else if let (Some(path), Some(map)) = (PATH.captures(line), maps.last_mut()) {
            let (disk, state) = (path[1].to_owned(), &path[2]);
            if ["failed", "faulty", "offline", "undef"].iter().any(|bad| state.contains(bad)) {
                map.faulty.push(disk.clone());
            }
            map.paths.push(disk);
        }
    }
    Ok(maps)
}

/// The SCSI disks that no map lists, but for those of the operating system: its disk is kept out
/// of multipath by the custom changes (agent, ApplyCustomChanges.sh).
fn unlisted(maps: &[Map], graph: &Graph, system: &[&str]) -> Vec<String> {
    let disks = graph.devices().iter().filter(|device| {
        device.parent.is_none() && device.name.starts_with("sd") && !system.contains(&&*device.name)
    });
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
            // A map that is being created has a line before it.
            (
                "create: 36000c290f0e0b undef VMware,Virtual disk\n\
                 36000c290f0e0d dm-1 VMware,Virtual disk\n",
                vec![("36000c290f0e0d", "36000c290f0e0d", "dm-1", vec![], vec![])],
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

    fn names(list: &[String]) -> Vec<&str> {
        list.iter().map(String::as_str).collect()
    }

    #[test]
    fn an_answer_is_a_list_or_a_reason() {
        let of = |status, text: &str| maps(&Answer { status, text: text.to_owned() });
        let map = "36000c290f0e dm-0 VMware,Virtual disk\n";
        assert_eq!(of(0, "").known().map(Vec::len), Some(0));
        assert_eq!(of(1, "").known().map(Vec::len), Some(0));
        assert_eq!(of(127, "").known().map(Vec::len), Some(0));
        assert_eq!(of(0, map).known().map(Vec::len), Some(1));
        assert_eq!(of(1, map).known().map(Vec::len), Some(1));
        for (status, text) in
            [(124, map), (143, ""), (1, "need to be root\n"), (0, "need to be root\n"), (139, "")]
        {
            assert_eq!(of(status, text).known(), None, "{status} {text}");
        }
    }

    #[test]
    fn every_data_disk_is_looked_for() {
        let graph = Graph::parse(
            "device sda\ndev 8:0\ndevice sda1\nparent sda\ndev 8:1\ndevice sdb\ndev 8:16\n\
             device sdc\ndev 8:32\ndevice sr0\ndev 11:0\ndevice dm-0\ndev 253:0\nslave sdb\n",
        )
        .unwrap();
        let maps = parse("36000c290f0e dm-0 VMware,x\n`- 0:0:1:0 sdb 8:16 active ready\n").unwrap();
        assert_eq!(unlisted(&maps, &graph, &["sda"]), ["sdc"]);
        assert_eq!(unlisted(&[], &graph, &["sda"]), ["sdb", "sdc"]);
    }
}
