//! GETs of Azure Resource Manager: repeated when the service is busy, followed from page to page, and never anything
//! but a GET. Several requests run at a time, each on a connection that is kept alive.
//!
//! Not for which requests there are (`collect`), nor for where the token comes from (`token`).

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::api::Api;
use super::body::{self, Page};
use super::cloud::Cloud;
use super::resource::encode_path;
use super::token::request::{Token, TokenRequest};
use super::token::source::TokenSource;
use super::token::store::TokenStore;
use super::{link, refusal, retry};
use crate::facts::azure::answers::{AnswerOutcome, AzureAnswer, AzureFailure};
use crate::facts::azure::keep::keep;
use crate::random;
use crate::transport::http::error::ConnectError;
use crate::transport::http::message::{self, HttpError, HttpRequest, HttpResponse, ReadLimits};
use crate::transport::http::stream::{Connector, Deadline};
use crate::transport::http::tls::{self, TlsStream, TlsTrust};

/// How many requests run at a time.
pub const AT_ONCE: usize = 4;

/// How long one attempt of a request may take.
const REQUEST_LIMIT: Duration = Duration::from_secs(30);

/// The most bytes of all answers of a run: about ten thousand machines.
pub const MAX_RUN: usize = 512 * 1024 * 1024;

/// The most pages of one list.
const MAX_PAGES: usize = 200;

/// The most objects of one list.
const MAX_OBJECTS: usize = 200_000;

/// How often the stop flag is looked at while the service wants to be left alone.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Resource Manager, and how to reach it.
pub struct AzureEndpoint {
    /// The cloud.
    pub cloud: Cloud,
    /// Opens connections to it.
    pub connector: Box<dyn Connector + Send + Sync>,
    /// Which certificates are trusted.
    pub trust: TlsTrust,
    /// Where the token comes from.
    pub source: TokenSource,
    /// The time limit of the whole run.
    pub timeout: Duration,
    /// The most bytes of all answers of the run, as [`MAX_RUN`].
    pub max_bytes: usize,
}

/// A GET.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Get {
    /// The interface.
    pub api: Api,
    /// The path and perhaps a query, not encoded and without `api-version`.
    pub path: String,
}

/// A client of one run.
pub struct ArmClient<'a> {
    endpoint: &'a AzureEndpoint,
    tokens: TokenStore<'a>,
    deadline: Deadline,
    stop: &'a AtomicBool,
    /// How many more bytes are read of all answers.
    left: AtomicUsize,
    /// The place of the version in use of each interface that does not have the newest.
    versions: Mutex<BTreeMap<Api, usize>>,
    /// Connections that are kept for the next request.
    idle: Mutex<Vec<TlsStream>>,
    /// The moment before which nothing is asked, for the service wants to be left alone.
    quiet_until: Mutex<Option<Instant>>,
    /// Why no further request can succeed.
    ended: Mutex<Option<AzureFailure>>,
}

/// Why an attempt has no answer.
enum AttemptError {
    /// Another attempt may have one.
    Lost(String),
    /// No other attempt helps.
    Failed(AzureFailure),
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn fail(reason: impl Into<String>) -> AzureFailure {
    AzureFailure { status: None, code: None, reason: reason.into(), lacking: None }
}

impl<'a> ArmClient<'a> {
    /// Creates a client that has no token and no connection yet.
    pub fn new(endpoint: &'a AzureEndpoint, subscription: &'a str, stop: &'a AtomicBool) -> Self {
        let deadline = Deadline::after(endpoint.timeout);
        let request = TokenRequest {
            cloud: &endpoint.cloud,
            connector: endpoint.connector.as_ref(),
            trust: &endpoint.trust,
            subscription,
            deadline,
        };
        Self {
            endpoint,
            tokens: TokenStore::new(&endpoint.source, request),
            deadline,
            stop,
            left: AtomicUsize::new(endpoint.max_bytes),
            versions: Mutex::default(),
            idle: Mutex::default(),
            quiet_until: Mutex::default(),
            ended: Mutex::default(),
        }
    }

