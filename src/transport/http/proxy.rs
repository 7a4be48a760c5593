//! Connections through the HTTP proxy that the environment names, for services on the internet.
//!
//! The proxy sees the name of the host and nothing else: TLS runs through it. Not for servers at home (vSphere), nor
//! for proxies that speak TLS themselves.

use std::io::{Read, Write};

use openssl::base64::encode_block;

use super::error::ConnectError;
use super::stream::{Connector, Deadline, DirectTcp, Stream};
use crate::secret::Secret;
use crate::uri::authority::{self, Authority};
use crate::uri::percent;

/// The most bytes of a proxy's answer.
const MAX_ANSWER: usize = 16 * 1024;

/// The way to hosts on the internet, as `HTTPS_PROXY` and `NO_PROXY` say it.
#[derive(Debug, Default)]
pub struct EnvironmentProxy {
    proxy: Option<Proxy>,
    /// Hosts and domains that are reached directly.
    direct: Vec<String>,
}

#[derive(Debug)]
struct Proxy {
    authority: Authority,
    /// The value of the field that says who asks.
    login: Option<Secret>,
}

/// Why the environment names no proxy that can be used. A password in it is not repeated.
#[derive(Debug, thiserror::Error)]
#[error("{0} names a proxy that cannot be used, expected http://[USER:PASSWORD@]HOST:PORT")]
pub struct ProxyError(&'static str);

impl EnvironmentProxy {
    /// Reads `HTTPS_PROXY` and `NO_PROXY`, also in lower case.
    ///
    /// # Errors
    ///
    /// Fails for a proxy that is not reached over plain HTTP.
    pub fn from_variables(variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, ProxyError> {
        let either = |name: &'static str, lower: &'static str| {
            let value = |name| variable(name).filter(|value| !value.is_empty());
            value(lower).map(|value| (lower, value)).or_else(|| Some((name, value(name)?)))
        };
        let proxy = either("HTTPS_PROXY", "https_proxy");
        let proxy = proxy.map(|(name, text)| Proxy::parse(&text).ok_or(ProxyError(name)));
        let direct = either("NO_PROXY", "no_proxy").map_or_else(String::new, |(_, list)| list);
        let direct = direct.split(',').map(|name| name.trim().to_ascii_lowercase());
        let direct = direct.filter(|name| !name.is_empty()).collect();
        Ok(Self { proxy: proxy.transpose()?, direct })
    }

    /// Whether a host is reached without the proxy: it, or a domain that it is in, is listed.
    fn is_direct(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        self.direct.iter().any(|name| {
            let name = name.trim_start_matches("*.").trim_start_matches('.');
            name == "*" || host == name || host.ends_with(&format!(".{name}"))
        })
    }
}

impl Proxy {
    fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("http://").or((!text.contains("://")).then_some(text))?;
        let rest = rest.trim_end_matches('/');
        let (login, place) = match rest.rsplit_once('@') {
            Some((login, place)) => (Some(percent::decode(login)?), place),
            None => (None, rest),
        };
        let (host, port) = authority::split(place).ok()?;
        let allowed = |c: char| c.is_ascii_alphanumeric() || ".-:_".contains(c);
        if host.is_empty() || !host.chars().all(allowed) {
            return None;
        }
        let port = port.map_or(Some(80), |port| port.parse().ok())?;
        let basic =
            |login: String| Secret::new(format!("Basic {}", encode_block(login.as_bytes())));
        Some(Self { authority: Authority { host: host.to_owned(), port }, login: login.map(basic) })
    }

    fn open(
        &self,
        address: &Authority,
        deadline: &mut Deadline,
    ) -> Result<Box<dyn Stream>, ConnectError> {
        let failed = |why: String| ConnectError::Proxy(self.authority.to_string(), why);
        let stream = DirectTcp.open(&self.authority, deadline);
        let mut stream = stream.map_err(|error| failed(error.to_string()))?;
        let login = self.login.as_ref().map_or("", Secret::expose);
        let login = if login.is_empty() {
            String::new()
        } else {
            format!("Proxy-Authorization: {login}\r\n")
        };
        let request =
            Secret::new(format!("CONNECT {address} HTTP/1.1\r\nHost: {address}\r\n{login}\r\n"));
        let sent = stream.write_all(request.expose().as_bytes()).and_then(|()| stream.flush());
        sent.map_err(|error| failed(error.to_string()))?;
        let mut answer = Vec::new();
        // Byte by byte: what follows belongs to the host behind it.
        while !answer.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            match stream.read(&mut byte) {
                Ok(1) if answer.len() < MAX_ANSWER => answer.push(byte[0]),
                Ok(_) => return Err(failed("its answer is none of HTTP".to_owned())),
                Err(error) => return Err(failed(error.to_string())),
            }
        }
        let answer = String::from_utf8_lossy(&answer);
        let status = answer.split(' ').nth(1).and_then(|word| word.parse::<u16>().ok());
        match status {
            Some(200..=299) => Ok(stream),
            Some(407) => Err(failed("it wants a user and a password (HTTP 407)".to_owned())),
            Some(status) => {
                Err(failed(format!("it refuses to connect to {address} (HTTP {status})")))
            }
            None => Err(failed("its answer is none of HTTP".to_owned())),
        }
    }
}

impl Connector for EnvironmentProxy {
    fn open(
        &self,
        address: &Authority,
        deadline: &mut Deadline,
    ) -> Result<Box<dyn Stream>, ConnectError> {
        match self.proxy.as_ref().filter(|_| !self.is_direct(&address.host)) {
            Some(proxy) => proxy.open(address, deadline),
            None => DirectTcp.open(address, deadline),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "all of this module is a test")]

    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<EnvironmentProxy, ProxyError> {
        EnvironmentProxy::from_variables(&|name| {
            let row = variables.iter().find(|(known, _)| *known == name);
            row.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_proxy_is_reached_over_plain_http_with_its_login() {
        for (text, authority, login) in [
            ("http://proxy:3128/", "proxy:3128", None),
            ("proxy", "proxy:80", None),
            ("http://ann:p%40ss@[::1]:8", "[::1]:8", Some("Basic YW5uOnBAc3M=")),
        ] {
            let proxy = read(&[("HTTPS_PROXY", text)]).unwrap().proxy.unwrap();
            assert_eq!(proxy.authority.to_string(), authority, "{text}");
            assert_eq!(proxy.login.as_ref().map(Secret::expose), login, "{text}");
        }
        for text in ["https://proxy:443", "socks5://proxy", "http://:8", "http://a b", "http://a:x"]
        {
            assert!(read(&[("https_proxy", text)]).is_err(), "{text}");
        }
        let error = read(&[("HTTPS_PROXY", "https://ann:hunter2@proxy")]).unwrap_err();
        assert!(!error.to_string().contains("hunter2"));
        assert!(read(&[("HTTPS_PROXY", "")]).unwrap().proxy.is_none());
    }

    #[test]
    fn hosts_and_domains_can_be_left_out() {
        let way = read(&[("no_proxy", "local, .azure.example,*.b.example ,10.0.0.1")]).unwrap();
        for host in
            ["local", "LOCAL", "x.azure.example", "azure.example", "y.b.example", "10.0.0.1"]
        {
            assert!(way.is_direct(host), "{host}");
        }
        for host in ["notlocal", "azure.example.org", "10.0.0.11"] {
            assert!(!way.is_direct(host), "{host}");
        }
        assert!(read(&[("NO_PROXY", "*")]).unwrap().is_direct("anything"));
    }
}
