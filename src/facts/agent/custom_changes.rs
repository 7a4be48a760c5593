//! What ApplyCustomChanges.sh left behind on a host: its marker, its log, and its effects.
//!
//! Its exit status proves nothing: a second run ends with 0 at once, and the marker is made even
//! when steps before it failed (agent, its CentOS 7.4 variant). So the effects are looked at. Not
//! for running it (`installer::first_boot`), nor for the multipath maps themselves.

use schemars::JsonSchema;
use serde::Serialize;

use crate::facts::file::{self, file_probe};
use crate::facts::probe::{Probe, ProbeName};
use crate::facts::storage::multipath_conf::{self, MultipathConf};
use crate::facts::transcript::Transcript;
use crate::facts::{Collection, Fact, Unavailable};

const CHANGES_MARKER: ProbeName = ProbeName::new("changes-marker");
const CHANGES_LOG: ProbeName = ProbeName::new("changes-log");
const MULTIPATH_CONF: ProbeName = ProbeName::new("multipath-conf");

/// The marker's time, the log's lines that matter, and the multipath configuration.
pub const PROBES: &[Probe] = &[
    Probe::new(
        CHANGES_MARKER,
        "[ -e /etc/.appliedmtcustomchanges ] || exit 44\nstat -c %Y /etc/.appliedmtcustomchanges",
    ),
    Probe::new(
        CHANGES_LOG,
        "log=/var/log/appliedmtcustomchanges.log\n[ -e $log ] || exit 44\n[ -r $log ] || exit 1\n\
         limit 5 grep -m 200 -i -e completed -e failed -e 'already invoked' $log\n\
         status=$?\n[ $status = 1 ] && exit 0\nexit $status",
    ),
    file_probe!(MULTIPATH_CONF, "/etc/multipath.conf"),
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
    pub failures: Fact<Collection<String>>,
    /// How many later runs found that there was nothing to do, which is harmless.
    pub already_invoked: Fact<i64>,
    /// Whether multipath devices are named by their id.
    pub names_by_id: Fact<bool>,
    /// Whether the agent's own virtual disks are kept from multipath.
    pub agent_disks_excluded: Fact<bool>,
    /// The disks that are kept from multipath by their id.
    pub excluded_ids: Fact<Collection<String>>,
    /// Whether the disk of the operating system is among them. False when that disk has no id,
    /// for then the script could not exclude it.
    pub root_disk_excluded: Fact<bool>,
    /// Whether its effects alone show that the script ran: all of them, or none. For a script that
    /// was never published, as Ubuntu's, whose marker is taken to be that of CentOS.
    pub by_effect: Fact<bool>,
}

/// Reads it out of a transcript; `booted_at` is when the kernel started, `root_ids` are the SCSI ids
/// of the disks below `/`, an empty one for a disk that has none, and `taken` says whether multipath
/// has taken one of those.
pub fn from_transcript(
    transcript: &Transcript,
    booted_at: &Fact<i64>,
    root_ids: Result<Vec<String>, Unavailable>,
    taken: Result<bool, Unavailable>,
) -> CustomChangesFacts {
    let marker = marker_time(transcript);
    let log = read_log(transcript);
    let multipath = read_multipath_conf(transcript);
    let rebooted_since = marker.clone().and_then(|made| {
        let made = made.ok_or("there is no marker, so nothing was applied")?;
        Ok(*booted_at.value()? > made)
    });
    let failures =
        |log: CustomChangesLog| Collection { complete: log.is_whole, items: log.failures };
    let excluded_ids = |conf: MultipathConf| Collection::complete(conf.excluded_wwids);
    let names_by_id = multipath.clone().map(|conf| conf.user_friendly_names == Some(false));
    let agent_disks_excluded = multipath.clone().map(|conf| conf.excludes_vendor("InMage"));
    let root_disk_excluded = is_root_excluded(multipath.clone(), root_ids, taken);
    CustomChangesFacts {
        by_effect: by_effect([&names_by_id, &agent_disks_excluded, &root_disk_excluded]).into(),
        rebooted_since: rebooted_since.into(),
        marker: marker.map(|made| made.is_some()).into(),
        completed: log.clone().and_then(|log| log.completed_runs()).into(),
        already_invoked: log.clone().map(|log| log.already_invoked).into(),
        failures: log.map(failures).into(),
        names_by_id: names_by_id.into(),
        agent_disks_excluded: agent_disks_excluded.into(),
        excluded_ids: multipath.map(excluded_ids).into(),
        root_disk_excluded: root_disk_excluded.into(),
    }
}

fn by_effect(effects: [&Result<bool, Unavailable>; 3]) -> Result<bool, Unavailable> {
    let known: Vec<bool> = effects.into_iter().cloned().collect::<Result<_, _>>()?;
    match known.iter().filter(|is_there| **is_there).count() {
        0 => Ok(false),
        3 => Ok(true),
        _ => Err("there is no marker, and only a part of what the script writes elsewhere is in \
                  /etc/multipath.conf; the script for Ubuntu was never published"
            .into()),
    }
}

