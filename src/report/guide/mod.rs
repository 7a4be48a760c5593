//! A guide to bytes: one model, one file per format.
//!
//! Not for what is next (`crate::guide`) nor for writing to a terminal or a file (`cli`).

mod document;
mod html;
mod markdown;
mod text;

use super::json;
use super::style::Style;
use crate::facts::stage::Scenario;
use crate::guide::plan::written;
use crate::guide::step_set::StepSet;

pub use document::GuideReport;

/// One format a guide can have.
pub struct GuideFormat {
    /// What `--format` calls it.
    pub name: &'static str,
    /// Renders a guide.
    pub render: fn(&GuideReport, &Style) -> Vec<u8>,
}

/// All formats; the first is the default.
pub const FORMATS: &[GuideFormat] = &[
    GuideFormat { name: "text", render: |report, style| text::render(report, style).into_bytes() },
    GuideFormat { name: "markdown", render: |report, _| markdown::render(report).into_bytes() },
    GuideFormat { name: "html", render: |report, _| html::render(report).into_bytes() },
    GuideFormat { name: "json", render: |report, _| to_json(report).into_bytes() },
];

fn to_json(report: &GuideReport) -> String {
    json::to_string(report).expect("the model has only text keys and plain values") + "\n"
}

/// `docs/guide.schema.json`.
pub fn schema_json() -> String {
    json::schema_of::<GuideReport>()
}

/// `docs/failback-runbook.md`: every stage of every scenario, for no machine.
pub fn runbook_md(steps: &StepSet) -> String {
    let mut out = String::from(
        "# Failing back, step by step\n\nGenerated from `checks/steps/*.yaml`. `preflight guide SITE` says which of these steps is next for \
         each machine of\na site, and what is done already; `preflight guide --step STAGE` prints one stage. Checks are \
         explained in\n[checks.md](checks.md), sources in [sources.md](sources.md).\n",
    );
    for (scenario, heading) in [
        (Scenario::VmwareClassic, "VMware machines and physical servers"),
        (Scenario::Hyperv, "Hyper-V machines"),
    ] {
        out.push_str(&format!("\n## {heading}\n"));
        let guide = written(steps.scenario(scenario), scenario);
        guide.sections.iter().for_each(|section| out.push_str(&markdown::chapter(section)));
    }
    let modernised = written([steps.modernised()], Scenario::VmwareClassic);
    out.push_str("\n## The modernised experience\n");
    modernised.sections.iter().for_each(|section| out.push_str(&markdown::chapter(section)));
    out
}
