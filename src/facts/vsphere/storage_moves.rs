//! Moves of the master target's disks to other datastores, as the server's log of events has them.
//!
//! One after reprotect makes failback fail (S001, Prerequisites); one before does no harm, so a move
//! counts only beside the time of the last reprotect. Not for what may move them: that is `vm`'s.

use jiff::Timestamp;
use serde_json::Value;

use super::property::{answer_for_master_target, object_rows, optional_text, required_text};
use super::query_scope::QueryScope;
use super::questions;
use crate::facts::transcript::Transcript;
use crate::facts::{Collection, Unavailable};

/// Moves since the last reprotect.
pub fn from_transcript(
    transcript: &Transcript,
    scope: &QueryScope,
) -> Result<Collection<String>, Unavailable> {
    let master_target = scope.master_target.as_ref().ok_or("no master target is named")?;
    let events = answer_for_master_target(transcript, questions::MOVES, master_target)?;
    let complete = events.get("complete").and_then(|complete| complete.as_bool());
    let list = events.get("events").ok_or("the server gives no list of events")?;
    let moves = moves_since(object_rows(list, "the list of events")?, scope.reprotected_at)?;
    Ok(Collection { complete: moves.complete && complete == Some(true), ..moves })
}

fn moves_since(
    events: &[Value],
    reprotected_at: Option<Timestamp>,
) -> Result<Collection<String>, Unavailable> {
    let mut moves = Vec::new();
    let mut complete = true;
    for event in events {
        match parse_move(event) {
            Ok(moved) => moves.extend(moved),
            Err(_) => complete = false,
        }
    }
    let Some(reprotected_at) = reprotected_at else {
        return match moves.last() {
            None => Ok(Collection { items: Vec::new(), complete }),
            Some((_, words)) => Err(format!(
                "it was moved {words}; whether that was after the last reprotect is not known: add \
                 --reprotected-at TIME"
            )
            .into()),
        };
    };
    let late = moves.into_iter().filter(|(at, _)| *at >= reprotected_at).map(|(_, words)| words);
    Ok(Collection { items: late.collect(), complete })
}

/// When and whence a machine was moved; none when an event tells of one datastore alone.
fn parse_move(event: &Value) -> Result<Option<(Timestamp, String)>, Unavailable> {
    let datastore = |key: &str| {
        let datastore = event.get(key).ok_or_else(|| format!("an event has no {key}"))?;
        required_text(datastore, "datastore")
    };
    if datastore("sourceDatastore")? == datastore("ds")? {
        return Ok(None);
    }
    let name = |key: &str| event.get(key).and_then(|ds| optional_text(ds, "name")).unwrap_or("?");
    let at = required_text(event, "createdTime")?;
    let time = at.parse().map_err(|_| format!("an event has the time {at:?}"))?;
    let words = format!("from {} to {} on {at}", name("sourceDatastore"), name("ds"));
    Ok(Some((time, words)))
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
        let words = |reprotected| moves_since(&events, reprotected).ok().map(|l| l.items);
        assert_eq!(
            words(at("2026-11-04T00:00:00Z")),
            Some(vec!["from b to c on 2026-11-05T00:00:00Z".to_owned()])
        );
        assert_eq!(words(at("2026-11-06T00:00:00Z")), Some(Vec::new()));
        assert_eq!(words(None), None, "nobody knows");
        assert_eq!(moves_since(&events[1..2], None).unwrap().items.len(), 0);
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
            let read = read.unwrap();
            assert!(!read.complete && read.items.is_empty(), "{path}");
        }
    }
}
