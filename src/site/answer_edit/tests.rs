//! Edited texts, each with what it becomes.

use proptest::prelude::*;

use super::*;
use crate::facts::stage::Stage;
use crate::site::Site;

fn entry(check: &str, value: AnswerValue) -> AnswerEntry {
    AnswerEntry {
        check: check.to_owned(),
        target: Some("mt1".to_owned()),
        value,
        by: "ann".to_owned(),
        at: "2026-11-30".parse().unwrap(),
        stage: None,
    }
}

const NEW: &str = "{ check: b.new, target: mt1, value: yes, by: ann, at: 2026-11-30 }";

fn added(text: &str) -> Result<String, AnswerEditError> {
    set_answer(text, "site.yaml", &entry("b.new", AnswerValue::Yes), None)
}

#[test]
fn an_answer_is_added_behind_the_last_one_and_nothing_else_changes() {
    for (before, after) in [
        ("", "answers:\n  - NEW\n"),
        ("# later\n", "# later\nanswers:\n  - NEW\n"),
        ("stage: prepare", "stage: prepare\nanswers:\n  - NEW\n"),
        ("stage: prepare\r\n", "stage: prepare\r\nanswers:\r\n  - NEW\r\n"),
        ("answers:\nstage: prepare\n", "answers:\n  - NEW\nstage: prepare\n"),
        ("answers: # none yet\n", "answers: # none yet\n  - NEW\n"),
        ("answers:", "answers:\n  - NEW"),
        ("answers: []\nstage: prepare\n", "answers: [ NEW ]\nstage: prepare\n"),
        ("answers: [ ]\n", "answers: [ NEW ]\n"),
        ("answers: [ OLD ]\n", "answers: [ OLD, NEW ]\n"),
        ("answers: [ OLD, ]\n", "answers: [ OLD, NEW ]\n"),
        ("answers: [OLD]", "answers: [OLD, NEW]"),
        ("answers: [\n  OLD # why\n]\n", "answers: [\n  OLD, # why\n  NEW\n]\n"),
        ("answers: [\n  OLD, # why\n  # end\n]\n", "answers: [\n  OLD, # why\n  NEW\n  # end\n]\n"),
        ("answers:\n- OLD\n", "answers:\n- OLD\n- NEW\n"),
        (
            "answers:\n  - OLD  # why\n\n# next\nstage: prepare\n",
            "answers:\n  - OLD  # why\n  - NEW\n\n# next\nstage: prepare\n",
        ),
        ("answers:\n  - OLD", "answers:\n  - OLD\n  - NEW"),
        (
            "answers:\r\n  - OLD\r\nstage: prepare\r\n",
            "answers:\r\n  - OLD\r\n  - NEW\r\nstage: prepare\r\n",
        ),
        (
            "answers:\n  - check: a.old\n    # why\n    value: no\n    by: bo\n    at: 2001-01-01\n    # end\nstage: prepare\n",
            "answers:\n  - check: a.old\n    # why\n    value: no\n    by: bo\n    at: 2001-01-01\n  - NEW\n    # end\nstage: prepare\n",
        ),
        (
            "answers:\n  - { check: a.old,\n      value: no, by: bo,\n      at: 2001-01-01 }\nstage: prepare\n",
            "answers:\n  - { check: a.old,\n      value: no, by: bo,\n      at: 2001-01-01 }\n  - NEW\nstage: prepare\n",
        ),
        (
            "answers:\n  - { check: a.old, value: no, by: 'bo} #,\"', at: 2001-01-01 }\n",
            "answers:\n  - { check: a.old, value: no, by: 'bo} #,\"', at: 2001-01-01 }\n  - NEW\n",
        ),
    ] {
        const OLD: &str = "{ check: a.old, value: no, by: bo, at: 2001-01-01 }";
        let write = |text: &str| text.replace("OLD", OLD).replace("NEW", NEW);
        match added(&write(before)) {
            Ok(edited) => assert_eq!(edited, write(after), "{before:?}"),
            Err(error) => panic!("{before:?}: {error}"),
        }
    }
}

