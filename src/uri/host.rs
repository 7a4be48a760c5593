//! Names and addresses of hosts, as they stand in addresses of systems.
//!
//! Not for aliases of an SSH configuration, which may be anything.

use std::net::IpAddr;

/// Whether a text is a host name or an IP address.
///
/// ```
/// use preflight::uri::host::is_host;
/// assert!(is_host("vc1.example.com") && is_host("192.0.2.1") && is_host("fe80::1"));
/// assert!(!is_host("192.0.2.256") && !is_host("vc 1") && !is_host(""));
/// ```
pub fn is_host(text: &str) -> bool {
    is_host_name(text) || text.parse::<IpAddr>().is_ok()
}

/// Whether a text is a valid host name. A text in the form of an IPv4 address is not.
fn is_host_name(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let name = text.strip_suffix('.').unwrap_or(text);
    let last_is_number =
        name.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()));
    (1..=253).contains(&name.len()) && name.split('.').all(label) && !last_is_number
}