fn read_multipath_conf(transcript: &Transcript) -> Result<MultipathConf, Unavailable> {
    let text = file::contents(transcript, MULTIPATH_CONF, "/etc/multipath.conf")?;
    let conf = multipath_conf::parse(text.unwrap_or_default());
    match &conf.fault {
        Some(fault) => Err(format!("/etc/multipath.conf: {fault}").into()),
        None => Ok(conf),
    }
}

/// Excluded is a disk by what the configuration says and by what multipath has done.
fn is_root_excluded(
    multipath: Result<MultipathConf, Unavailable>,
    root_ids: Result<Vec<String>, Unavailable>,
    taken: Result<bool, Unavailable>,
) -> Result<bool, Unavailable> {
    if taken == Ok(true) {
        return Ok(false);
    }
    let (conf, ids) = (multipath?, root_ids?);
    let by_configuration = !ids.is_empty() && ids.iter().all(|id| conf.excludes_wwid(id));
    Ok(by_configuration && !taken?)
}

/// When the marker was made; none when there is no marker. What is no time is no marker either.
fn marker_time(transcript: &Transcript) -> Result<Option<i64>, Unavailable> {
    let text = file::contents(transcript, CHANGES_MARKER, "/etc/.appliedmtcustomchanges")?;
    let time = |text: &str| {
        text.trim().parse().map_err(|_| format!("the marker's time is {text:?}").into())
    };
    text.map(time).transpose()
}

/// What the script's log says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CustomChangesLog {
    /// How many lines say COMPLETED and nothing against it.
    pub completed: i64,
    /// Lines with the word that do not say that the script came to its end.
    pub doubtful: Vec<String>,
    /// How often it says that the script was invoked already.
    pub already_invoked: i64,
    /// Its lines that tell of a failure: those with FAILED, and those that are doubtful.
    pub failures: Vec<String>,
    /// Whether every line that matters was sent, and nothing else.
    pub is_whole: bool,
}

impl CustomChangesLog {
    /// How many runs came to their end; unknown while lines contradict each other.
    fn completed_runs(&self) -> Result<i64, Unavailable> {
        match self.doubtful.first() {
            Some(line) if self.completed > 0 => {
                Err(format!("the log says COMPLETED, and {line:?}").into())
            }
            _ if !self.is_whole => Err("only a part of the log was read".into()),
            _ => Ok(self.completed),
        }
    }
}

/// The most that is kept of one line of the log, in characters.
const MAX_LINE_CHARS: usize = 200;

/// The most lines that the probe sends.
const MAX_LINES: usize = 200;

/// What takes the meaning away from a COMPLETED in the same line.
const NEGATIONS: &[&str] = &[
    "not", "never", "no", "non", "nothing", "cannot", "without", "partially", "partly", "except",
    "but", "only", "error", "errors", "warning", "warnings", "fail", "fails", "failed", "failure",
    "failures", "aborted", "abort", "skipped", "if", "until", "unless", "before", "when", "being",
    "cancelled", "canceled", "interrupted",
];

fn read_log(transcript: &Transcript) -> Result<CustomChangesLog, Unavailable> {
    let path = "/var/log/appliedmtcustomchanges.log";
    let text = file::contents(transcript, CHANGES_LOG, path)?;
    Ok(parse_log(text.ok_or_else(|| format!("there is no {path}"))?))
}

/// Reads the lines of the log that matter. COMPLETED and FAILED count in capitals only, as the
/// script writes them; COMPLETED as a word of its own at the end of what is said, for a line with
/// INCOMPLETED, NOT COMPLETED or COMPLETED with errors says the contrary.
///
/// ```
/// use preflight::facts::agent::custom_changes;
/// let log = custom_changes::parse_log("Blacklisting the root disk: COMPLETED\nNOT COMPLETED\n");
/// assert_eq!((log.completed, log.failures.len()), (1, 1));
/// ```
pub fn parse_log(text: &str) -> CustomChangesLog {
    let mut log = CustomChangesLog {
        is_whole: text.lines().count() < MAX_LINES,
        ..CustomChangesLog::default()
    };
    for line in text.lines().map(str::trim) {
        let cut = || line.chars().take(MAX_LINE_CHARS).collect::<String>();
        let small = line.to_ascii_lowercase();
        if line.contains("FAILED") {
            log.failures.push(cut());
        } else if small.contains("already invoked") {
            log.already_invoked += 1;
        } else if says_completed(line) {
            log.completed += 1;
        } else if line.contains("COMPLETE") {
            log.failures.push(cut());
            log.doubtful.push(cut());
        } else if !small.contains("completed") && !small.contains("failed") {
            // Nothing that the probe looks for: something else has answered.
            log.is_whole = false;
        }
    }
    log
}

