//! Where the next page of a list is: a link of the service, followed on the configured origin alone.
//!
//! The service answers with regional hosts in its own links, so that a link need not have the configured host; but
//! whatever it has, the request goes to the configured one, and a link that points elsewhere is refused. Not for
//! asking for it.

use super::cloud::Origin;

/// Why a link is not followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// It is no absolute URL that is read.
    #[error("the link to the next page cannot be read")]
    Unreadable,
    /// It does not begin with `https:`.
    #[error("the link to the next page does not use https")]
    NotHttps,
    /// It has a user or a password in it.
    #[error("the link to the next page names a user")]
    UserInfo,
    /// It has another port than the configured one.
    #[error("the link to the next page has another port than {0}")]
    Port(u16),
    /// It leads to a host that is neither the configured one nor below it.
    #[error("the link to the next page leads to {host}, which is not {configured}")]
    ForeignHost {
        /// The host of the link.
        host: String,
        /// The configured host.
        configured: String,
    },
}

/// The most bytes of a link. Those with signed parameters have about four thousand.
const MAX_BYTES: usize = 16 * 1024;

/// Returns the path and query of a link, to be asked for at `origin`.
///
/// # Errors
///
/// Fails for a link that is not of `origin`, or of a host below it.
pub fn next_page(link: &str, origin: &Origin) -> Result<String, LinkError> {
    let is_plain = link.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_plain || link.len() > MAX_BYTES || link.contains(['\\', '#']) {
        return Err(LinkError::Unreadable);
    }
    let (scheme, rest) = link.split_once("://").ok_or(LinkError::Unreadable)?;
    if !scheme.eq_ignore_ascii_case("https") {
        return Err(LinkError::NotHttps);
    }
    let at = rest.find(['/', '?']).ok_or(LinkError::Unreadable)?;
    let (authority, path) = rest.split_at(at);
    if !path.starts_with('/') {
        return Err(LinkError::Unreadable);
    }
    if authority.contains('@') {
        return Err(LinkError::UserInfo);
    }
    let other: Origin =
        format!("https://{authority}").parse().map_err(|_| LinkError::Unreadable)?;
    // Another name of the host, with a dot at its end, is not worth a chance.
    if other.host != origin.host && !other.host.ends_with(&format!(".{}", origin.host)) {
        let configured = origin.host.clone();
        return Err(LinkError::ForeignHost { host: other.host, configured });
    }
    if other.port != origin.port {
        return Err(LinkError::Port(origin.port));
    }
    Ok(path.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "all of this module is a test")]

    use super::*;

    #[test]
    fn a_link_is_followed_on_the_configured_origin_or_not_at_all() {
        let origin: Origin = "https://management.azure.com".parse().unwrap();
        for link in [
            "https://management.azure.com/a?b=c&t=1",
            "HTTPS://Management.Azure.com:443/a?b=c&t=1",
            "https://centraluseuap.management.azure.com/a?b=c&t=1",
        ] {
            assert_eq!(next_page(link, &origin).as_deref(), Ok("/a?b=c&t=1"), "{link}");
        }
        let foreign = |host: &str| LinkError::ForeignHost {
            host: host.to_owned(),
            configured: "management.azure.com".to_owned(),
        };
        for (link, error) in [
            ("https://evil.example/a", foreign("evil.example")),
            (
                "https://management.azure.com.evil.example/a",
                foreign("management.azure.com.evil.example"),
            ),
            ("https://evilmanagement.azure.com/a", foreign("evilmanagement.azure.com")),
            ("http://management.azure.com/a", LinkError::NotHttps),
            ("https://u@management.azure.com/a", LinkError::UserInfo),
            ("https://management.azure.com@evil.example/a", LinkError::UserInfo),
            ("https://management.azure.com:8443/a", LinkError::Port(443)),
            ("https://management.azure.com\\@evil.example/a", LinkError::Unreadable),
            ("https://management.azure.com/a\r\nX: y", LinkError::Unreadable),
            ("https://management.azure.com?a", LinkError::Unreadable),
            ("https://management.azure.com", LinkError::Unreadable),
            ("/a?b", LinkError::Unreadable),
            ("//management.azure.com/a", LinkError::Unreadable),
            ("https:///a", LinkError::Unreadable),
        ] {
            assert_eq!(next_page(link, &origin), Err(error), "{link}");
        }
    }
}
