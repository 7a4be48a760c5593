//! Moves of the master target's disks to other datastores, as the server's log of events has them.
//!
//! One after reprotect makes failback fail (S001, Prerequisites); one before does no harm, so a move
//! counts only beside the time of the last reprotect. Not for what may move them: that is `vm`'s.

use jiff::Timestamp;
use serde_json::Value;

use super::property::{answer_for_master_target, object_rows, optional_text, required_text};
use super::query_scope::QueryScope;
use crate::facts::transcript::Transcript;
use crate::facts::{Collection, Fact};

/// Moves since the last reprotect.
pub fn from_transcript(transcript: &Transcript, question: &QueryScope) -> Fact<Collection<String>> {
    let Some(master_target) = &question.master_target else {
        return Fact::unavailable("no master target is named");
    };
    let events = match answer_for_master_target(transcript, "moves", master_target) {
        Fact::Known(events) => events,
        Fact::Unavailable(why) => return Fact::Unavailable(why),
    };
    let complete = events.get("complete").and_then(|complete| complete.as_bool());
    let Some(list) = events.get("events") else {
        return Fact::unavailable("the server gives no list of events");
    };
    let list = match object_rows(list, "the list of events") {
        Fact::Known(list) => list,
        Fact::Unavailable(why) => return Fact::Unavailable(why),
    };
    moves_since(list, question.reprotected_at)
        .map(|moves| Collection { complete: moves.complete && complete == Some(true), ..moves })
}

fn moves_since(events: &[Value], reprotected_at: Option<Timestamp>) -> Fact<Collection<String>> {
    let mut moves = Vec::new();
    let mut complete = true;
    for event in events {
        match parse_move(event) {
            Fact::Known(moved) => moves.extend(moved),
            Fact::Unavailable(_) => complete = false,
        }
    }
    let Some(reprotected_at) = reprotected_at else {
        return match moves.last() {
            None => Fact::Known(Collection { items: Vec::new(), complete }),
            Some((_, words)) => Fact::unavailable(format!(
                "it was moved {words}; whether that was after the last reprotect is not known: add \
                 --reprotected-at TIME"
            )),
        };
    };
    let late = moves.into_iter().filter(|(at, _)| *at >= reprotected_at).map(|(_, words)| words);
    Fact::Known(Collection { items: late.collect(), complete })
}

/// When and whence a machine was moved; none when an event tells of one datastore alone.
fn parse_move(event: &Value) -> Fact<Option<(Timestamp, String)>> {
    let datastore = |key: &str| match event.get(key) {
        Some(datastore) => required_text(datastore, "datastore"),
        None => Fact::unavailable(format!("an event has no {key}")),
    };
    let (from, to) = match (datastore("sourceDatastore"), datastore("ds")) {
        (Fact::Known(from), Fact::Known(to)) => (from, to),
        (Fact::Unavailable(why), _) | (_, Fact::Unavailable(why)) => return Fact::Unavailable(why),
    };
    if from == to {
        return Fact::Known(None);
    }
    let name = |key: &str| event.get(key).and_then(|ds| optional_text(ds, "name")).unwrap_or("?");
    required_text(event, "createdTime").and_then(|at| match at.parse() {
        Ok(time) => {
            let words = format!("from {} to {} on {at}", name("sourceDatastore"), name("ds"));
            Fact::Known(Some((time, words)))
        }
        Err(_) => Fact::unavailable(format!("an event has the time {at:?}")),
    })
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
        let words =
            |reprotected| moves_since(&events, reprotected).known().map(|l| l.items.clone());
        assert_eq!(
            words(at("2026-11-04T00:00:00Z")),
            Some(vec!["from b to c on 2026-11-05T00:00:00Z".to_owned()])
        );
        assert_eq!(words(at("2026-11-06T00:00:00Z")), Some(Vec::new()));
        assert_eq!(words(None), None, "nobody knows");
        assert_eq!(moves_since(&events[1..2], None).known().map(|l| l.items.len()), Some(0));
    }

    #[test]
    fn an_event_that_is_not_understood_leaves_the_list_open() {
        let at = Some("2026-11-04T00:00:00Z".parse().unwrap());
        let whole = event("2026-11-05T00:00:00Z", "b", "c");
        for path in [
            "/createdTime",
            "/sourceDatastore",
            "/ds",
            "/ds/datastore",
            "/sourceDatastore/datastore",
        ] {
            let mut cut = whole.clone();
            *cut.pointer_mut(path).unwrap() = Value::Null;
            let read = moves_since(&[cut], at);
            let read = read.known().unwrap();
            assert!(!read.complete && read.items.is_empty(), "{path}");
        }
    }
}