/// Whether a line ends with COMPLETED, and no word before takes it back.
fn says_completed(line: &str) -> bool {
    let words: Vec<&str> = line
        .split(|letter: char| !letter.is_alphanumeric() && letter != '\'')
        .filter(|word| !word.is_empty())
        .collect();
    let Some((&"COMPLETED", before)) = words.split_last() else { return false };
    let part = |three: &[&str]| match three {
        [done, "of", all] => done != all && [done, all].iter().all(|n| n.parse::<u32>().is_ok()),
        _ => false,
    };
    let is_end =
        line.trim_end_matches(['.', '!', ']', ')', '*', '-', '=', ' ']).ends_with("COMPLETED");
    is_end
        && !before.windows(3).any(part)
        && before.iter().all(|word| {
            let word = word.to_ascii_lowercase();
            !NEGATIONS.contains(&word.as_str())
                && !word.ends_with("n't")
                && !word.ends_with("complete")
                && !word.ends_with("completed")
        })
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
        from_transcript(&transcript, &Fact::Known(1000), Ok(vec![ID.to_owned()]), Ok(false))
    }

    #[test]
    fn a_log_is_counted_line_by_line() {
        let log = parse_log(
            "COMPLETED\nThe script is ALREADY INVOKED on this host.\nWriting FAILED\n\
             not yet completed\nfailed over\nFAILED, not COMPLETED\n",
        );
        assert_eq!((log.completed, log.already_invoked), (1, 1));
        assert_eq!(log.failures, ["Writing FAILED", "FAILED, not COMPLETED"]);
        assert_eq!(
            parse_log(""),
            CustomChangesLog { is_whole: true, ..CustomChangesLog::default() }
        );
    }

    #[test]
    fn only_a_plain_completed_says_that_the_script_came_to_its_end() {
        for line in [
            "COMPLETED",
            "  COMPLETED.",
            "Applying custom changes: COMPLETED",
            "[2016-02-03 04:05:06] Blacklisting the root disk - COMPLETED",
            "*** COMPLETED ***",
        ] {
            let facts = applied((0, "900\n"), (0, &format!("{line}\n")), (0, CONF));
            assert_eq!(facts.completed, Fact::Known(1), "{line}");
            assert!(facts.failures.known().unwrap().items.is_empty(), "{line}");
        }
        for line in [
            "INCOMPLETED",
            "NOT COMPLETED",
            "Not COMPLETED",
            "UNCOMPLETED",
            "COMPLETED with errors",
            "COMPLETED WITH WARNINGS",
            "COMPLETED: no",
            "COMPLETED?",
            "Step 3 of 7 COMPLETED",
            "it isn't COMPLETED",
            "All 7 of 8 COMPLETED",
            "COMPLETELY",
            "INCOMPLETE",
            "partially COMPLETED",
            "Errors: COMPLETED",
        ] {
            let facts = applied((0, "900\n"), (0, &format!("{line}\n")), (0, CONF));
            assert_eq!(facts.completed, Fact::Known(0), "{line}");
            assert_eq!(facts.failures.known().unwrap().items, [line], "{line}");
            // Beside a plain one nobody knows which of the two is the last word.
            let both = applied((0, "900\n"), (0, &format!("{line}\nCOMPLETED\n")), (0, CONF));
            assert_eq!(both.completed.known(), None, "{line}");
        }
    }

    #[test]
    fn what_is_no_answer_of_the_probe_proves_nothing() {
        let foreign = "sh: stat: command not found\n";
        let facts = applied((0, foreign), (0, "COMPLETED\nsh: grep: not found\n"), (0, CONF));
        assert!(facts.marker.known().is_none() && facts.completed.known().is_none());
        assert!(!facts.failures.known().unwrap().complete);
        let long = "COMPLETED\n".to_owned() + &"not yet completed\n".repeat(MAX_LINES);
        assert!(applied((0, "900\n"), (0, &long), (0, CONF)).completed.known().is_none());
        let cut = applied((0, "900"), (0, "COMPLETED"), (0, CONF.trim_end()));
        assert!(cut.marker.known().is_none() && cut.completed.known().is_none());
        assert!(cut.names_by_id.known().is_none());
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
            [("999\n", Some(true)), ("1000\n", Some(false)), ("1001\n", Some(false)), ("?\n", None)]
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
            let root_ids = Ok(ids.iter().map(|id| (*id).to_owned()).collect());
            let facts = from_transcript(&transcript, &Fact::Known(1), root_ids, Ok(false));
            assert_eq!(facts.root_disk_excluded, Fact::Known(excluded), "{ids:?}");
        }
        let ids = Ok(vec![ID.to_owned()]);
        let taken = from_transcript(&transcript, &Fact::Known(1), ids.clone(), Ok(true));
        assert_eq!(taken.root_disk_excluded, Fact::Known(false));
        let silent =
            from_transcript(&transcript, &Fact::Known(1), ids, Err("no answer in time".into()));
        assert_eq!(silent.root_disk_excluded, Fact::unavailable("no answer in time"));
        let no_id = Err("scsi_id is missing".into());
        let facts = from_transcript(&transcript, &Fact::Known(1), no_id, Ok(false));
        assert_eq!(facts.root_disk_excluded, Fact::unavailable("scsi_id is missing"));
    }
}
