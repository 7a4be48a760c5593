//! Rendering templates: kickstarts, scripts and boot entries without escaping, pages with escaping for
//! HTML. A missing value is always an error.
//!
//! Not for validating values: these are typed before.

use handlebars::{
    Context, Handlebars, Helper, HelperResult, Output, RenderContext, RenderErrorReason,
};
use serde::Serialize;

use crate::assets::{AssetError, AssetKind, Assets};
use crate::shell;

/// Why a template did not render.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The template cannot be read.
    #[error(transparent)]
    Asset(#[from] AssetError),
    /// The template has a syntax error.
    #[error("template {0}: {1}")]
    Syntax(String, String),
    /// A value is missing or of the wrong kind.
    #[error("template {0}: {1}")]
    Render(String, String),
}

/// The helper `{{sh value}}`, which quotes a value as one word of a POSIX shell.
fn shell_word(
    helper: &Helper<'_>,
    _: &Handlebars<'_>,
    _: &Context,
    _: &mut RenderContext<'_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    let text = helper
        .param(0)
        .and_then(|param| param.value().as_str())
        .ok_or_else(|| RenderErrorReason::Other("{{sh ...}} wants one text".to_owned()))?;
    out.write(&shell::quote(text))?;
    Ok(())
}

fn new_engine() -> Handlebars<'static> {
    let mut engine = Handlebars::new();
    engine.set_strict_mode(true);
    // The default escapes for HTML, which turns `$6$a/b=` into `$6$a/b&#x3D;`.
    engine.register_escape_fn(handlebars::no_escape);
    engine.register_helper("sh", Box::new(shell_word));
    engine
}

/// Renders the template `name` of `assets`, such as `kickstart/ks.cfg.hbs`, over `model`. A partial
/// `{{> service/files}}` is the template `service/files.sh.hbs`.
///
/// # Errors
///
/// Fails when the template is missing or faulty, or names what the model does not have.
pub fn render(
    assets: &Assets,
    name: &str,
    model: &impl Serialize,
) -> Result<String, TemplateError> {
    render_asset(new_engine(), assets, name, ".sh.hbs", model)
}

/// Renders a template with its partials, whose files have this ending and are in a directory.
fn render_asset(
    mut engine: Handlebars<'_>,
    assets: &Assets,
    name: &str,
    ending: &str,
    model: &impl Serialize,
) -> Result<String, TemplateError> {
    let asset = assets.read(AssetKind::Template, name)?;
    for partial in partials(&asset.text).filter(|partial| partial.contains('/')) {
        let part = format!("{partial}{ending}");
        let text = assets.read(AssetKind::Template, &part)?.text;
        engine
            .register_partial(partial, text)
            .map_err(|error| TemplateError::Syntax(part, error.to_string()))?;
    }
    render_with(engine, name, &asset.text, model)
}

/// The partials that a template names, as in `{{> service/files}}`. They name none themselves.
fn partials(text: &str) -> impl Iterator<Item = &str> {
    text.split("{{>").skip(1).filter_map(|rest| Some(rest.split_once("}}")?.0.trim()))
}

/// Renders an embedded page, such as `report/report.html.hbs`, with all values escaped for HTML. A
/// partial `{{> report/site}}` is the template `report/site.html.hbs`; one without a slash is
/// defined in the page.
///
/// # Errors
///
/// As [`render`].
pub fn render_page(name: &str, model: &impl Serialize) -> Result<String, TemplateError> {
    render_asset(page_engine(), &Assets::embedded(), name, ".html.hbs", model)
}

fn page_engine() -> Handlebars<'static> {
    let mut engine = Handlebars::new();
    engine.set_strict_mode(true);
    engine.register_escape_fn(handlebars::html_escape);
    engine
}

fn render_with(
    mut engine: Handlebars<'_>,
    name: &str,
    text: &str,
    model: &impl Serialize,
) -> Result<String, TemplateError> {
    engine
        .register_template_string("main", text)
        .map_err(|error| TemplateError::Syntax(name.to_owned(), error.to_string()))?;
    engine
        .render("main", model)
        .map_err(|error| TemplateError::Render(name.to_owned(), error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_escapes_and_misses_nothing() {
        let text = render_with(page_engine(), "t", "{{a}}", &serde_json::json!({ "a": "<&'\">" }))
            .unwrap();
        assert_eq!(text, "&lt;&amp;&#x27;&quot;&gt;");
        assert!(render_with(page_engine(), "t", "{{nope}}", &serde_json::json!({})).is_err());
    }

    #[test]
    fn a_missing_value_is_an_error_and_nothing_is_escaped() {
        assert!(render_with(new_engine(), "t", "{{nope}}", &serde_json::json!({})).is_err());
        let text = render_with(new_engine(), "t", "{{a}}", &serde_json::json!({ "a": "<&'\"=>" }))
            .unwrap();
        assert_eq!(text, "<&'\"=>");
    }
}
