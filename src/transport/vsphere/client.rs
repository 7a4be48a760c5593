//! Calls to one server: each sent over a connection that is kept, opened anew when it was lost,
//! and answered by a reply or a fault.
//!
//! Not for logging in (`session`), nor for which calls there are.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::address::VsphereAddress;
use super::error::VsphereError;
use super::soap::{self, ObjectRef, ReplyError, SoapArg, SoapFault, SoapReply};
use super::xml::XmlElement;
use crate::secret::Secret;
use crate::transport::http::message::{
    self, Content, HttpError, HttpRequest, HttpResponse, MAX_SESSION,
};
use crate::transport::http::stream::{Connector, Deadline};
use crate::transport::http::tls::{self, TlsStream, TlsTrust};

/// The cookie that is a session.
const SESSION_COOKIE: &str = "vmware_soap_session";

/// A service that starts, or is at its limit, says 503 for a moment; these are the moments.
const RETRY_PAUSES: [Duration; 2] = [Duration::from_millis(300), Duration::from_millis(700)];

/// The call that ends a session.
pub const LOGOUT: &str = "Logout";

/// Why a call has no answer.
#[derive(Debug)]
pub enum CallError {
    /// The server refused it; another call may succeed.
    Fault(SoapFault),
    /// Nothing more can be asked.
    Fatal(VsphereError),
}

impl From<VsphereError> for CallError {
    fn from(error: VsphereError) -> Self {
        Self::Fatal(error)
    }
}

/// Who is called, and how.
#[derive(Clone, Copy)]
pub struct Endpoint<'a> {
    /// The way to the server.
    pub connector: &'a dyn Connector,
    /// The server.
    pub address: &'a VsphereAddress,
    /// How it is identified.
    pub trust: &'a TlsTrust,
    /// Becomes true when somebody stops it: from then on the only call is to log out.
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
    /// What is left of the bytes that the server may say altogether.
    left: usize,
}

impl<'a> SoapClient<'a> {
    /// A client that is not connected yet.
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

    /// Connects, and tells how the server was identified.
    ///
    /// # Errors
    ///
    /// Says why there is no connection to a server that is trusted.
    pub fn connect(&mut self) -> Result<tls::TlsSession, VsphereError> {
        let Endpoint { connector, address, trust, .. } = self.endpoint;
        let server = address.authority();
        let stream = connector.open(&server, &mut self.deadline)?;
        let (secured, session) = tls::start_tls(stream, &server, trust, self.deadline)?;
        self.connection = Some(secured);
        Ok(session)
    }

    /// Takes over the session of another client.
    pub fn take_session_from(&mut self, of: &mut SoapClient<'_>) {
        self.cookie = of.cookie.take();
    }

    /// Forgets the session: a server takes a login in one for a mistake.
    pub fn forget_session(&mut self) {
        self.cookie = None;
    }

    /// Makes calls in another version of the API.
    pub fn set_version(&mut self, version: &str) {
        self.version = version.to_owned();
    }

    /// The version that calls are made in.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// When nothing more is waited for.
    pub fn deadline(&self) -> Deadline {
        self.deadline
    }

    /// Calls a method and gives what it answers.
    ///
    /// # Errors
    ///
    /// [`CallError::Fault`] when the server refuses the call, [`CallError::Fatal`] when there is no
    /// talking to it.
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

    /// Reads a file by its path and query, which have their percent signs where they belong. Any
    /// status is an answer.
    ///
    /// # Errors
    ///
    /// Says why there was no answer.
    pub fn file(&mut self, path: &str) -> Result<HttpResponse, VsphereError> {
        self.exchange("for a file", path, None)
    }

    /// Sends a request. A kept connection may have been closed meanwhile; then it goes out once
    /// more on a new one, which does no harm: no call changes anything, but for the one that sets a
    /// value, and setting it twice is setting it once.
    fn exchange(
        &mut self,
        method: &str,
        path: &str,
        content: Option<Content<'_>>,
    ) -> Result<HttpResponse, VsphereError> {
        if let Some(connection) = self.connection.take() {
            match self.send(connection, method, path, content) {
                Err(HttpError::Closed { bytes: 0 }) => {}
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
        let request = HttpRequest {
            path,
            host: &self.host,
            session_cookie: SESSION_COOKIE,
            session: self.cookie.as_ref(),
            content,
        };
        let mut response = message::exchange(&mut connection, &request, self.left)?;
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
            error => VsphereError::Protocol { doing, error },
        }
    }
}

/// Whether a connection that was kept turned out to be gone.
fn is_stale(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::UnexpectedEof
    )
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
            Err(CallError::Fatal(VsphereError::Xml { doing, error }))
        }
    }
}