    /// Makes requests, at most [`AT_ONCE`] at a time, and gives each answer with its place to `done` as it comes.
    pub fn get_all(&self, gets: &[Get], done: &(impl Fn(usize, AzureAnswer) + Sync)) {
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..gets.len().min(AT_ONCE) {
                scope.spawn(|| {
                    loop {
                        let place = next.fetch_add(1, Ordering::Relaxed);
                        let Some(get) = gets.get(place) else { return };
                        done(place, self.get(get));
                    }
                });
            }
        });
    }

    /// Makes one request and those of all further pages. Of every object only what `facts` reads is kept.
    pub fn get(&self, get: &Get) -> AzureAnswer {
        let mut objects = Vec::new();
        let mut at = None;
        let mut visited = BTreeSet::new();
        let mut next: Option<String> = None;
        let failure = loop {
            let read = match &next {
                None => self.first_page(get),
                Some(target) => self.page(target, &get.path),
            };
            let (page, date) = match read {
                Ok(read) => read,
                Err(failure) => break Some(failure),
            };
            at = date.or(at);
            objects.extend(page.objects.iter().map(keep));
            let Some(link) = page.next else { break None };
            match link::next_page(&link, &self.endpoint.cloud.endpoint) {
                Ok(target) if visited.len() >= MAX_PAGES || objects.len() > MAX_OBJECTS => {
                    tracing::debug!(path = get.path, target, "too many pages");
                    break Some(fail(format!("the list has more than {MAX_PAGES} pages")));
                }
                Ok(target) if !visited.insert(target.clone()) => {
                    break Some(fail("a link to a next page leads back to an earlier one"));
                }
                Ok(target) => next = Some(target),
                Err(error) => break Some(fail(error.to_string())),
            }
        };
        let outcome = match failure {
            None => AnswerOutcome::Objects(objects),
            Some(failure) if at.is_some() && !objects.is_empty() => {
                AnswerOutcome::Partial { objects, failure }
            }
            Some(failure) => AnswerOutcome::Failed(failure),
        };
        AzureAnswer { path: Some(get.path.clone()), at, outcome }
    }

    /// Asks for the first page, in the newest version that the service has.
    fn first_page(&self, get: &Get) -> Result<(Page, Option<jiff::Timestamp>), AzureFailure> {
        loop {
            let place = lock(&self.versions).get(&get.api).copied().unwrap_or(0);
            let version = get.api.versions()[place];
            let (path, query) = get.path.split_once('?').unwrap_or((&get.path, ""));
            let separator = if query.is_empty() { "" } else { "&" };
            let target = format!("{}?{query}{separator}api-version={version}", encode_path(path));
            let response = self.answer(&target)?;
            if response.status == 400 {
                let error = refusal::ArmError::parse(&response.body);
                let codes = ["InvalidApiVersionParameter", "NoRegisteredProviderFound"];
                let older = get.api.older(place, error.message.as_deref().unwrap_or_default());
                if let (true, Some(older)) = (error.has_code(&codes), older) {
                    tracing::debug!(version, "the service does not have this version");
                    lock(&self.versions).insert(get.api, older);
                    continue;
                }
            }
            return self.read_page(&response, &get.path);
        }
    }

    /// Asks for a page by its path and query.
    fn page(
        &self,
        target: &str,
        path: &str,
    ) -> Result<(Page, Option<jiff::Timestamp>), AzureFailure> {
        let response = self.answer(target)?;
        self.read_page(&response, path)
    }

    fn read_page(
        &self,
        response: &HttpResponse,
        path: &str,
    ) -> Result<(Page, Option<jiff::Timestamp>), AzureFailure> {
        if response.status != 200 {
            let failure = refusal::failure(response, path);
            if response.status == 401 {
                self.end(&failure);
            }
            return Err(failure);
        }
        if let Some(coding) = response.header("content-encoding").filter(|name| *name != "identity")
        {
            let coding: String = coding.chars().filter(char::is_ascii_graphic).take(20).collect();
            return Err(fail(format!("the answer is encoded ({coding}), which was not asked for")));
        }
        let page = body::parse(&response.body).and_then(body::read_page);
        let page = page.map_err(|error| AzureFailure {
            status: Some(response.status),
            ..fail(error.to_string())
        })?;
        Ok((page, retry::date(response)))
    }

    /// Notes that no further request can succeed.
    fn end(&self, failure: &AzureFailure) {
        lock(&self.ended).get_or_insert_with(|| failure.clone());
    }

    /// Makes a request until it has an answer that is not to be repeated.
    fn answer(&self, target: &str) -> Result<HttpResponse, AzureFailure> {
        let mut attempt = 0;
        let mut waited = Duration::ZERO;
        loop {
            self.wait_until_quiet_ends()?;
            let token = self.token()?;
            let outcome = self.attempt(target, &token);
            attempt += 1;
            let (asked_wait, failure) = match outcome {
                Ok(response) if response.status == 401 && self.tokens.forget(&token) => {
                    // A new token is no new attempt: there is at most one such.
                    attempt -= 1;
                    continue;
                }
                Ok(response) if !matches!(response.status, 429 | 500 | 502 | 503 | 504) => {
                    return Ok(response);
                }
                Ok(response) => {
                    (retry::requested_wait(&response), refusal::failure(&response, target))
                }
                Err(AttemptError::Lost(why)) => (None, fail(why)),
                Err(AttemptError::Failed(failure)) => return Err(failure),
            };
            let wait = asked_wait.unwrap_or_else(|| retry::own_wait(attempt));
            let is_over = attempt >= retry::ATTEMPTS
                || waited + wait > retry::MAX_WAIT
                || self.deadline.left().is_none_or(|left| left <= wait);
            if is_over {
                let times = if attempt == 1 { String::new() } else { format!(", {attempt} times") };
                let asked = asked_wait.filter(|wait| *wait > retry::MAX_WAIT);
                let asked = asked.map_or_else(String::new, |wait| {
                    format!("; it wants to be asked again in {} s", wait.as_secs())
                });
                let reason = format!("{}{times}{asked}", failure.reason);
                return Err(AzureFailure { reason, ..failure });
            }
            waited += wait;
            // Whoever is told to wait stands for all: they use one account.
            self.stay_quiet(wait);
        }
    }

    fn stay_quiet(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut quiet = lock(&self.quiet_until);
        *quiet = Some(quiet.map_or(until, |other| other.max(until)));
    }

    fn wait_until_quiet_ends(&self) -> Result<(), AzureFailure> {
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return Err(fail(INTERRUPTED));
            }
            if let Some(failure) = lock(&self.ended).clone() {
                return Err(failure);
            }
            if self.deadline.left().is_none() {
                return Err(self.out_of_time());
            }
            let until = *lock(&self.quiet_until);
            let left = until.and_then(|until| until.checked_duration_since(Instant::now()));
            match left.filter(|left| !left.is_zero()) {
                None => return Ok(()),
                Some(left) => std::thread::sleep(left.min(POLL_INTERVAL)),
            }
        }
    }

    fn out_of_time(&self) -> AzureFailure {
        let limit = self.endpoint.timeout.as_secs();
        fail(format!("not asked: the time limit of {limit} s for all of Azure was reached"))
    }

    fn token(&self) -> Result<Arc<Token>, AzureFailure> {
        self.tokens.token().map_err(|error| {
            let hint = error.hint().map_or_else(String::new, |hint| format!("; {hint}"));
            let failure = fail(format!("{error}{hint}"));
            self.end(&failure);
            failure
        })
    }

    /// Makes a request once. When a kept connection turns out to be closed, it is made on a new one.
    fn attempt(&self, target: &str, token: &Token) -> Result<HttpResponse, AttemptError> {
        let deadline = self.deadline.at_most(REQUEST_LIMIT);
        let kept = lock(&self.idle).pop();
        if let Some(mut stream) = kept {
            stream.get_mut().set_deadline(deadline);
            match self.exchange(stream, target, token) {
                Err(HttpError::Closed(0)) => {}
                Err(HttpError::Io(error)) if message::is_stale(&error) => {}
                other => return other.map_err(|error| self.attempt_error(error)),
            }
        }
        let stream = self.connect(deadline)?;
        self.exchange(stream, target, token).map_err(|error| self.attempt_error(error))
    }

    fn connect(&self, mut deadline: Deadline) -> Result<TlsStream, AttemptError> {
        let server = self.endpoint.cloud.endpoint.authority();
        let stream = self.endpoint.connector.open(&server, &mut deadline);
        let secured = stream
            .and_then(|stream| tls::start_tls(stream, &server, &self.endpoint.trust, deadline));
        match secured {
            Ok((stream, _)) => Ok(stream),
            // A server that does not exist or is not trusted is not another one the next time.
            Err(
                error @ (ConnectError::Dns(..)
                | ConnectError::Certificate { .. }
                | ConnectError::NotTls(_)
                | ConnectError::TlsVersion(..)),
            ) => {
                let failure = fail(error.to_string());
                self.end(&failure);
                Err(AttemptError::Failed(failure))
            }
            Err(error) => Err(AttemptError::Lost(error.to_string())),
        }
    }

    fn exchange(
        &self,
        mut stream: TlsStream,
        target: &str,
        token: &Token,
    ) -> Result<HttpResponse, HttpError> {
        let id = request_id();
        let headers = [
            ("Accept", "application/json"),
            ("Accept-Encoding", "identity"),
            ("x-ms-client-request-id", id.as_str()),
        ];
        let request = HttpRequest {
            path: target,
            host: &self.endpoint.cloud.endpoint.host_field(),
            headers: &headers,
            secret_header: Some(("Authorization", &token.authorization)),
            session_cookie: None,
            content: None,
        };
        let limits = ReadLimits { body: body::MAX_BYTES, total: self.left.load(Ordering::Relaxed) };
        let response = message::exchange(&mut stream, &request, limits)?;
        let take = |left: usize| Some(left.saturating_sub(response.read));
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).ok();
        let path = target.split('?').next();
        let correlation = response.header("x-ms-correlation-request-id");
        let (status, bytes) = (response.status, response.body.len());
        tracing::debug!(path, status, bytes, id, correlation, "answer");
        if !response.closes {
            lock(&self.idle).push(stream);
        }
        Ok(response)
    }

    fn attempt_error(&self, error: HttpError) -> AttemptError {
        match error {
            HttpError::Io(error) if error.kind() == io::ErrorKind::TimedOut => {
                AttemptError::Lost(match self.deadline.left() {
                    Some(_) => format!("no answer within {} s", REQUEST_LIMIT.as_secs()),
                    None => self.out_of_time().reason,
                })
            }
            HttpError::Io(error) => AttemptError::Lost(format!("the connection broke: {error}")),
            HttpError::Closed(..) => AttemptError::Lost(error.to_string()),
            HttpError::SessionTooLong => {
                let mib = self.endpoint.max_bytes >> 20;
                let failure = fail(format!("the answers have more than {mib} MiB altogether"));
                self.end(&failure);
                AttemptError::Failed(failure)
            }
            HttpError::BodyTooLong(..)
            | HttpError::HeadTooLong
            | HttpError::NotHttp(_)
            | HttpError::Length(_) => AttemptError::Failed(fail(error.to_string())),
        }
    }
}

/// Why a request was not made when somebody stopped the run.
pub const INTERRUPTED: &str = "interrupted before it was asked";

/// Returns a random UUID, by which the service's own logs find a request; without random numbers one of zeros.
fn request_id() -> String {
    let mut bytes = [0; 16];
    random::fill(&mut bytes).ok();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
