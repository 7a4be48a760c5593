//! The SCSI ids of a host's disks: what udev's `scsi_id` reads from each.
//!
//! VMware gives a disk an id only while `disk.EnableUUID` is in effect; this is how the guest sees
//! it. Not for the virtual machine's own settings, nor for the devices' sizes (`block`).

use schemars::JsonSchema;
use serde::Serialize;

use super::block::{self, BlockGraph, kind_of};
use crate::facts::probe::{Probe, ProbeName};
use crate::facts::transcript::Transcript;
use crate::facts::{Collection, Fact, Unavailable, file};

const SCSI_IDS: ProbeName = ProbeName::new("scsi-ids");

/// One call of `scsi_id` for each disk, on whatever bus, as the agent's own script does. A disk that
/// is no SCSI disk has no SCSI id, and is of no use to the agent for that.
///
/// CentOS 6 has it in `/lib/udev`, CentOS 7 in `/usr/lib/udev`. Without `--whitelisted` it answers
/// nothing; who may not read the device gets the same silence, so that is asked first.
pub const PROBES: &[Probe] = &[Probe::new(
    SCSI_IDS,
    concat!(
        kind_of!(),
        r#"
set +f
for tool in /lib/udev/scsi_id /usr/lib/udev/scsi_id /sbin/scsi_id ''; do [ -x "$tool" ] && break; done
for d in /sys/block/*; do
  [ -e "$d/dev" ] || continue
  kind_of "$d"
  [ $kind = disk ] || continue
  d=${d##*/} node=$d
  case $d in fd[0-9]*) continue;; esac
  # The kernel writes an exclamation mark where a name has a slash.
  while :; do case $node in *!*) node=${node%%!*}/${node#*!};; *) break;; esac; done
  printf 'disk %s\n' "$d"
  if [ -z "$tool" ]; then echo missing
  elif [ ! -r "/dev/$node" ]; then echo denied
  else
    limit 5 "$tool" --whitelisted --replace-whitespace --device="/dev/$node"
    printf 'status %s\n' "$?"
  fi
done
exit 0
"#
    ),
)];

/// What the ids of VMware's virtual disks begin with: type 3, and VMware's number as a vendor.
const VMWARE: &str = "36000c29";

/// What is checked about the ids of a host's disks.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ScsiFacts {
    /// Every disk with its SCSI id.
    pub disks: Fact<Collection<ScsiDisk>>,
    /// The ids of all disks; not all of them when a disk has none, or there is no disk.
    pub ids: Fact<Collection<String>>,
    /// The disks that have no id.
    pub without_id: Fact<Collection<String>>,
    /// The ids that more than one disk answers, each with its disks: `36000c29... of sdb, sdc`.
    pub repeated: Fact<Collection<String>>,
    /// The disks whose id is not one of VMware's: passed through, on another bus, or no virtual disk.
    pub foreign: Fact<Collection<String>>,
}

/// A disk and its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ScsiDisk {
    /// Its kernel name, such as `sda`.
    pub name: String,
    /// Its id; empty when it has none.
    pub id: Fact<String>,
    /// Both in words: `sda 36000c29...`, `sdb without an id`.
    pub words: String,
}

/// Reads the facts out of a transcript.
pub fn from_transcript(transcript: &Transcript) -> ScsiFacts {
    let graph = block::block_graph(transcript);
    match read_disks(transcript) {
        Ok(disks) => summarize(disks, graph.ok().as_ref()),
        Err(why) => unavailable(why.reason),
    }
}

fn read_disks(transcript: &Transcript) -> Result<Vec<ScsiDisk>, Unavailable> {
    Ok(parse(file::complete_text(transcript, SCSI_IDS)?)?)
}

fn unavailable(reason: String) -> ScsiFacts {
    ScsiFacts {
        disks: Fact::unavailable(&reason),
        ids: Fact::unavailable(&reason),
        without_id: Fact::unavailable(&reason),
        repeated: Fact::unavailable(&reason),
        foreign: Fact::unavailable(reason),
    }
}

