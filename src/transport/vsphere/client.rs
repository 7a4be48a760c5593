//! Calls to one server: each sent over a connection that is kept, opened anew when it was lost,
//! and answered by a reply or a fault.
//!
//! Not for logging in (`session`), nor for which calls there are.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::address::Address;
use super::failure::VsphereError;
use super::http::{self, Asks, HttpError, MAX_SESSION, Request, Response};
use super::soap::{self, Arg, Fault, NoReply, Reference, Reply};
use super::stream::{Deadline, Route};
use super::tls::{self, Secured, Trust};
use super::xml::Element;
use crate::secret::Secret;

/// A service that starts, or is at its limit, says 503 for a moment; these are the moments.
const PATIENCE: [Duration; 2] = [Duration::from_millis(300), Duration::from_millis(700)];

/// The call that ends a session.
pub const LOGOUT: &str = "Logout";

/// Why a call has no answer.
#[derive(Debug)]
pub enum Trouble {
    /// The server refused it; another call may succeed.
    Fault(Fault),
    /// Nothing more can be asked.
    Broken(VsphereError),
}

impl From<VsphereError> for Trouble {
    fn from(error: VsphereError) -> Self {
        Self::Broken(error)
    }
}

/// Who is called, and how.
#[derive(Clone, Copy)]
pub struct Callee<'a> {
    /// The way to the server.
    pub route: &'a dyn Route,
    /// The server.
    pub to: &'a Address,
    /// How it is identified.
    pub trust: &'a Trust,
    /// Becomes true when somebody stops it: from then on the only call is to log out.
    pub stop: &'a AtomicBool,
}

/// A connection to one server.
pub struct Client<'a> {
    callee: Callee<'a>,
    deadline: Deadline,
    host: String,
    connection: Option<Secured>,
    cookie: Option<Secret>,
    /// The API version that calls are made in.
    version: String,
    /// What is left of the bytes that the server may say altogether.
    left: usize,
}

impl<'a> Client<'a> {
    /// A client that is not connected yet.
    pub fn new(callee: Callee<'a>, deadline: Deadline) -> Self {
        Self {
            callee,
            deadline,
            host: callee.to.authority(),
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
    pub fn connect(&mut self) -> Result<tls::Session, VsphereError> {
        let Callee { route, to, trust, .. } = self.callee;
        let stream = route.open(to, &mut self.deadline)?;
        let (secured, session) = tls::secure(stream, to, trust, self.deadline)?;
        self.connection = Some(secured);
        Ok(session)
    }

    /// Takes over the session of another client.
    pub fn take_session(&mut self, of: &mut Client<'_>) {
        self.cookie = of.cookie.take();
    }

    /// Forgets the session: a server takes a login in one for a mistake.
    pub fn forget_session(&mut self) {
        self.cookie = None;
    }

    /// Makes calls in another version of the API.
    pub fn speak(&mut self, version: &str) {
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
    /// [`Trouble::Fault`] when the server refuses the call, [`Trouble::Broken`] when there is no
    /// talking to it.
    pub fn call(
        &mut self,
        method: &str,
        this: &Reference,
        args: &[Arg<'_>],
    ) -> Result<Element, Trouble> {
        if method != LOGOUT && self.callee.stop.load(Ordering::Relaxed) {
            return Err(Trouble::Broken(VsphereError::Interrupted));
        }
        let envelope = soap::envelope(method, this, args);
        tracing::debug!(method, object = %this, "call");
        let action = format!("urn:vim25/{}", self.version);
        let asks = Asks::Call(&action, envelope.expose());
        let mut patience = PATIENCE.iter();
        loop {
            let response = self.exchange(method, "/sdk", asks)?;
            if response.status == 503
                && let Some(&pause) = patience.next()
                && self.deadline.left().is_some_and(|left| left > pause)
            {
                tracing::debug!(method, "503, once more");
                std::thread::sleep(pause);
                continue;
            }
            return opened(method, &response);
        }
    }

    /// Reads a file by its path and query, which have their percent signs where they belong. Any
    /// status is an answer.
    ///
    /// # Errors
    ///
    /// Says why there was no answer.
    pub fn file(&mut self, path: &str) -> Result<Response, VsphereError> {
        self.exchange("for a file", path, Asks::File)
    }

    /// Sends a request. A kept connection may have been closed meanwhile; then it goes out once
    /// more on a new one, which does no harm: no call changes anything, but for the one that sets a
    /// value, and setting it twice is setting it once.
    fn exchange(
        &mut self,
        method: &str,
        path: &str,
        asks: Asks<'_>,
    ) -> Result<Response, VsphereError> {
        if let Some(connection) = self.connection.take() {
            match self.send(connection, method, path, asks) {
                Err(HttpError::Closed { bytes: 0 }) => {}
                Err(HttpError::Io(error)) if is_stale(&error) => {}
                other => return other.map_err(|error| self.told(method, error)),
            }
        }
        self.connect()?;
        let connection = self.connection.take().expect("it has just been made");
        self.send(connection, method, path, asks).map_err(|error| self.told(method, error))
    }

    fn send(
        &mut self,
        mut connection: Secured,
        method: &str,
        path: &str,
        asks: Asks<'_>,
    ) -> Result<Response, HttpError> {
        let cookie = self.cookie.as_ref();
        let request = Request { path, host: &self.host, cookie, asks };
        let mut response = http::exchange(&mut connection, &request, self.left)?;
        tracing::debug!(method, status = response.status, bytes = response.body.len(), "answer");
        self.left = self.left.saturating_sub(response.read);
        if !response.closes {
            self.connection = Some(connection);
        }
        if let Some(cookie) = response.cookie.take() {
            self.cookie = Some(cookie);
        }
        Ok(response)
    }

    fn told(&self, method: &str, error: HttpError) -> VsphereError {
        let doing = format!("asking {method}");
        match error {
            HttpError::Io(error) if error.kind() == io::ErrorKind::TimedOut => {
                self.deadline.failure(&doing)
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

fn opened(method: &str, response: &Response) -> Result<Element, Trouble> {
    match soap::open(response) {
        Ok(Reply::Answer(answer)) => Ok(answer),
        Ok(Reply::Fault(fault)) => Err(Trouble::Fault(fault)),
        Err(NoReply::Status) => Err(Trouble::Broken(VsphereError::Http {
            status: response.status,
            reason: response.reason.chars().take(80).collect(),
            location: response.location.clone().map(|place| place.chars().take(200).collect()),
        })),
        Err(NoReply::Other(why)) => Err(Trouble::Broken(VsphereError::NotVsphere(why))),
        Err(NoReply::Xml(error)) => {
            let doing = format!("asking {method}");
            Err(Trouble::Broken(VsphereError::Xml { doing, error }))
        }
    }
}
