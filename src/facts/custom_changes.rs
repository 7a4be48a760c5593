//! What ApplyCustomChanges.sh left behind on a host: its marker, its log, and its effects.
//!
//! Its exit status proves nothing: a second run ends with 0 at once, and the marker is made even
//! when steps before it failed (agent, its CentOS 7.4 variant). So the effects are looked at. Not
//! for running it (`image::firstboot`), nor for the multipath maps themselves.

use schemars::JsonSchema;
use serde::Serialize;

use super::file::{self, file_probe};
use super::multipath_conf::{self, MultipathConf};
use super::probe::Probe;
use super::transcript::Transcript;
use super::{Fact, Looked};

/// The marker's time, the log's lines that matter, and the multipath configuration.
pub const PROBES: &[Probe] = &[
    Probe::new(
        "changes-marker",
        "[ -e /etc/.appliedmtcustomchanges ] || exit 44\nstat -c %Y /etc/.appliedmtcustomchanges",
    ),
    Probe::new(
        "changes-log",
        "log=/var/log/appliedmtcustomchanges.log\n[ -e $log ] || exit 44\n[ -r $log ] || exit 1\n\
         limit 5 grep -m 200 -i -e completed -e failed -e 'already invoked' $log\n\
         status=$?\n[ $status = 1 ] && exit 0\nexit $status",
    ),
    file_probe!("multipath-conf", "/etc/multipath.conf"),
];

/// What ApplyCustomChanges.sh left behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CustomChangesFacts {
    /// Whether the script has left its marker.
    pub marker: Fact<bool>,
    /// Whether the host has started anew since; absent when there is no marker.
    ///
    /// Both times are of the host's own clock, and a clock that was set in between moves only the
    /// time of the start.
    pub rebooted_since: Fact<bool>,
    /// How many runs its log says are completed.
    pub completed: Fact<i64>,
    /// The lines of its log that tell of a failure.
    pub failures: Fact<Looked<String>>,
    /// How many later runs found that there was nothing to do, which is harmless.
    pub already_invoked: Fact<i64>,
    /// Whether multipath devices are named by their id.
    pub names_by_id: Fact<bool>,
    /// Whether the agent's own virtual disks are kept from multipath.
    pub agent_disks_excluded: Fact<bool>,
    /// The disks that are kept from multipath by their id.
    pub excluded_ids: Fact<Looked<String>>,
    /// Whether the disk of the operating system is among them. False when that disk has no id,
    /// for then the script could not exclude it.
    pub root_disk_excluded: Fact<bool>,
}

/// Reads it out of a transcript; `booted_at` is when the kernel started, `root_ids` are the SCSI ids
/// of the disks below `/`, an empty one for a disk that has none.
pub fn of(
    transcript: &Transcript,
    booted_at: &Fact<i64>,
    root_ids: Fact<Vec<String>>,
) -> CustomChangesFacts {
    let marker = file::text(transcript, "changes-marker", "/etc/.appliedmtcustomchanges");
    let log = log(transcript);
    let multipath = file::text(transcript, "multipath-conf", "/etc/multipath.conf")
        .map(|text| multipath_conf::parse(text.unwrap_or_default()));
    CustomChangesFacts {
        rebooted_since: marker.clone().and_then(|text| match text {
            Some(text) => rebooted(text, booted_at),
            None => Fact::unavailable("there is no marker, so nothing was applied"),
        }),
        marker: marker.map(|text| text.is_some()),
        completed: log.clone().map(|log| log.completed),
        already_invoked: log.clone().map(|log| log.already_invoked),
        failures: log.map(|log| Looked::complete(log.failures)),
        names_by_id: multipath.clone().map(|conf| conf.user_friendly_names == Some(false)),
        agent_disks_excluded: multipath.clone().map(|conf| conf.excludes_vendor("InMage")),
        excluded_ids: multipath.clone().map(|conf| Looked::complete(conf.excluded_wwids)),
        root_disk_excluded: root_excluded(multipath, root_ids),
    }
}

fn root_excluded(multipath: Fact<MultipathConf>, root_ids: Fact<Vec<String>>) -> Fact<bool> {
    multipath.and_then(|conf| {
        root_ids.map(|ids| !ids.is_empty() && ids.iter().all(|id| conf.excludes_wwid(id)))
    })
}

fn rebooted(marker: &str, booted_at: &Fact<i64>) -> Fact<bool> {
    let Ok(marked_at) = marker.trim().parse::<i64>() else {
        return Fact::unavailable(format!("the marker's time is {marker:?}"));
    };
    booted_at.clone().map(|booted_at| booted_at > marked_at)
}

/// What the script's log says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log {
    /// How often it says COMPLETED.
    pub completed: i64,
    /// How often it says that the script was invoked already.
    pub already_invoked: i64,
    /// Its lines with FAILED.
    pub failures: Vec<String>,
}

/// The most that is kept of one line of the log, in characters.
const LINE: usize = 200;