/// Why the answer of the probe is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the probe of scsi_id printed {line:?}")]
pub struct ScsiError {
    /// The line that was not expected.
    pub line: String,
}

/// Reads what the probe prints: for each disk its name, what `scsi_id` said, and its exit status.
///
/// # Errors
///
/// Fails when something stands outside the answer for a disk, or a disk has two.
///
/// ```
/// use preflight::facts::storage::scsi;
/// let disks = scsi::parse("disk sda\n36000c290f0e\nstatus 0\ndisk sdb\nstatus 1\n").unwrap();
/// assert_eq!(disks[0].id.known().unwrap(), "36000c290f0e");
/// assert_eq!(disks[1].id.known().unwrap(), "");
/// ```
pub fn parse(text: &str) -> Result<Vec<ScsiDisk>, ScsiError> {
    let mut disks: Vec<ScsiDisk> = Vec::new();
    let mut open: Option<(&str, Vec<&str>)> = None;
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(name) = line.strip_prefix("disk ") {
            disks.extend(open.take().map(|(name, _)| scsi_disk(name, cut_off())));
            if disks.iter().any(|disk| disk.name == name) {
                return Err(ScsiError { line: line.to_owned() });
            }
            open = Some((name, Vec::new()));
            continue;
        }
        let Some((name, printed)) = &mut open else {
            return Err(ScsiError { line: line.to_owned() });
        };
        let id = match line {
            "missing" => Err("scsi_id is neither in /lib/udev nor in /usr/lib/udev".into()),
            "denied" => Err(format!("/dev/{name} may not be read by this user").into()),
            _ => match line.strip_prefix("status ") {
                Some(status) => parse_id(status, printed),
                None => {
                    printed.push(line);
                    continue;
                }
            },
        };
        disks.push(scsi_disk(name, id));
        open = None;
    }
    disks.extend(open.map(|(name, _)| scsi_disk(name, cut_off())));
    Ok(disks)
}

fn cut_off() -> Result<String, Unavailable> {
    Err("the answer of scsi_id was cut off".into())
}

/// What a call that ended with `status` says: nothing printed is no id, whatever the status.
fn parse_id(status: &str, printed: &[&str]) -> Result<String, Unavailable> {
    match (status, printed) {
        ("124" | "143", _) => Err("scsi_id did not answer in time".into()),
        ("0" | "1", []) => Ok(String::new()),
        // The blanks of an id are replaced, so a sentence is none.
        ("0", [id]) if !id.trim().contains(char::is_whitespace) => Ok(id.trim().to_owned()),
        _ => Err(format!("scsi_id exited with status {status}").into()),
    }
}

fn scsi_disk(name: &str, id: Result<String, Unavailable>) -> ScsiDisk {
    let words = match &id {
        Ok(id) if id.is_empty() => format!("{name} without an id"),
        Ok(id) => format!("{name} {id}"),
        Err(why) => format!("{name}: {}", why.reason),
    };
    ScsiDisk { name: name.to_owned(), id: id.into(), words }
}

