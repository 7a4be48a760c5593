//! The ways an answer can be damaged.
//!
//! Not for what may come of it: that is `ledger`'s.

use preflight::facts::transcript::{ProbeAnswer, Transcript};
use serde_json::Value;

/// One damaged capture.
pub struct Damaged {
    pub transcript: Transcript,
    pub probe: String,
    /// What was done: `removed`, `line 3 gone`, `objects[2].properties.name null`.
    pub what: String,
    /// The kind of it, such as `line gone`.
    pub kind: &'static str,
    /// Whether the whole answer is damaged, so that nothing read from it is worth anything.
    pub whole: bool,
}

/// Every damage of a capture of a shell.
pub fn of_shell(capture: &Transcript) -> Vec<Damaged> {
    let mut all = Vec::new();
    for (probe, answer) in &capture.answers.by_probe {
        all.extend(of_whole_answer(capture, probe, answer));
        let lines: Vec<&str> = answer.text.split_inclusive('\n').collect();
        for gone in 0..lines.len() {
            let kept = lines.iter().enumerate().filter(|(at, _)| *at != gone);
            let text: String = kept.map(|(_, line)| *line).collect();
            let what = format!("without {:?}", lines[gone].trim_end());
            all.push(with(capture, probe, answer.status, text, "line gone", what, false));
        }
    }
    all
}

/// Every damage of a capture of a vSphere server, whose answers are JSON; of their values one of so
/// many.
pub fn of_server(capture: &Transcript, one_of: usize) -> Vec<Damaged> {
    let mut all = Vec::new();
    for (probe, answer) in &capture.answers.by_probe {
        all.extend(of_whole_answer(capture, probe, answer));
        let Ok(value) = serde_json::from_str::<Value>(&answer.text) else { continue };
        let mut places = Vec::new();
        pointers(&value, String::new(), &mut places);
        for place in places.into_iter().step_by(one_of) {
            for (kind, change) in
                [("value gone", remove as fn(&mut Value, &str)), ("value null", null)]
            {
                let mut damaged = value.clone();
                change(&mut damaged, &place);
                let text = damaged.to_string();
                let what = format!("{kind}: {place}");
                all.push(with(capture, probe, answer.status, text, kind, what, false));
            }
        }
    }
    all
}

fn of_whole_answer(capture: &Transcript, probe: &str, answer: &ProbeAnswer) -> Vec<Damaged> {
    let mut gone = capture.clone();
    gone.answers.by_probe.remove(probe);
    let mut all = vec![Damaged {
        transcript: gone,
        probe: probe.to_owned(),
        what: "removed".to_owned(),
        kind: "removed",
        whole: true,
    }];
    let text = &answer.text;
    let mut half = text.len() / 2;
    while !text.is_char_boundary(half) {
        half -= 1;
    }
    let name = probe.split(':').next().unwrap_or(probe);
    for (kind, status, damaged) in [
        ("emptied", answer.status, String::new()),
        ("cut in half", answer.status, text[..half].to_owned()),
        ("doubled", answer.status, format!("{text}{text}")),
        ("command not found", 0, format!("sh: line 12: {name}: command not found\n")),
        ("foreign line", answer.status, format!("{text}Segmentation fault\n")),
        ("failed", 1, text.clone()),
        ("timed out", 124, text.clone()),
    ] {
        if damaged != *text || status != answer.status {
            all.push(with(capture, probe, status, damaged, kind, kind.to_owned(), true));
        }
    }
    all
}

fn with(
    capture: &Transcript,
    probe: &str,
    status: i32,
    text: String,
    kind: &'static str,
    what: String,
    whole: bool,
) -> Damaged {
    let mut transcript = capture.clone();
    transcript.answers.by_probe.insert(probe.to_owned(), ProbeAnswer { status, text });
    Damaged { transcript, probe: probe.to_owned(), what, kind, whole }
}

/// Where every value below this one stands, as JSON pointers.
fn pointers(value: &Value, at: String, into: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let at = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
                into.push(at.clone());
                pointers(member, at, into);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let at = format!("{at}/{index}");
                into.push(at.clone());
                pointers(item, at, into);
            }
        }
        _ => {}
    }
}

fn null(value: &mut Value, place: &str) {
    *value.pointer_mut(place).unwrap() = Value::Null;
}

fn remove(value: &mut Value, place: &str) {
    let (parent, name) = place.rsplit_once('/').unwrap();
    match value.pointer_mut(parent).unwrap() {
        Value::Object(members) => {
            members.remove(&name.replace("~1", "/").replace("~0", "~"));
        }
        Value::Array(items) => {
            items.remove(name.parse().unwrap());
        }
        _ => unreachable!("a pointer's parent holds it"),
    }
}
