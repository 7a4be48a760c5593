//! `list questions`: the questions to people, and those that are open at a site.
//!
//! Not for asking them (`answer`).

use crate::assets::Assets;
use crate::cli::ExitStatus;
use crate::cli::args::{QuestionArgs, SelectArgs, TextOrJson};
use crate::cli::checks::load_checks;
use crate::cli::collect::CollectOptions;
use crate::cli::login::SshDefaults;
use crate::cli::questions::QuestionSession;
use crate::cli::terminal::screen;
use crate::cli::whole_site::select_site;
use crate::report::{self, questions};
use std::io::Write;

/// Prints the questions.
pub fn list(
    args: &QuestionArgs,
    format: TextOrJson,
    assets: &Assets,
) -> anyhow::Result<ExitStatus> {
    let checks = load_checks(assets, args.own_checks.as_deref())?;
    let listed = match &args.site {
        None => questions::catalogue(&checks, None),
        Some(path) => {
            let mut selection = select_site(path, args.captures.as_deref(), &checks)?;
            let stage = SelectArgs { stage: args.stage, ..SelectArgs::default() };
            selection.choose(&stage, &checks)?;
            let catalogue = questions::catalogue(&checks, Some(selection.site.scenario));
            let now = args.now.unwrap_or_else(jiff::Timestamp::now);
            let session = if args.captures.is_some() {
                let (ssh, tls) = (SshDefaults::without_login()?, Default::default());
                let options = CollectOptions { now: args.now, ..CollectOptions::new(ssh, &tls) };
                QuestionSession::collect(selection, &checks, &options, now)?
            } else {
                QuestionSession::offline(selection, now)
            };
            let list = session.list(&checks)?;
            let site = questions::of_site(&checks, &list.targets, &list.questions);
            questions::QuestionCatalogue { site: Some(site), ..catalogue }
        }
    };
    match format {
        TextOrJson::Json => writeln!(screen::stdout(), "{}", report::json::to_string(&listed)?)?,
        TextOrJson::Text => {
            write!(screen::stdout(), "{}", questions::render(&listed, screen::report_width()))?;
        }
    }
    Ok(ExitStatus::Clean)
}
