//! Moves of the master target's disks to other datastores, as the server's log of events has them.
//!
//! One after reprotect makes failback fail (S001, Prerequisites); one before does no harm, so a move
//! counts only beside the time of the last reprotect. Not for what may move them: that is `vm`'s.

use jiff::Timestamp;
use serde_json::Value;

use super::property::{answer_about, list, part};
use super::question::Question;
use super::transcript::Transcript;
use super::{Fact, Looked};

/// Moves since the last reprotect.
pub fn of(transcript: &Transcript, question: &Question) -> Fact<Looked<String>> {
    let Some(master_target) = &question.master_target else {
        return Fact::unavailable("no master target is named");
    };
    let events = match answer_about(transcript, "moves", master_target) {
        Fact::Known(events) => events,
        Fact::Unavailable(why) => return Fact::Unavailable(why),
    };
    let complete = events.get("complete").and_then(|complete| complete.as_bool());
    let list = events.get("events").map(list).unwrap_or_default();
    since(list, question.reprotected_at)
        .map(|moves| Looked { complete: complete == Some(true), ..moves })
}

fn since(events: &[Value], reprotected_at: Option<Timestamp>) -> Fact<Looked<String>> {
    let moves: Vec<(Option<Timestamp>, String)> = events.iter().filter_map(moved).collect();
    let Some(reprotected_at) = reprotected_at else {
        return match moves.last() {
            None => Fact::Known(Looked::complete(Vec::new())),
            Some((_, words)) => Fact::unavailable(format!(
                "it was moved {words}; whether that was after the last reprotect is not known: add \
                 --reprotected-at TIME"
            )),
        };
    };
    // One that does not say when it was is taken for a late one.
    let late = |at: &Option<Timestamp>| at.is_none_or(|at| at >= reprotected_at);
    let words = moves.into_iter().filter(|(at, _)| late(at)).map(|(_, words)| words);
    Fact::Known(Looked::complete(words.collect()))
}

/// When and whence a machine was moved, when an event tells of another datastore.
fn moved(event: &Value) -> Option<(Option<Timestamp>, String)> {
    let name = |key: &str| event.get(key).and_then(|ds| part(ds, "name")).unwrap_or("?");
    let id = |key: &str| event.get(key).and_then(|ds| part(ds, "datastore"));
    let (from, to) = (id("sourceDatastore")?, id("ds")?);
    let at = part(event, "createdTime").unwrap_or("at an unknown time");
    let words = format!("from {} to {} on {at}", name("sourceDatastore"), name("ds"));
    (from != to).then(|| (at.parse().ok(), words))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(at: &str, from: &str, to: &str) -> Value {
        let datastore = |id: &str| json!({ "name": id, "datastore": format!("Datastore:{id}") });
        json!({ "_type": "VmRelocatedEvent", "createdTime": at,
                "sourceDatastore": datastore(from), "ds": datastore(to) })
    }

    #[test]
    fn a_move_counts_when_it_was_after_reprotect() {
        let at = |text: &str| Some(text.parse().unwrap());
        let events = [
            event("2026-11-01T00:00:00Z", "a", "b"),
            event("2026-11-03T00:00:00Z", "b", "b"),
            event("2026-11-05T00:00:00Z", "b", "c"),
        ];
        let words = |reprotected| since(&events, reprotected).known().map(|l| l.items.clone());
        assert_eq!(
            words(at("2026-11-04T00:00:00Z")),
            Some(vec!["from b to c on 2026-11-05T00:00:00Z".to_owned()])
        );
        assert_eq!(words(at("2026-11-06T00:00:00Z")), Some(Vec::new()));
        assert_eq!(words(None), None, "nobody knows");
        assert_eq!(since(&events[1..2], None).known().map(|l| l.items.len()), Some(0));
    }
}
