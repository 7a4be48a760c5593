//! SOAP calls to one server, over a connection that is kept alive and opened anew when it was lost.
//!
//! Not for logging in (`session`), nor for which calls there are.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::error::VsphereError;
use super::soap::{self, ObjectRef, ReplyError, SoapArg, SoapFault, SoapReply};
use super::xml::XmlElement;
use crate::secret::Secret;
use crate::transport::http::message::{
    self, Content, HttpError, HttpRequest, HttpResponse, MAX_SESSION, ReadLimits, is_stale,
};
use crate::transport::http::stream::{Connector, Deadline};
use crate::transport::http::tls::{self, TlsStream, TlsTrust};
use crate::uri::vsphere::VsphereAddress;

/// The cookie that is a session.
const SESSION_COOKIE: &str = "vmware_soap_session";

/// The most bytes of one answer's body. A page of a hundred virtual machines has about one million.
const MAX_BODY: usize = 16 * 1024 * 1024;

/// The pauses before a call is repeated: a service that starts or is overloaded answers 503.
const RETRY_PAUSES: [Duration; 2] = [Duration::from_millis(300), Duration::from_millis(700)];

/// The call that ends a session.
pub const LOGOUT: &str = "Logout";

/// Why a call failed.
#[derive(Debug, derive_more::From)]
pub enum CallError {
    /// The server refused it; another call may succeed.
    Fault(SoapFault),
    /// No further call can succeed.
    #[from]
    Fatal(VsphereError),
}

/// A server, and how to connect to it.
#[derive(Clone, Copy)]
pub struct Endpoint<'a> {
    /// Opens connections to the server.
    pub connector: &'a dyn Connector,
    /// The server's address.
    pub address: &'a VsphereAddress,
    /// Which certificates are trusted.
    pub trust: &'a TlsTrust,
    /// Becomes true when the run is stopped: from then on only logging out is allowed.
    pub stop: &'a AtomicBool,
}

/// A connection to one server.
pub struct SoapClient<'a> {
    endpoint: Endpoint<'a>,
    deadline: Deadline,
    host: String,
    connection: Option<TlsStream>,
    cookie: Option<Secret>,
    /// The API version that calls are made in.
    version: String,
    /// How many more bytes are read of all answers.
    left: usize,
}

impl<'a> SoapClient<'a> {
    /// Creates a client that is not connected yet.
    pub fn new(endpoint: Endpoint<'a>, deadline: Deadline) -> Self {
        Self {
            endpoint,
            deadline,
            host: endpoint.address.to_string(),
            connection: None,
            cookie: None,
            version: "5.5".to_owned(),
            left: MAX_SESSION,
        }
    }

    /// Connects, and returns how the server was identified.
    ///
    /// # Errors
    ///
    /// Fails when the server is not reached or not trusted.
    pub fn connect(&mut self) -> Result<tls::TlsSession, VsphereError> {
        let Endpoint { connector, address, trust, .. } = self.endpoint;
        let server = address.authority();
        let stream = connector.open(&server, &mut self.deadline)?;
        let (secured, session) = tls::start_tls(stream, &server, trust, self.deadline)?;
        self.connection = Some(secured);
        Ok(session)
    }

    /// Takes the session of another client over.
    pub fn take_session_from(&mut self, of: &mut SoapClient<'_>) {
        self.cookie = of.cookie.take();
    }

    /// Forgets the session: a server refuses a login within one.
    pub fn forget_session(&mut self) {
        self.cookie = None;
    }

    /// Sets the API version of further calls.
    pub fn set_version(&mut self, version: &str) {
        self.version = version.to_owned();
    }

    /// Returns the API version of calls.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Returns the deadline of all calls.
    pub fn deadline(&self) -> Deadline {
        self.deadline
    }

