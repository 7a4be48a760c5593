//! How a vault is asked, from options or a site file.
//!
//! Not for asking it (`vault`), nor for what the answers mean (`facts::azure`).

use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};

use super::args::{AzureArgs, TlsArgs};
use super::terminal::failure::message;
use super::vault::VaultSource;
use crate::facts::azure::answers::{AnswerOutcome, AzureAnswer, AzureFailure, VaultAnswers};
use crate::regular_file;
use crate::secret::Secret;
use crate::site::AzureVault;
use crate::transport::azure::AzureQuery;
use crate::transport::azure::address::{VaultAddress, is_group_name};
use crate::transport::azure::client::{AzureEndpoint, MAX_RUN};
use crate::transport::azure::cloud::{Cloud, Origin};
use crate::transport::azure::export;
use crate::transport::azure::token::error::TokenError;
use crate::transport::azure::token::request::MAX_TOKEN;
use crate::transport::azure::token::source::TokenSource;
use crate::transport::http::proxy::EnvironmentProxy;
use crate::transport::http::tls::TlsTrust;

/// How long all of Azure may take in a run of a site.
const SITE_TIMEOUT: Duration = Duration::from_secs(300);

/// The variable with another login, as the identity libraries have it.
const LOGIN_VARIABLE: &str = "AZURE_AUTHORITY_HOST";

/// Returns the vault that options name.
pub fn named(target: &str, args: &AzureArgs) -> anyhow::Result<VaultSource> {
    let path = target.strip_prefix("capture:").unwrap_or(target);
    if !VaultAddress::is_meant(target) && Path::new(path).exists() {
        return recorded(Path::new(path));
    }
    let entry = vault_of(target, args);
    let timeout = Duration::from_secs(args.timeout);
    let query = query(&entry, args.ca_file.as_deref(), timeout)?;
    let query = query.context("the token of Azure")?;
    Ok(VaultSource::Live(Box::new(query)))
}

/// Returns a vault with what options say of how it is reached.
pub fn vault_of(target: &str, args: &AzureArgs) -> AzureVault {
    AzureVault {
        cloud: args.cloud.clone(),
        endpoint: args.azure_endpoint.clone(),
        login: args.azure_login.clone(),
        audience: args.azure_audience.clone(),
        token_file: args.azure_token_file.clone(),
        groups: args.groups.clone(),
        ..AzureVault::new(target)
    }
}

/// Returns the vault of a site. Without a token it is a failed answer, which leaves Azure's facts
/// unknown and no others.
pub fn of_site(entry: &AzureVault, tls: &TlsArgs) -> anyhow::Result<VaultSource> {
    if let Some(path) = entry.capture() {
        return recorded(path);
    }
    Ok(match query(entry, tls.ca_file.as_deref(), SITE_TIMEOUT)? {
        Ok(query) => VaultSource::Live(Box::new(query)),
        Err(error) => VaultSource::recorded(without_token(entry, &error)),
    })
}

fn recorded(path: &Path) -> anyhow::Result<VaultSource> {
    let export = export::read(path)?;
    for note in &export.notes {
        anstream::eprintln!("preflight: {}", message(note));
    }
    Ok(VaultSource::recorded(export.answers))
}

/// Returns the answers about a vault that could not be asked.
fn without_token(entry: &AzureVault, error: &TokenError) -> VaultAnswers {
    let resource = entry.vault.parse::<VaultAddress>().ok().and_then(|vault| vault.resource());
    let id = resource.map(|resource| resource.to_path());
    let reason = match error.hint() {
        Some(hint) => format!("{error}; {hint}"),
        None => error.to_string(),
    };
    let failure = AzureFailure { status: None, code: None, reason, lacking: None };
    let mut answers = VaultAnswers::new(id.clone());
    answers.answers.push(AzureAnswer {
        path: id,
        at: None,
        outcome: AnswerOutcome::Failed(failure),
    });
    answers
}

/// Returns the query of a vault, or why there is no token for it.
fn query(
    entry: &AzureVault,
    authorities: Option<&Path>,
    timeout: Duration,
) -> anyhow::Result<Result<AzureQuery, TokenError>> {
    let vault: VaultAddress = entry.vault.parse()?;
    if let Some(group) = entry.groups.iter().find(|group| !is_group_name(group)) {
        bail!("{group:?} is not a name of a resource group");
    }
    let cloud = cloud(entry)?;
    if let Some(authorities) = authorities {
        std::fs::metadata(authorities)
            .with_context(|| format!("--ca-file: cannot read {}", authorities.display()))?;
    }
    let trust = TlsTrust { authorities: authorities.map(Path::to_owned), ..TlsTrust::default() };
    let given = entry.token_file.as_deref().map(read_token).transpose()?;
    let variable = |name: &str| std::env::var(name).ok();
    let source = match TokenSource::choose(given, &variable) {
        Ok(source) => source,
        Err(error) => return Ok(Err(error)),
    };
    let connector = Box::new(EnvironmentProxy::from_variables(&variable)?);
    let endpoint = AzureEndpoint { cloud, connector, trust, source, timeout, max_bytes: MAX_RUN };
    let groups = entry.groups.clone();
    Ok(Ok(AzureQuery { vault, groups, machines: Vec::new(), endpoint }))
}

/// Returns the cloud of a vault.
fn cloud(entry: &AzureVault) -> anyhow::Result<Cloud> {
    let mut cloud = match &entry.cloud {
        None => Cloud::public(),
        Some(name) => Cloud::from_name(name).with_context(|| {
            format!("there is no cloud {name:?}: choose one of {}", Cloud::names().join(", "))
        })?,
    };
    let login = std::env::var(LOGIN_VARIABLE).ok().filter(|login| !login.is_empty());
    if let Some(login) = login {
        cloud.login = login.parse::<Origin>().context(LOGIN_VARIABLE)?;
    }
    if let Some(endpoint) = &entry.endpoint {
        cloud.endpoint = endpoint.parse().context("the endpoint of Azure")?;
        cloud.audience = format!("{}/", cloud.endpoint);
    }
    if let Some(login) = &entry.login {
        cloud.login = login.parse().context("the login of Azure")?;
    }
    if let Some(audience) = &entry.audience {
        let is_plain = audience.bytes().all(|byte| byte.is_ascii_graphic());
        anyhow::ensure!(
            is_plain && !audience.is_empty(),
            "the audience of Azure: {audience:?} is none"
        );
        cloud.audience.clone_from(audience);
    }
    Ok(cloud)
}

/// Reads a token from a file that only its owner can read.
fn read_token(path: &Path) -> anyhow::Result<Secret> {
    let unread = || format!("the token of Azure: cannot read {}", path.display());
    let file = regular_file::open(path).with_context(unread)?;
    let mode = file.metadata().with_context(unread)?.permissions().mode();
    if mode & 0o077 != 0 {
        bail!("the token of Azure: {} can be read by others, chmod it to 0600", path.display());
    }
    let mut text = String::with_capacity(MAX_TOKEN + 2);
    file.take(MAX_TOKEN as u64 + 1).read_to_string(&mut text).with_context(unread)?;
    Ok(Secret::new(text))
}
