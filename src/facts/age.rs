//! How old answers are when they are evaluated, and what of them is then worth nothing.
//!
//! The age is the time of the evaluation minus that of the collection. Past [`FRESH`] the check
//! evidence.fresh warns; past [`QUICK`] whatever changes quickly is unknown, which probes
//! ([`Probe::is_quick`]) and properties of vSphere objects say of themselves. Nothing else depends
//! on it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::guest::clock;
use super::probe::Probe;
use super::transcript::{CollectedBy, Transcript};
use super::{Document, Fact, Unavailable};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Seconds after which answers are no longer fresh: recovery points of a failback policy are kept
/// for 24 hours (S001), so that after a day nothing of the state that was captured is left.
pub const FRESH: i64 = DAY;

/// Seconds after which what changes quickly is unknown. No source gives a figure for this: servers
/// themselves count a heartbeat as lost after 15 minutes (agent, EMH0001), and captures are carried
/// over a weekend. Three days are the longest of that (preflight).
pub const QUICK: i64 = 3 * DAY;

/// Seconds by which the clock of whoever collected may be ahead: what Azure lets pass
/// (D:vmware-azure-troubleshoot-configuration-server, ACS50008).
pub const AHEAD: i64 = 15 * MINUTE;

/// When answers were collected, as seen when they are evaluated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct EvidenceFacts {
    /// When they were collected, such as `2026-11-25T10:00:00Z`.
    pub collected_at: Fact<String>,
    /// How many whole days ago that was.
    pub age_days: Fact<i64>,
    /// Whether that is later than now by more than clocks differ.
    pub in_future: Fact<bool>,
    /// The age in words, with the time where it is more than a day.
    pub words: Fact<String>,
}

/// What is said of a collection time.
enum Age {
    /// So many seconds ago; less than nothing while clocks differ a little.
    Seconds(i64),
    /// So many seconds from now.
    Ahead(i64),
}

/// When answers were collected: by the clock of whoever asked, or, where a script was run by
/// somebody else and nobody noted it, by the host's own.
pub fn collected_at(transcript: &Transcript) -> Result<Timestamp, Unavailable> {
    if let Some(at) = transcript.asked_at {
        return Ok(at);
    }
    if let Some(failure) = &transcript.connection.failure {
        return Err(failure.reason.as_str().into());
    }
    let own = match transcript.answers.by_probe.get(clock::CLOCK.as_str()) {
        Some(answer) if transcript.connection.by == CollectedBy::Script && answer.status == 0 => {
            clock::parse(&answer.text).ok()
        }
        _ => None,
    };
    let at = own.and_then(|reading| Timestamp::from_second(reading.seconds).ok());
    Ok(at.ok_or("when it was collected is not recorded")?)
}

fn age(at: Timestamp, now: Timestamp) -> Age {
    let seconds = now.as_second().saturating_sub(at.as_second());
    if seconds < -AHEAD { Age::Ahead(-seconds) } else { Age::Seconds(seconds) }
}

/// The transcript as it counts at a time: too old, the answers of quick `probes` are unavailable,
/// and so are the quick properties of vSphere objects.
pub fn apply_age(mut transcript: Transcript, now: Timestamp, probes: &[Probe]) -> Transcript {
    transcript.overrides.now = Some(now);
    // Who was not asked at all has nothing that could be old.
    if transcript.answers.by_probe.is_empty() {
        return transcript;
    }
    let stale = match collected_at(&transcript) {
        Ok(at) => match age(at, now) {
            Age::Seconds(seconds) if seconds < QUICK => return transcript,
            Age::Seconds(_) | Age::Ahead(_) => {
                format!("collected {}, and this changes quickly", describe_age(at, now))
            }
        },
        Err(why) => format!("{}, and this changes quickly", why.reason),
    };
    for probe in probes.iter().filter(|probe| probe.is_quick) {
        let why = stale.as_str().into();
        transcript.overrides.replaced.insert(probe.name.to_string(), Err(why));
    }
    transcript.overrides.stale = Some(stale);
    transcript
}

/// When answers were collected, for the time at which they are evaluated; nothing where there is
/// no such time.
pub fn evidence_facts(transcript: &Transcript) -> Option<EvidenceFacts> {
    let now = transcript.overrides.now?;
    let at = match &transcript.connection.failure {
        Some(failure) => Err(failure.reason.as_str().into()),
        None if !transcript.answers.ended => Err("the answers were cut short".into()),
        None => collected_at(transcript),
    };
    let whole_days = |at| match age(at, now) {
        Age::Seconds(seconds) => seconds.max(0) / FRESH,
        Age::Ahead(_) => 0,
    };
    Some(EvidenceFacts {
        collected_at: at.clone().map(format_timestamp).into(),
        age_days: at.clone().map(whole_days).into(),
        in_future: at.clone().map(|at| matches!(age(at, now), Age::Ahead(_))).into(),
        words: at.map(|at| describe_age(at, now)).into(),
    })
}

/// The same as a document of its own, to be joined to that of a target.
pub fn evidence_document(transcript: &Transcript) -> Document {
    match evidence_facts(transcript) {
        Some(facts) => Document::new("evidence", &facts),
        None => Document::default(),
    }
}

fn format_timestamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn describe_age(at: Timestamp, now: Timestamp) -> String {
    let when = format_timestamp(at);
    match age(at, now) {
        Age::Seconds(seconds) if seconds < FRESH => "less than a day ago".to_owned(),
        Age::Seconds(seconds) => format!("on {when}, {} ago", format_span(seconds)),
        Age::Ahead(seconds) => format!(
            "on {when}, {} from now: the clock of whoever collected it, or this one, is wrong",
            format_span(seconds)
        ),
    }
}