    /// Calls a method and returns its response element.
    ///
    /// # Errors
    ///
    /// [`CallError::Fault`] when the server refuses the call, [`CallError::Fatal`] when no
    /// further call can succeed.
    pub fn call(
        &mut self,
        method: &str,
        this: &ObjectRef,
        args: &[SoapArg<'_>],
    ) -> Result<XmlElement, CallError> {
        if method != LOGOUT && self.endpoint.stop.load(Ordering::Relaxed) {
            return Err(CallError::Fatal(VsphereError::Interrupted));
        }
        let envelope = soap::build_envelope(method, this, args);
        tracing::debug!(method, object = %this, "call");
        let action = format!("\"urn:vim25/{}\"", self.version);
        let headers = [
            ("Content-Type", "text/xml; charset=utf-8"),
            ("SOAPAction", action.as_str()),
            ("Accept", "text/xml"),
        ];
        let content = Content { headers: &headers, body: envelope.expose() };
        let mut pauses = RETRY_PAUSES.iter();
        loop {
            let response = self.exchange(method, "/sdk", Some(content))?;
            if response.status == 503
                && let Some(&pause) = pauses.next()
                && self.deadline.left().is_some_and(|left| left > pause)
            {
                tracing::debug!(method, "503, once more");
                std::thread::sleep(pause);
                continue;
            }
            return parse_response(method, &response);
        }
    }

    /// Fetches a file by its path and query, which are percent-encoded. Any status is an answer.
    ///
    /// # Errors
    ///
    /// Fails when there was no answer.
    pub fn file(&mut self, path: &str) -> Result<HttpResponse, VsphereError> {
        self.exchange("for a file", path, None)
    }

    /// Sends a request. When the kept connection turns out to be closed, the request is repeated on a
    /// new one. That is safe: the only call that changes anything sets a value, which may be set
    /// twice.
    fn exchange(
        &mut self,
        method: &str,
        path: &str,
        content: Option<Content<'_>>,
    ) -> Result<HttpResponse, VsphereError> {
        if let Some(connection) = self.connection.take() {
            match self.send(connection, method, path, content) {
                Err(HttpError::Closed(0)) => {}
                Err(HttpError::Io(error)) if is_stale(&error) => {}
                other => return other.map_err(|error| self.protocol_error(method, error)),
            }
        }
        self.connect()?;
        let connection = self.connection.take().expect("it has just been made");
        self.send(connection, method, path, content)
            .map_err(|error| self.protocol_error(method, error))
    }

    fn send(
        &mut self,
        mut connection: TlsStream,
        method: &str,
        path: &str,
        content: Option<Content<'_>>,
    ) -> Result<HttpResponse, HttpError> {
        let cookie = self
            .cookie
            .as_ref()
            .map(|cookie| Secret::new(format!("{SESSION_COOKIE}={}", cookie.expose())));
        let request = HttpRequest {
            path,
            host: &self.host,
            headers: &[],
            secret_header: cookie.as_ref().map(|cookie| ("Cookie", cookie)),
            session_cookie: Some(SESSION_COOKIE),
            content,
        };
        let limits = ReadLimits { body: MAX_BODY, total: self.left };
        let mut response = message::exchange(&mut connection, &request, limits)?;
        tracing::debug!(method, status = response.status, bytes = response.body.len(), "answer");
        self.left = self.left.saturating_sub(response.read);
        if !response.closes {
            self.connection = Some(connection);
        }
        if let Some(cookie) = response.session.take() {
            self.cookie = Some(cookie);
        }
        Ok(response)
    }

    fn protocol_error(&self, method: &str, error: HttpError) -> VsphereError {
        let doing = format!("asking {method}");
        match error {
            HttpError::Io(error) if error.kind() == io::ErrorKind::TimedOut => {
                self.deadline.to_error(&doing).into()
            }
            error => VsphereError::Protocol(doing, error),
        }
    }
}

fn parse_response(method: &str, response: &HttpResponse) -> Result<XmlElement, CallError> {
    match soap::parse_reply(response) {
        Ok(SoapReply::Answer(answer)) => Ok(answer),
        Ok(SoapReply::Fault(fault)) => Err(CallError::Fault(fault)),
        Err(ReplyError::Status) => Err(CallError::Fatal(VsphereError::Http {
            status: response.status,
            reason: response.reason.chars().take(80).collect(),
            location: response.location.clone().map(|place| place.chars().take(200).collect()),
        })),
        Err(ReplyError::Other(why)) => Err(CallError::Fatal(VsphereError::NotVsphere(why))),
        Err(ReplyError::Xml(error)) => {
            let doing = format!("asking {method}");
            Err(CallError::Fatal(VsphereError::Xml(doing, error)))
        }
    }
}
