//! Addresses of servers as people spell them: which two spellings mean one.
//!
//! Not for resolving names, nor for what a site file accepts as an address (`site::value`).

/// A server's address and port.
pub type ServerAddress = (String, u16);

/// Whether two spellings mean one address: names in any case and with or without the dot of the
/// root, IPv6 in any form.
///
/// ```
/// use preflight::facts::address::is_same;
/// assert!(is_same("CS01.example.test.", "cs01.example.test"));
/// assert!(is_same("[FE80::0:1]", "fe80::1"));
/// assert!(!is_same("cs01", "cs01.example.test"));
/// ```
pub fn is_same(a: &str, b: &str) -> bool {
    canonical(a) == canonical(b)
}

/// The one spelling of an address.
pub fn canonical(address: &str) -> String {
    let bare = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let bare = bare.unwrap_or(address);
    match bare.parse::<std::net::IpAddr>() {
        Ok(ip) => ip.to_string(),
        Err(_) => bare.strip_suffix('.').unwrap_or(bare).to_lowercase(),
    }
}

/// Whether two servers are one: the same address and the same port.
pub fn is_same_server(a: &ServerAddress, b: &ServerAddress) -> bool {
    a.1 == b.1 && is_same(&a.0, &b.0)
}

/// An address with its port, as URLs have them.
pub fn with_port(address: &str, port: i64) -> String {
    let bare = address.contains(':') && !address.starts_with('[');
    if bare { format!("[{address}]:{port}") } else { format!("{address}:{port}") }
}

/// Servers in one line.
pub fn join_servers(servers: &[ServerAddress]) -> String {
    let places: Vec<String> =
        servers.iter().map(|(address, port)| with_port(address, i64::from(*port))).collect();
    places.join(", ")
}

/// Why an answer does not count that was given about something else.
pub fn mismatch_reason(asked: Option<&str>, wanted: &str) -> String {
    match asked {
        Some("") => format!("the host was asked about none, and not about {wanted}"),
        Some(asked) => format!("the host was asked about {asked}, not about {wanted}"),
        None => format!("nothing tells whether the host was asked about {wanted}"),
    }
}
