//! A session on a server: opened with a password, reopened once when it ends too early, and always
//! closed, for a server allows only so many.
//!
//! Not for the calls in it: those are `collect`'s.

use std::time::Duration;

use super::client::{CallError, Endpoint, LOGOUT, SoapClient};
use super::error::VsphereError;
use super::soap::{ObjectRef, SoapArg};
use super::xml::XmlElement;
use crate::secret::Secret;
use crate::transport::http::stream::Deadline;

/// The time limit of logging out, when the time for everything else is up.
const GRACE: Duration = Duration::from_secs(3);

/// An account and its password.
#[derive(Debug)]
pub struct Credentials {
    /// The account, such as `asr@vsphere.local`.
    pub user: String,
    /// Its password.
    pub password: Secret,
}

/// An open session.
pub struct VsphereSession<'a> {
    endpoint: Endpoint<'a>,
    client: SoapClient<'a>,
    manager: ObjectRef,
    credentials: &'a Credentials,
    user: XmlElement,
    /// Whether the session was reopened.
    pub renewed: bool,
}

impl<'a> VsphereSession<'a> {
    /// Logs in.
    ///
    /// # Errors
    ///
    /// [`VsphereError::Login`] when the server refuses the account or the password.
    pub fn open(
        endpoint: Endpoint<'a>,
        mut client: SoapClient<'a>,
        manager: ObjectRef,
        credentials: &'a Credentials,
    ) -> Result<Self, VsphereError> {
        let user = login(&mut client, &manager, credentials)?;
        Ok(Self { endpoint, client, manager, credentials, user, renewed: false })
    }

    /// Returns the server's name of the account.
    pub fn user_name(&self) -> &str {
        self.user.child_text("userName").unwrap_or_default()
    }

    /// Returns the name with which the account logged in.
    pub fn login_name(&self) -> &str {
        &self.credentials.user
    }

    /// Returns the session's key, which queries of privileges need.
    fn key(&self) -> Secret {
        Secret::new(self.user.child_text("key").unwrap_or_default().to_owned())
    }

    /// Runs calls. When the session turns out to have ended, it is reopened once and the calls run
    /// again from the start, for what belonged to the old session is gone.
    ///
    /// # Errors
    ///
    /// Returns the error of the calls.
    pub fn run<T>(
        &mut self,
        mut ask: impl FnMut(&mut SoapClient<'a>, &Secret) -> Result<T, CallError>,
    ) -> Result<T, CallError> {
        let key = self.key();
        match ask(&mut self.client, &key) {
            Err(CallError::Fault(fault)) if fault.is_not_authenticated() && !self.renewed => {
                tracing::info!("the session has ended, logging in once more");
                self.renewed = true;
                self.client.forget_session();
                self.user = login(&mut self.client, &self.manager, self.credentials)?;
                let key = self.key();
                ask(&mut self.client, &key)
            }
            other => other,
        }
    }

    /// Logs out, over a new connection when the old one is broken. Returns whether it succeeded.
    pub fn close(mut self, broken: bool) -> bool {
        if !broken && self.client.call(LOGOUT, &self.manager, &[]).is_ok() {
            return true;
        }
        let mut client = SoapClient::new(self.endpoint, Deadline::after(GRACE));
        client.take_session_from(&mut self.client);
        match client.call(LOGOUT, &self.manager, &[]) {
            Ok(_) => true,
            // It had ended by itself.
            Err(CallError::Fault(fault)) => fault.is_not_authenticated(),
            Err(CallError::Fatal(_)) => false,
        }
    }
}

fn login(
    client: &mut SoapClient<'_>,
    manager: &ObjectRef,
    credentials: &Credentials,
) -> Result<XmlElement, VsphereError> {
    let args = [
        SoapArg::Text("userName", &credentials.user),
        SoapArg::Secret("password", &credentials.password),
    ];
    match client.call("Login", manager, &args) {
        Ok(answer) => Ok(answer.child("returnval").cloned().unwrap_or_default()),
        Err(CallError::Fault(fault)) if fault.kind == "InvalidLogin" => {
            Err(VsphereError::Login(credentials.user.clone()))
        }
        Err(CallError::Fault(fault)) => Err(VsphereError::Fault("logging in".to_owned(), fault)),
        Err(CallError::Fatal(error)) => Err(error),
    }
}