#[test]
fn an_answer_takes_the_place_of_another_and_comments_stay() {
    let mut new = entry("cs.backup", AnswerValue::No);
    new.by = "o'neil: the admin".to_owned();
    new.stage = Some(Stage::Verify);
    let by = "'o''neil: the admin'";
    for (before, after) in [
        (
            "answers: [ { check: cs.backup, value: yes, by: bo, at: 2001-01-01 }, { check: x, value: no, by: c, at: 2001-01-01 } ] # all\n",
            "answers: [ { check: cs.backup, value: no, by: BY, at: 2026-11-30, target: mt1, stage: verify }, { check: x, value: no, by: c, at: 2001-01-01 } ] # all\n",
        ),
        (
            "answers:\n  - check: cs.backup  # the one\n    value: \"yes\"   # sure\n    at: 2001-01-01\r\n    target: '*'\n    by: bo # her\nstage: verify\n",
            "answers:\n  - check: cs.backup  # the one\n    value: no   # sure\n    at: 2026-11-30\r\n    stage: verify\n    target: mt1\n    by: BY # her\nstage: verify\n",
        ),
        (
            "answers:\n  - { stage: prepare, at: 2001-01-01, by: 'b''o', value: yes, check: cs.backup } # one\n",
            "answers:\n  - { stage: verify, at: 2026-11-30, target: mt1, by: BY, value: no, check: cs.backup } # one\n",
        ),
        (
            "answers:\r\n- check: cs.backup\r\n  value: yes\r\n  by: bo\r\n  at: 2001-01-01",
            "answers:\r\n- check: cs.backup\r\n  value: no\r\n  by: BY\r\n  at: 2026-11-30\r\n  target: mt1\r\n  stage: verify",
        ),
    ] {
        let edited = set_answer(before, "site.yaml", &new, Some(0)).unwrap();
        assert_eq!(edited, after.replace("BY", by), "{before:?}");
    }
    new.stage = None;
    new.by = "bo".to_owned();
    for (before, after) in [
        (
            "answers: [ { check: cs.backup, value: yes, target: mt1, by: bo, at: 2001-01-01, stage: verify } ]",
            "answers: [ { check: cs.backup, value: no, target: mt1, by: bo, at: 2026-11-30 } ]",
        ),
        (
            "answers:\n  - check: cs.backup\n    target: mt1\n    value: yes\n    stage: verify\n    by: bo\n    at: 2001-01-01\n",
            "answers:\n  - check: cs.backup\n    target: mt1\n    value: no\n    by: bo\n    at: 2026-11-30\n",
        ),
        (
            "answers:\n  - check: cs.backup\n    target: mt1\n    value: yes\n    stage: verify # then\n    by: bo\n    at: 2001-01-01\n",
            "answers:\n  - check: cs.backup\n    target: mt1\n    value: no\n     # then\n    by: bo\n    at: 2026-11-30\n",
        ),
    ] {
        assert_eq!(set_answer(before, "site.yaml", &new, Some(0)).unwrap(), after, "{before:?}");
    }
}

#[test]
fn what_cannot_be_edited_is_refused_with_what_to_write() {
    for text in [
        "{ stage: prepare }\n",
        "{ answers: [ ], stage: prepare }\n---\n",
        "stage: prepare\n...\n",
        " stage: prepare\n",
        "answers: [\n\t{ check: a.old, value: no, by: bo, at: 2001-01-01 }\n\t]\n",
        "? answers\n: - { check: a.old, value: no, by: bo, at: 2001-01-01 }\n",
        "answers: ~\n",
        "'answers':\n",
    ] {
        let Err(error) = added(text) else { panic!("{text:?} is edited: {:?}", added(text)) };
        if let AnswerEditError::NotEditable { .. } = error {
            let hint = error.hint().unwrap();
            assert_eq!(hint, format!("write it yourself: - {NEW} under answers:"), "{text:?}");
        }
    }
    // A block scalar or a value over several lines is left to its author.
    for by in ["|\n      bo\n", "bo\n      and co\n", "!!str bo\n"] {
        let text =
            format!("answers:\n  - by: {by}    check: b.new\n    value: no\n    at: 2001-01-01\n");
        let new = entry("b.new", AnswerValue::Yes);
        assert!(set_answer(&text, "site.yaml", &new, Some(0)).is_err(), "{text}");
        assert!(added(&text).is_ok(), "{text}");
    }
    assert!(name_answers_file("{ stage: prepare }", "site.yaml", "answers.yaml").is_err());
    let twice = name_answers_file("answers_file: a.yaml\n", "site.yaml", "answers.yaml");
    assert!(twice.is_err(), "{twice:?}");
}

#[test]
fn the_site_file_names_its_answers_file_in_a_line_at_its_end() {
    for (before, after) in [
        ("", "answers_file: answers.yaml\n"),
        ("stage: prepare", "stage: prepare\nanswers_file: answers.yaml\n"),
        ("a:\r\n  b: 1 # c\r\n", "a:\r\n  b: 1 # c\r\nanswers_file: answers.yaml\r\n"),
    ] {
        assert_eq!(name_answers_file(before, "site.yaml", "answers.yaml").unwrap(), after);
    }
}

#[test]
fn a_thousand_answers_are_one_more() {
    let mut text = EMPTY_ANSWERS_FILE.to_owned();
    for number in 0..1000 {
        text.push_str(&format!(
            "  - {{ check: c.{number}, target: app-{number}, value: yes, by: ann, at: 2026-11-30 }}  # {number}\n"
        ));
    }
    let edited = added(&text).unwrap();
    assert_eq!(edited, format!("{text}  - {NEW}\n"));
    let mut new = entry("c.500", AnswerValue::No);
    new.target = Some("app-500".to_owned());
    let edited = set_answer(&text, "answers.yaml", &new, Some(500)).unwrap();
    let changed: Vec<_> = text.lines().zip(edited.lines()).filter(|(a, b)| a != b).collect();
    assert_eq!(changed.len(), 1, "{changed:?}");
    let large = format!("{text}# {}\n", "x".repeat(yaml::MAX_BYTES - text.len() - 10));
    assert!(matches!(added(&large), Err(AnswerEditError::Yaml(_))));
}

