//! A session on a server: opened with a password, opened once more when it ends too early, and
//! always closed, for a server allows only so many.
//!
//! Not for what is asked in it: that is `survey`.

use std::time::Duration;

use super::client::{Callee, Client, LOGOUT, Trouble};
use super::failure::VsphereError;
use super::soap::{Arg, Reference};
use super::stream::Deadline;
use super::xml::Element;
use crate::secret::Secret;

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
pub struct Session<'a> {
    callee: Callee<'a>,
    client: Client<'a>,
    manager: Reference,
    credentials: &'a Credentials,
    user: Element,
    /// Whether it had to be opened a second time.
    pub renewed: bool,
}

impl<'a> Session<'a> {
    /// Logs in.
    ///
    /// # Errors
    ///
    /// [`VsphereError::Login`] when the server refuses the account or the password.
    pub fn open(
        callee: Callee<'a>,
        mut client: Client<'a>,
        manager: Reference,
        credentials: &'a Credentials,
    ) -> Result<Self, VsphereError> {
        let user = login(&mut client, &manager, credentials)?;
        Ok(Self { callee, client, manager, credentials, user, renewed: false })
    }

    /// What the server calls the account that is logged in.
    pub fn user(&self) -> &str {
        self.user.text_of("userName").unwrap_or_default()
    }

    /// What it was called when it logged in.
    pub fn typed(&self) -> &str {
        &self.credentials.user
    }

    /// The session's key, with which privileges are asked about.
    fn key(&self) -> Secret {
        Secret::new(self.user.text_of("key").unwrap_or_default().to_owned())
    }

    /// Asks something. When the session turns out to have ended, it is opened once more and the
    /// question asked from its start, for whatever belonged to the old session is gone.
    ///
    /// # Errors
    ///
    /// What asking fails with.
    pub fn ask<T>(
        &mut self,
        mut ask: impl FnMut(&mut Client<'a>, &Secret) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        let key = self.key();
        match ask(&mut self.client, &key) {
            Err(Trouble::Fault(fault)) if fault.is_not_authenticated() && !self.renewed => {
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
        let mut client = Client::new(self.callee, Deadline::after(GRACE));
        client.take_session(&mut self.client);
        match client.call(LOGOUT, &self.manager, &[]) {
            Ok(_) => true,
            // It had ended by itself.
            Err(Trouble::Fault(fault)) => fault.is_not_authenticated(),
            Err(Trouble::Broken(_)) => false,
        }
    }
}

fn login(
    client: &mut Client<'_>,
    manager: &Reference,
    credentials: &Credentials,
) -> Result<Element, VsphereError> {
    let args =
        [Arg::Text("userName", &credentials.user), Arg::Secret("password", &credentials.password)];
    match client.call("Login", manager, &args) {
        Ok(answer) => Ok(answer.child("returnval").cloned().unwrap_or_default()),
        Err(Trouble::Fault(fault)) if fault.kind == "InvalidLogin" => {
            Err(VsphereError::Login { user: credentials.user.clone() })
        }
        Err(Trouble::Fault(fault)) => {
            Err(VsphereError::Fault { doing: "logging in".to_owned(), fault })
        }
        Err(Trouble::Broken(error)) => Err(error),
    }
}
