//! The guide as one page with boxes to tick: no script, nothing from elsewhere, and it prints well.
//!
//! This is what stands on the page; how it looks is `templates/report/guide.html.hbs`. Every text is made visible here and escaped
//! there.

use serde_json::{Value, json};

use super::super::first_steps::stage_lines;
use super::super::html::make_all_visible;
use super::super::layout::{capitalize, pluralize, single_line};
use super::document::{
    GuideReport, as_now, conditional, machine_names, places, step_details, told_places,
};
use crate::check::finding::OutcomeKind;
use crate::guide::model::{
    AdviceItem, GuideSection, NowStep, OpenFinding, OpenPlace, Readiness, StageSummary, StepRow,
};
use crate::template;

/// Renders a guide as a page.
pub(super) fn render(report: &GuideReport) -> String {
    let mut page = json!({
        "version": report.tool.version,
        "at": report.run.at,
        "complete": report.run.complete,
        "sections": report.guide.sections.iter().map(section_card).collect::<Vec<_>>(),
        "notes": report.guide.notes,
    });
    make_all_visible(&mut page);
    let page = template::render_page("report/guide.html.hbs", &page);
    page.expect("the embedded page asks for nothing but what it is given")
}

fn section_card(section: &GuideSection) -> Value {
    let stage = section.stage_word();
    let names = machine_names(section);
    let heading =
        names.as_ref().map_or_else(|| capitalize(stage), |names| format!("{names}: {stage}"));
    let of_stage = |words: &dyn Fn(&StageSummary) -> String| {
        section.stage.as_ref().map_or_else(String::new, words)
    };
    let title = |stage: &StageSummary| {
        format!("{}. {}", capitalize(&stage.title), single_line(&stage.enter))
    };
    let next = section.next.as_ref();
    let next_steps = next.map(|next| next.steps.iter().map(|step| step_card(&as_now(step))));
    let lists = [
        ("Never", "blocker", &section.never),
        ("Look afterwards", "pass", &section.verify),
        ("If it goes wrong", "warning", &section.if_wrong),
    ];
    let lists = lists.into_iter().filter(|(_, _, items)| !items.is_empty());
    let lists = lists.map(|(heading, class, items)| {
        let items: Vec<Value> = items.iter().map(advice_row).collect();
        json!({ "heading": heading, "class": class, "items": items })
    });
    let to_say: Vec<String> = section.to_say.iter().map(|text| single_line(text)).collect();
    json!({
        "heading": heading,
        "class": match section.progress {
            Readiness::Blocked => "blocker",
            Readiness::Undecided => "unknown",
            Readiness::Clear => "pass",
        },
        "word": names.map_or("", |_| section.progress.as_str()),
        "title": of_stage(&title),
        "known_by": stage_lines(&section.machines),
        "takes": of_stage(&|stage| single_line(&stage.takes)),
        "ended_by": section.ended_by.iter().map(finding_card).collect::<Vec<_>>(),
        "to_say": to_say,
        "done": rows(&section.done),
        "not_needed": rows(&section.not_needed),
        "first": section.first.iter().map(finding_card).collect::<Vec<_>>(),
        "now": section.now.iter().map(step_card).collect::<Vec<_>>(),
        "later": rows(&section.later),
        "warnings": section.warnings.iter().map(finding_card).collect::<Vec<_>>(),
        "lists": lists.collect::<Vec<_>>(),
        // What has to be so before the next stage, and which that is; empty at the end.
        "leave": next.map_or_else(String::new, |_| of_stage(&|stage| single_line(&stage.leave))),
        "next": next.map_or_else(String::new, |next| format!("{}: {}", next.stage, next.title)),
        "next_steps": next_steps.into_iter().flatten().collect::<Vec<_>>(),
    })
}

fn rows(rows: &[StepRow]) -> Vec<Value> {
    let row =
        |row: &StepRow| json!({ "text": single_line(&row.text), "checks": row.checks.join(", ") });
    rows.iter().map(row).collect()
}

fn step_card(now: &NowStep) -> Value {
    let details = step_details(&now.step).into_iter();
    let details = details.map(|(label, text)| json!({ "label": label, "text": text }));
    json!({
        "text": conditional(now.condition.as_deref(), &now.step.text),
        "open": now.open.iter().map(finding_card).collect::<Vec<_>>(),
        "details": details.collect::<Vec<_>>(),
        "commands": now.step.commands,
        "proved_by": now.step.proved_by.join(", "),
        "source": now.step.source.to_string(),
    })
}

fn finding_card(finding: &OpenFinding) -> Value {
    let (class, word) = match finding.outcome {
        OutcomeKind::Unknown => ("unknown", "unknown"),
        _ if finding.is_blocker() => ("blocker", "fail"),
        _ => ("warning", "warn"),
    };
    let many = finding.places.len() > 1;
    let (told, left) = told_places(finding);
    let place = |place: &OpenPlace| {
        let remedy = place.remedy.as_ref();
        json!({
            "targets": if many { place.targets.join(", ") } else { String::new() },
            "found": place.found,
            "remedy": remedy.map_or_else(String::new, |remedy| single_line(&remedy.text)),
            "commands": remedy.map_or(&[][..], |remedy| &remedy.commands),
        })
    };
    let more = format!("and {}", pluralize(left, "more target"));
    json!({
        "class": class,
        "word": word,
        "heading": format!("{}{} ({})", finding.check, places(finding), finding.severity),
        "places": told.iter().map(place).collect::<Vec<_>>(),
        "more": if left > 0 { more } else { String::new() },
        "also": finding.also.join(", "),
    })
}

fn advice_row(item: &AdviceItem) -> Value {
    json!({
        "text": conditional(item.condition.as_deref(), &item.text),
        "holds": item.holds.join(", "),
        "is_proved": item.is_proved,
    })
}