/// One answer as somebody may have written it, on lines with this indentation.
fn written(indent: &'static str) -> impl Strategy<Value = String> {
    let person = prop::sample::select(vec!["ann", "'bo # 1'", "\"c, d\"", "don't", "a:b"]);
    let comment = prop::sample::select(vec!["", " # why", "   # a: [b"]);
    let value = prop::sample::select(vec!["yes", "no", "'not-applicable'"]);
    let stage = prop::sample::select(vec!["", "verify"]);
    (person, comment, value, stage, any::<bool>(), any::<bool>()).prop_map(
        move |(person, comment, value, stage, in_flow, has_target)| {
            let mut keys = vec![
                "check: CHECK".to_owned(),
                format!("value: {value}"),
                format!("by: {person}"),
                "at: 2001-01-01".to_owned(),
            ];
            if has_target {
                keys.insert(1, "target: mt1".to_owned());
            }
            if !stage.is_empty() {
                keys.push(format!("stage: {stage}"));
            }
            if in_flow {
                return format!("{indent}- {{ {} }}{comment}\n", keys.join(", "));
            }
            let next = format!("{comment}\n{indent}  ");
            format!("{indent}- {}{comment}\n", keys.join(&next))
        },
    )
}

fn site_text() -> impl Strategy<Value = (String, usize)> {
    let before = prop::sample::select(vec![
        "",
        "# a site\n\n",
        "stage: prepare # now\n",
        "vcenter:\n  url: vsphere://vc1\n  # nothing\n",
    ]);
    let after = prop::sample::select(vec![
        "",
        "\n# the end\n",
        "waivers: []\n",
        "\nmaster_targets:\n  - { name: mt1, ssh: 'local:' } # one\n",
    ]);
    let indent = prop::sample::select(vec!["", "  ", "    "]);
    indent
        .prop_flat_map(move |indent| {
            (before.clone(), prop::collection::vec(written(indent), 0..5), after.clone())
        })
        .prop_map(|(before, answers, after)| {
            let mut text = before.to_owned();
            if !answers.is_empty() {
                text.push_str("answers:\n");
            }
            for (index, answer) in answers.iter().enumerate() {
                text.push_str(&answer.replace("CHECK", &format!("c.n{index}")));
            }
            (text + after, answers.len())
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever the file looks like, the edit is right or is refused; and it is made for every way of writing that is usual.
    #[test]
    fn an_edit_changes_one_answer_and_no_other_line(
        (text, count) in site_text(),
        place in any::<prop::sample::Index>(),
        (adds, is_crlf, ends, has_stage) in any::<(bool, bool, bool, bool)>(),
    ) {
        let text = if is_crlf { text.replace('\n', "\r\n") } else { text };
        let text = if ends { text } else { text.trim_end().to_owned() };
        let replaced = (count > 0 && !adds).then(|| place.index(count));
        let mut new = entry("c.new", AnswerValue::NotApplicable);
        new.by = "o'neil".to_owned();
        new.stage = has_stage.then_some(Stage::Prepare);
        if let Some(index) = replaced {
            new.check = format!("c.n{index}");
        }
        let before: Option<Site> = yaml::parse(&text, "site.yaml").unwrap();
        let before = before.unwrap_or_default();
        let edited = set_answer(&text, "site.yaml", &new, replaced);
        prop_assert!(edited.is_ok(), "{text:?}: {edited:?}");
        let edited = edited.unwrap();
        let after: Site = yaml::parse(&edited, "site.yaml").unwrap();
        let mut expected = before.answers.clone().unwrap_or_default();
        match replaced {
            Some(index) => expected[index] = new,
            None => expected.push(new),
        }
        prop_assert_eq!(after.answers.as_ref(), Some(&expected));
        prop_assert_eq!(Site { answers: None, ..after }, Site { answers: None, ..before });
        // Lines of the old text that are not in the new one: those of the replaced answer alone.
        let mut left: Vec<&str> = edited.lines().collect();
        let gone: Vec<&str> = text
            .lines()
            .filter(|line| match left.iter().position(|new| new == line) {
                Some(at) => {
                    left.remove(at);
                    false
                }
                None => true,
            })
            .collect();
        prop_assert!(gone.len() <= if replaced.is_some() { 6 } else { 0 }, "{text:?} {gone:?}");
        for line in gone {
            let keys = ["value:", "by:", "at:", "stage:", "target:"];
            prop_assert!(keys.iter().any(|key| line.contains(key)), "{line:?}");
        }
    }
}