/// What the ids of all disks amount to. Disks that the kernel lists and nobody asked about are there
/// without an answer.
fn summarize(mut disks: Vec<ScsiDisk>, graph: Option<&BlockGraph>) -> ScsiFacts {
    for listed in graph.into_iter().flat_map(BlockGraph::disks) {
        if disks.iter().all(|disk| disk.name != listed.name) {
            disks.push(scsi_disk(&listed.name, Err("scsi_id was not asked about it".into())));
        }
    }
    let all_asked = graph.is_some() && disks.iter().all(|disk| disk.id.known().is_some());
    let looked = |items: Vec<String>| Fact::Known(Collection { items, complete: all_asked });
    let known: Vec<(&str, &str)> = disks
        .iter()
        .filter_map(|disk| Some((disk.name.as_str(), disk.id.known()?.as_str())))
        .collect();
    let named = |wanted: &dyn Fn(&str) -> bool| -> Vec<String> {
        known.iter().filter(|(_, id)| wanted(id)).map(|(name, _)| (*name).to_owned()).collect()
    };
    let mut ids: Vec<&str> = known.iter().map(|(_, id)| *id).filter(|id| !id.is_empty()).collect();
    ids.sort_unstable();
    ids.dedup();
    let with_id = known.iter().filter(|(_, id)| !id.is_empty()).count();
    let every_id = Collection {
        items: ids.iter().map(|&id| id.to_owned()).collect(),
        complete: with_id == disks.len() && with_id > 0,
    };
    let repeated = ids.iter().filter_map(|id| {
        let same = named(&|other| other == *id);
        (same.len() > 1).then(|| format!("{id} of {}", same.join(", ")))
    });
    ScsiFacts {
        ids: Fact::Known(every_id),
        without_id: looked(named(&str::is_empty)),
        repeated: looked(repeated.collect()),
        foreign: looked(named(&|id| !id.is_empty() && !id.starts_with(VMWARE))),
        disks: Fact::Known(Collection { items: disks, complete: all_asked }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The disks, those without an id, the repeated ids, the foreign disks, and whether all were
    /// asked.
    fn summary(text: &str) -> (Vec<String>, Vec<String>, Vec<String>, Vec<String>, bool) {
        // The kernel lists what was asked about, and a CD drive.
        let named = text.lines().filter_map(|line| line.strip_prefix("disk "));
        let listing: String = named.map(|disk| format!("device {disk}\ndev 8:0\n")).collect();
        let graph = BlockGraph::parse(&format!("{listing}device sr0\ndev 11:0\n")).unwrap();
        let facts = summarize(parse(text).unwrap(), Some(&graph));
        let list = |list: &Fact<Collection<String>>| list.known().unwrap().items.clone();
        let disks = facts.disks.known().unwrap();
        (
            disks.items.iter().map(|disk| disk.words.clone()).collect(),
            list(&facts.without_id),
            list(&facts.repeated),
            list(&facts.foreign),
            disks.complete,
        )
    }

    #[test]
    fn ids_are_all_of_them_only_when_every_disk_has_one() {
        for (text, items, complete) in [
            ("disk sda\n36a\nstatus 0\ndisk sdb\n36b\nstatus 0\n", vec!["36a", "36b"], true),
            ("disk sda\n36a\nstatus 0\ndisk sdb\nstatus 1\n", vec!["36a"], false),
            ("disk sda\n36a\nstatus 0\ndisk sdb\ndenied\n", vec!["36a"], false),
            ("", vec![], false),
        ] {
            let ids = summarize(parse(text).unwrap(), Some(&BlockGraph::default())).ids;
            let ids = ids.known().unwrap();
            assert_eq!(
                (ids.items.as_slice(), ids.complete),
                (&items.iter().map(|&id| id.to_owned()).collect::<Vec<_>>()[..], complete),
                "{text}"
            );
        }
    }

    #[test]
    fn ids_are_told_apart_from_silence() {
        let none: [&str; 0] = [];
        for (text, disks, without, repeated, foreign, complete) in [
            ("", vec![], vec![], vec![], vec![], true),
            (
                "disk sda\n36000c290f0e0a\nstatus 0\ndisk sdb\n36000c290f0e0b\nstatus 0\n",
                vec!["sda 36000c290f0e0a", "sdb 36000c290f0e0b"],
                none.to_vec(),
                vec![],
                vec![],
                true,
            ),
            // disk.EnableUUID is not in effect.
            (
                "disk sda\nstatus 1\ndisk sdb\nstatus 1\n",
                vec!["sda without an id", "sdb without an id"],
                vec!["sda", "sdb"],
                vec![],
                vec![],
                true,
            ),
            // udev before 147 says nothing and is content.
            ("disk sda\nstatus 0\n", vec!["sda without an id"], vec!["sda"], vec![], vec![], true),
            // One virtual disk on two controllers, or a cloned descriptor; two without are no pair.
            (
                "disk sda\n36000c290f0e0a\nstatus 0\ndisk sdb\n36000c290f0e0a\nstatus 0\n\
                 disk sdc\nstatus 1\ndisk sdd\nstatus 1\n",
                vec![
                    "sda 36000c290f0e0a", "sdb 36000c290f0e0a", "sdc without an id",
                    "sdd without an id",
                ],
                vec!["sdc", "sdd"],
                vec!["36000c290f0e0a of sda, sdb"],
                vec![],
                true,
            ),
            // A LUN that is passed through, and a disk of QEMU.
            (
                "disk sda\n36001405a1b2c3d4\nstatus 0\ndisk sdb\n0QEMU_QEMU_HARDDISK_drive-scsi0\nstatus 0\n",
                vec!["sda 36001405a1b2c3d4", "sdb 0QEMU_QEMU_HARDDISK_drive-scsi0"],
                vec![],
                vec![],
                vec!["sda", "sdb"],
                true,
            ),
            // What could not be asked is neither.
            (
                "disk sda\nstatus 124\ndisk sdb\nmissing\ndisk sdc\ndenied\n",
                vec![
                    "sda: scsi_id did not answer in time",
                    "sdb: scsi_id is neither in /lib/udev nor in /usr/lib/udev",
                    "sdc: /dev/sdc may not be read by this user",
                ],
                vec![],
                vec![],
                vec![],
                false,
            ),
            (
                "disk sda\n36000c290f0e0a\nstatus 137\ndisk sdb\nx\ny\nstatus 0\ndisk sdc\n3600",
                vec![
                    "sda: scsi_id exited with status 137",
                    "sdb: scsi_id exited with status 0",
                    "sdc: the answer of scsi_id was cut off",
                ],
                vec![],
                vec![],
                vec![],
                false,
            ),
            (
                "disk sda\ndisk sdb\n36000c290f0e0a \nstatus 0\n",
                vec!["sda: the answer of scsi_id was cut off", "sdb 36000c290f0e0a"],
                vec![],
                vec![],
                vec![],
                false,
            ),
        ] {
            let owned = |list: Vec<&str>| list.into_iter().map(str::to_owned).collect::<Vec<_>>();
            assert_eq!(
                summary(text),
                (owned(disks), owned(without), owned(repeated), owned(foreign), complete),
                "{text}"
            );
        }
    }

    #[test]
    fn what_belongs_to_no_disk_is_an_error() {
        for text in [
            "36000c290f0e\n",
            "status 0\n",
            "disk sda\nstatus 0\nmore\n",
            "disk sda\n36000c290f0e\nstatus 0\ndisk sda\n36000c290f0e\nstatus 0\n",
            "sh: printf: command not found\n",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_disk_on_any_bus_must_be_asked_about() {
        let asked = "disk sda\n36000c290f0e0a\nstatus 0\n";
        for (other, known) in [
            ("device sda1\nparent sda\ndev 8:1\n", true),
            ("device sr0\ndev 11:0\n", true),
            ("device loop0\ndev 7:0\n", true),
            ("device dm-0\ndev 253:0\nname a\nuuid mpath-a\nslave sda\n", true),
            ("device nvme0n1\ndev 259:0\n", false),
            ("device hdb\ndev 3:64\n", false),
            ("device vda\nkind disk\ndev 254:0\n", false),
            ("device sdb\ndev 8:16\n", false),
        ] {
            let listing = format!("device sda\ndev 8:0\n{other}");
            let graph = BlockGraph::parse(&listing).unwrap();
            let facts = summarize(parse(asked).unwrap(), Some(&graph));
            assert_eq!(facts.without_id.known().unwrap().complete, known, "{other}");
            assert_eq!(facts.disks.known().unwrap().items.len(), if known { 1 } else { 2 });
        }
        let blind = summarize(parse(asked).unwrap(), None);
        assert!(!blind.disks.known().unwrap().complete);
        let sentence = parse("disk sda\nscsi_id: command not found\nstatus 0\n").unwrap();
        assert!(sentence[0].id.known().is_none());
    }
}
