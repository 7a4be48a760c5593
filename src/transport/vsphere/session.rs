//! A session on a server: opened with a password, opened once more when it ends too early, and
//! always closed, for a server allows only so many.
//!
//! Not for what is asked in it: that is `survey`.

use std::time::Duration;

use super::client::{CallError, Endpoint, LOGOUT, SoapClient};
use super::error::VsphereError;
use super::soap::{ObjectRef, SoapArg};
use super::xml::XmlElement;
use crate::secret::Secret;
use crate::transport::http::stream::Deadline;

/// How long logging out may take when the time for everything else is up.
const GRACE: Duration = Duration::from_secs(3);

/// Who logs in.
#[derive(Debug)]
pub struct Credentials {
    /// The account, such as `asr@vsphere.local`.
    pub user: String,
    /// Its password.
    pub password: Secret,
}

/// A session that is open.
pub struct VsphereSession<'a> {
    endpoint: Endpoint<'a>,
    client: SoapClient<'a>,
    manager: ObjectRef,
    credentials: &'a Credentials,
    user: XmlElement,
    /// Whether it had to be opened a second time.
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

    /// What the server calls the account that is logged in.
    pub fn user_name(&self) -> &str {
        self.user.child_text("userName").unwrap_or_default()
    }

    /// What it was called when it logged in.
    pub fn login_name(&self) -> &str {
        &self.credentials.user
    }

    /// The session's key, with which privileges are asked about.
    fn key(&self) -> Secret {
        Secret::new(self.user.child_text("key").unwrap_or_default().to_owned())
    }

    /// Asks something. When the session turns out to have ended, it is opened once more and the
    /// question asked from its start, for whatever belonged to the old session is gone.
    ///
    /// # Errors
    ///
    /// What asking fails with.
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

    /// Logs out, over a new connection when the old one is broken. Says whether it succeeded.
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
            Err(VsphereError::Login { user: credentials.user.clone() })
        }
        Err(CallError::Fault(fault)) => {
            Err(VsphereError::Fault { doing: "logging in".to_owned(), fault })
        }
        Err(CallError::Fatal(error)) => Err(error),
    }
}