fn log(transcript: &Transcript) -> Fact<Log> {
    let path = "/var/log/appliedmtcustomchanges.log";
    file::text(transcript, "changes-log", path).and_then(|text| match text {
        Some(text) => Fact::Known(parse_log(text)),
        None => Fact::unavailable(format!("there is no {path}")),
    })
}

/// Reads the lines of the log that matter. COMPLETED and FAILED count in capitals only, as the
/// script writes them.
///
/// ```
/// use preflight::facts::custom_changes;
/// let log = custom_changes::parse_log("Blacklisting the root disk.\nCOMPLETED\n");
/// assert_eq!((log.completed, log.failures.len()), (1, 0));
/// ```
pub fn parse_log(text: &str) -> Log {
    let mut log = Log::default();
    for line in text.lines().map(str::trim) {
        if line.contains("FAILED") {
            log.failures.push(line.chars().take(LINE).collect());
        } else if line.to_ascii_lowercase().contains("already invoked") {
            log.already_invoked += 1;
        } else if line.contains("COMPLETED") {
            log.completed += 1;
        }
    }
    log
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::file::ABSENT;
    use crate::facts::file::tests::guest_transcript;

    const ID: &str = "36000c29a0b1c2d3e4f50617283940516";
    const CONF: &str = "defaults {\n  user_friendly_names no\n}\nblacklist {\n  device {\n    \
        vendor \"InMage\"\n  }\n  wwid 36000c29a0b1c2d3e4f50617283940516\n}\n";

    fn applied(marker: (i32, &str), log: (i32, &str), conf: (i32, &str)) -> CustomChangesFacts {
        let transcript = guest_transcript(&[
            ("changes-marker", marker.0, marker.1),
            ("changes-log", log.0, log.1),
            ("multipath-conf", conf.0, conf.1),
        ]);
        of(&transcript, &Fact::Known(1000), Fact::Known(vec![ID.to_owned()]))
    }

    #[test]
    fn a_log_is_counted_line_by_line() {
        let log = parse_log(
            "COMPLETED\nThe script is ALREADY INVOKED on this host.\nWriting FAILED\n\
             not yet completed\nfailed over\nFAILED, not COMPLETED\n",
        );
        assert_eq!((log.completed, log.already_invoked), (1, 1));
        assert_eq!(log.failures, ["Writing FAILED", "FAILED, not COMPLETED"]);
        assert_eq!(parse_log(""), Log::default());
    }

    #[test]
    fn effects_are_read_from_the_files_themselves() {
        let good = applied((0, "900\n"), (0, "COMPLETED\n"), (0, CONF));
        assert_eq!(good.marker, Fact::Known(true));
        assert_eq!(good.rebooted_since, Fact::Known(true));
        assert_eq!(good.completed, Fact::Known(1));
        assert_eq!(good.names_by_id, Fact::Known(true));
        assert_eq!(good.agent_disks_excluded, Fact::Known(true));
        assert_eq!(good.root_disk_excluded, Fact::Known(true));
    }

    #[test]
    fn what_is_not_there_is_not_unknown() {
        let none = applied((ABSENT, ""), (ABSENT, ""), (ABSENT, ""));
        assert_eq!(none.marker, Fact::Known(false));
        assert!(none.rebooted_since.known().is_none() && none.completed.known().is_none());
        assert_eq!(none.names_by_id, Fact::Known(false));
        assert_eq!(none.root_disk_excluded, Fact::Known(false));
        let unreadable = applied((1, ""), (1, ""), (1, ""));
        assert!(unreadable.marker.known().is_none() && unreadable.names_by_id.known().is_none());
    }

    #[test]
    fn a_start_counts_only_after_the_marker() {
        for (marker, rebooted) in
            [("999\n", Some(true)), ("1000\n", Some(false)), ("1001", Some(false)), ("?\n", None)]
        {
            let facts = applied((0, marker), (0, ""), (0, ""));
            assert_eq!(facts.rebooted_since.known().copied(), rebooted, "{marker:?}");
        }
    }

    #[test]
    fn every_disk_below_the_root_must_be_excluded_by_an_id_it_has() {
        let other = "36000c29f3a1b5d7e900112233445566a";
        let transcript = guest_transcript(&[("multipath-conf", 0, CONF)]);
        for (ids, excluded) in [
            (&[ID][..], true),
            (&[""], false),
            (&[], false),
            (&[other], false),
            (&[ID, other], false),
        ] {
            let root_ids = Fact::Known(ids.iter().map(|id| (*id).to_owned()).collect());
            let facts = of(&transcript, &Fact::Known(1), root_ids);
            assert_eq!(facts.root_disk_excluded, Fact::Known(excluded), "{ids:?}");
        }
        let facts = of(&transcript, &Fact::Known(1), Fact::unavailable("scsi_id is missing"));
        assert_eq!(facts.root_disk_excluded, Fact::unavailable("scsi_id is missing"));
    }
}
