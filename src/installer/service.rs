//! Services of the installed system: their names, where their files belong, and how one of their
//! files is rendered.
//!
//! Not for what any of them does: that is `firstboot`, `self_check` and `registration`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::assets::Assets;
use crate::hint::hinted;
use crate::template::{self, TemplateError};

/// The first boot's name, for `chkconfig` and `systemctl`.
pub const FIRST_BOOT: &str = "preflight-firstboot";
/// The self-check's name.
pub const SELF_CHECK: &str = "preflight-selfcheck";
/// The registration's name.
pub const REGISTER: &str = "preflight-register";

/// How the installed system starts services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum InitSystem {
    /// A script in `/etc/rc.d/init.d`: el6.
    SysV,
    /// A unit: el7.
    Systemd,
}

impl InitSystem {
    /// Where a service's script and its unit belong; SysV has no unit.
    pub fn paths(self, service: &str) -> (String, String) {
        let script = match self {
            Self::SysV => format!("/etc/rc.d/init.d/{service}"),
            Self::Systemd => format!("/usr/libexec/{service}"),
        };
        (script, format!("/etc/systemd/system/{service}.service"))
    }
}

/// A file of a service, with where it belongs on the installed system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceFile {
    /// Its name in the payload.
    pub name: String,
    /// Where it belongs.
    pub installed_path: String,
    /// Its permission bits there.
    pub mode: u32,
    /// Its content: ASCII, LF only.
    pub text: String,
}

/// Why the files of a service cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// A value that has no place in a shell script.
    #[error("{field} is {value:?}, expected {expected}")]
    Value {
        /// Which value.
        field: &'static str,
        /// What it is.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
    /// A template is missing or faulty.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A template renders what el6 must not be given.
    #[error("template {0} renders a byte that is not printable ASCII in line {1}")]
    NotAscii(&'static str, usize),
}

impl ServiceError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotAscii(..) => Some("write the template in printable ASCII".to_owned()),
            Self::Value { .. } | Self::Template(_) => None,
        }
    }
}

hinted!(ServiceError);

/// What the templates of every service know, with what only one of them knows.
#[derive(Serialize)]
struct ServiceModel<'a, M> {
    init: InitSystem,
    service: &'a str,
    script_path: &'a str,
    #[serde(flatten)]
    own: M,
}

/// The files of one service, from its script's template and its unit's: SysV has no unit.
///
/// # Errors
///
/// Fails when a template does not render, or renders what el6 must not be given.
pub(super) fn render_files(
    assets: &Assets,
    init: InitSystem,
    service: &str,
    [script, unit]: [&'static str; 2],
    model: impl Serialize,
) -> Result<Vec<ServiceFile>, ServiceError> {
    let (script_path, unit_path) = init.paths(service);
    let model = &ServiceModel { init, service, script_path: &script_path, own: model };
    let mut files = vec![ServiceFile {
        name: service.to_owned(),
        installed_path: script_path.clone(),
        mode: 0o755,
        text: render_file(assets, script, model)?,
    }];
    if init == InitSystem::Systemd {
        files.push(ServiceFile {
            name: format!("{service}.service"),
            installed_path: unit_path,
            mode: 0o644,
            text: render_file(assets, unit, model)?,
        });
    }
    Ok(files)
}

/// Renders one file of the installed system.
///
/// # Errors
///
/// Fails when the template does not render, or renders what el6 must not be given.
fn render_file(
    assets: &Assets,
    name: &'static str,
    model: &impl Serialize,
) -> Result<String, ServiceError> {
    let text = template::render(assets, name, model)?;
    let odd = |line: &str| !line.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
    match text.lines().position(odd) {
        Some(line) => Err(ServiceError::NotAscii(name, line + 1)),
        None => Ok(text),
    }
}

/// Refuses a path that a shell could read in another way.
pub(super) fn check_path(field: &'static str, value: &str) -> Result<(), ServiceError> {
    let good = value.strip_prefix('/').is_some_and(|rest| rest.split('/').all(is_name));
    check_value(field, value, "an absolute path of letters, digits and ._+-", good)
}

pub(super) fn check_value(
    field: &'static str,
    value: &str,
    expected: &'static str,
    good: bool,
) -> Result<(), ServiceError> {
    if good {
        return Ok(());
    }
    Err(ServiceError::Value { field, value: value.to_owned(), expected })
}

/// Whether a text is one word that shell, grep and paths all read alike.
pub(super) fn is_name(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'+' | b'-');
    !text.is_empty()
        && text.len() <= 128
        && text.bytes().all(plain)
        && !text.starts_with(['-', '.'])
}