fn format_span(seconds: i64) -> String {
    let (number, unit) = match seconds {
        DAY.. => (seconds / DAY, "day"),
        HOUR.. => (seconds / HOUR, "hour"),
        _ => (seconds / MINUTE, "minute"),
    };
    if number == 1 { format!("1 {unit}") } else { format!("{number} {unit}s") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::failure_kind::FailureKind;
    use crate::facts::file::tests::guest_transcript;
    use crate::facts::probe::ProbeName;
    use crate::facts::target_kind::TargetKind;

    const AT: i64 = 1_795_600_800;

    fn probes() -> Vec<Probe> {
        vec![
            Probe::quick(ProbeName::new("clock"), ""),
            Probe::quick(ProbeName::new("ports"), ""),
            Probe::new(ProbeName::new("os"), ""),
        ]
    }

    fn transcript(by: CollectedBy, asked_at: Option<i64>, clock: &str) -> Transcript {
        let mut transcript =
            guest_transcript(&[("clock", 0, clock), ("ports", 0, "x"), ("os", 0, "Linux")]);
        transcript.connection.by = by;
        transcript.asked_at = asked_at.map(|at| Timestamp::from_second(at).unwrap());
        transcript
    }

    #[test]
    fn what_changes_quickly_is_unknown_past_three_days_and_nothing_else_is() {
        let clock = format!("{AT} +0000 UTC\n");
        // By transport, time of collection and seconds until the evaluation: days, whether it lies
        // in the future, and whether what changes quickly counts.
        for (by, asked_at, clock, later, days, ahead, counts) in [
            (CollectedBy::Ssh, Some(AT), "", 0, Some(0), Some(false), true),
            (CollectedBy::Ssh, Some(AT), "", DAY - 1, Some(0), Some(false), true),
            (CollectedBy::Ssh, Some(AT), "", DAY, Some(1), Some(false), true),
            (CollectedBy::Ssh, Some(AT), "", 3 * DAY - 1, Some(2), Some(false), true),
            (CollectedBy::Ssh, Some(AT), "", 3 * DAY, Some(3), Some(false), false),
            (CollectedBy::Ssh, Some(AT), "", 9000 * DAY, Some(9000), Some(false), false),
            (CollectedBy::Ssh, Some(AT), "", -AHEAD, Some(0), Some(false), true),
            (CollectedBy::Ssh, Some(AT), "", -AHEAD - 1, Some(0), Some(true), false),
            (CollectedBy::Ssh, Some(AT), "", -DAY, Some(0), Some(true), false),
            (CollectedBy::Script, Some(AT), "", 4 * DAY, Some(4), Some(false), false),
            // The output of a script has no note of its time but what the host's clock said.
            (CollectedBy::Script, None, clock.as_str(), 60, Some(0), Some(false), true),
            (CollectedBy::Script, None, clock.as_str(), 5 * DAY, Some(5), Some(false), false),
            (CollectedBy::Script, None, "Sat Nov 15\n", 60, None, None, false),
            // Of a host that somebody else asked, its own clock is no witness.
            (CollectedBy::Ssh, None, clock.as_str(), 60, None, None, false),
        ] {
            let now = Timestamp::from_second(AT + later).unwrap();
            let read = apply_age(transcript(by, asked_at, clock), now, &probes());
            let what = format!("{by:?} {asked_at:?} {clock:?} {later}");
            let evidence = evidence_facts(&read).unwrap();
            assert_eq!(evidence.age_days.known().copied(), days, "{what}");
            assert_eq!(evidence.in_future.known().copied(), ahead, "{what}");
            assert_eq!(read.answer(ProbeName::new("ports")).is_ok(), counts, "{what}");
            assert_eq!(read.overrides.stale.is_none(), counts, "{what}");
            assert!(read.answer(ProbeName::new("os")).is_ok(), "{what}");
        }
    }

    #[test]
    fn the_words_of_a_fresh_capture_do_not_change_with_its_age() {
        let read = |later: i64| {
            let now = Timestamp::from_second(AT + later).unwrap();
            let read = apply_age(transcript(CollectedBy::Ssh, Some(AT), ""), now, &probes());
            evidence_facts(&read).unwrap().words.known().unwrap().clone()
        };
        assert_eq!(read(0), "less than a day ago");
        assert_eq!(read(DAY - 1), read(0));
        assert_eq!(read(DAY), "on 2026-11-25T10:00:00Z, 1 day ago");
        assert_eq!(read(11 * DAY), "on 2026-11-25T10:00:00Z, 11 days ago");
        assert!(read(-2 * HOUR).starts_with("on 2026-11-25T10:00:00Z, 2 hours from now: "));
    }

    #[test]
    fn who_could_not_be_asked_has_no_age() {
        let failure = crate::facts::transcript::Failure {
            kind: FailureKind::Refused,
            reason: "connection refused".to_owned(),
            hint: None,
        };
        let failed =
            Transcript::from_failure("mt1", TargetKind::LinuxMt, CollectedBy::Ssh, failure);
        let read = apply_age(failed, Timestamp::from_second(AT).unwrap(), &probes());
        assert_eq!(
            evidence_facts(&read).unwrap().age_days,
            Fact::unavailable("connection refused")
        );
        assert_eq!(read.overrides.stale, None);
        assert_eq!(evidence_facts(&guest_transcript(&[])), None);
    }
}
