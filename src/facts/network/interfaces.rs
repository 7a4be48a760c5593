//! Which network interfaces carry which IPv4 addresses.
//!
//! Asked of `ip`; where there is none, worked out from `/proc/net`. Not for how interfaces are
//! configured (`interface_files`).

use std::net::Ipv4Addr;

use crate::facts::Unavailable;
use crate::facts::probe::{Probe, ProbeName};

pub(super) const ADDRESSES: ProbeName = ProbeName::new("addresses");

/// The addresses, in the words of `ip -o -4 addr`, or two tables of the kernel behind a line
/// `from /proc`.
pub const PROBES: &[Probe] = &[Probe::new(
    ADDRESSES,
    "if command -v ip >/dev/null && limit 5 ip -o -4 addr; then exit 0; fi\n\
     [ -r /proc/net/route ] && [ -r /proc/net/fib_trie ] || exit 1\n\
     echo from /proc\nshow /proc/net/route\nshow /proc/net/fib_trie",
)];

/// One address of one interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterfaceAddress {
    /// The interface; `?` when the kernel's tables do not tell.
    pub interface: String,
    /// The address.
    pub address: Ipv4Addr,
}

impl InterfaceAddress {
    /// Whether other machines could reach the host by it: neither a loopback address, nor one an
    /// interface gives itself when nobody answers, nor one of a bridge between local machines.
    pub fn is_reachable(&self) -> bool {
        !(self.address.is_loopback()
            || self.address.is_link_local()
            || self.address.is_unspecified()
            || self.interface == "lo"
            || is_local_bridge(&self.interface))
    }
}

/// Whether an interface has a name as programs give it to bridges between machines and containers
/// of this host: `docker0`, `virbr1`, `br-` and the twelve digits of a docker network. A bridge
/// that an administrator made, `br-prod`, has no such name.
fn is_local_bridge(interface: &str) -> bool {
    let digits = |rest: &str| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit());
    let hexadecimal = |rest: &str| rest.len() == 12 && rest.bytes().all(|b| b.is_ascii_hexdigit());
    let numbered = ["virbr", "docker", "lxcbr", "lxdbr", "podman", "cni-podman", "cni"];
    numbered.iter().any(|name| interface.strip_prefix(name).is_some_and(digits))
        || interface.strip_prefix("br-").is_some_and(hexadecimal)
        || interface.strip_prefix("veth").is_some_and(|rest| {
            rest.len() >= 6 && rest.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
}

/// Reads the addresses in either form.
///
/// ```
/// use preflight::facts::network::interfaces;
/// let line = "2: eth0    inet 192.0.2.10/24 brd 192.0.2.255 scope global eth0\n";
/// let addresses = interfaces::parse(line).unwrap();
/// assert_eq!(addresses[0].interface, "eth0");
/// assert_eq!(addresses[0].address.to_string(), "192.0.2.10");
/// ```
pub fn parse(text: &str) -> Result<Vec<InterfaceAddress>, Unavailable> {
    // When ip failed half way, what it printed stands before the tables.
    if let Some((_, tables)) = text.split_once("from /proc\n") {
        return Ok(parse_tables(tables));
    }
    let mut addresses = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let address = parse_line(line);
        addresses.push(address.ok_or_else(|| format!("ip -o -4 addr printed {line:?}"))?);
    }
    // There is always the loopback interface.
    if addresses.is_empty() { Err("ip -o -4 addr printed nothing".into()) } else { Ok(addresses) }
}

/// `2: eth0    inet 192.0.2.10/24 brd ...`, or with `peer` in the place of the length.
fn parse_line(line: &str) -> Option<InterfaceAddress> {
    let mut words = line.split_whitespace();
    words.next()?.strip_suffix(':')?.parse::<u32>().ok()?;
    let interface = words.next()?;
    let interface = interface.split('@').next().unwrap_or(interface).to_owned();
    let address = words.skip_while(|word| *word != "inet").nth(1)?;
    let address = address.split('/').next()?.parse().ok()?;
    Some(InterfaceAddress { interface, address })
}

/// The local addresses of `fib_trie`, with the interfaces that `route` has for their networks.
fn parse_tables(text: &str) -> Vec<InterfaceAddress> {
    let routes: Vec<(&str, u32, u32)> = text.lines().filter_map(parse_route).collect();
    let mut addresses: Vec<InterfaceAddress> = Vec::new();
    let mut leaf = None;
    for line in text.lines().map(str::trim) {
        if let Some(address) = line.strip_prefix("|-- ") {
            leaf = address.parse::<Ipv4Addr>().ok();
        }
        let Some(address) = leaf.filter(|_| line.ends_with("host LOCAL")) else { continue };
        if addresses.iter().any(|known| known.address == address) {
            continue;
        }
        let bits = u32::from(address);
        let best = routes
            .iter()
            .filter(|(_, network, mask)| *mask != 0 && bits & mask == *network)
            .max_by_key(|(_, _, mask)| *mask);
        let interface = match best {
            Some((interface, ..)) => *interface,
            None if address.is_loopback() => "lo",
            None => "?",
        };
        addresses.push(InterfaceAddress { interface: interface.to_owned(), address });
    }
    addresses
}

/// A line of `/proc/net/route`: interface, network and mask, the last two as the processor's own
/// bytes in hexadecimal.
fn parse_route(line: &str) -> Option<(&str, u32, u32)> {
    let words: Vec<&str> = line.split('\t').map(str::trim).collect();
    let [interface, network, _, _, _, _, _, mask, ..] = words.as_slice() else { return None };
    let number = |word: &str| u32::from_str_radix(word, 16).ok().map(u32::swap_bytes);
    Some((interface, number(network)?, number(mask)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Option<Vec<(String, String)>> {
        let addresses = parse(text).ok()?;
        Some(addresses.into_iter().map(|a| (a.interface, a.address.to_string())).collect())
    }

    fn pairs(pairs: &[(&str, &str)]) -> Option<Vec<(String, String)>> {
        Some(pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect())
    }

    #[test]
    fn lines_of_many_iproutes_are_read() {
        let lo = "1: lo    inet 127.0.0.1/8 scope host lo\n";
        for (line, interface, address) in [
            (
                "2: eth0    inet 192.0.2.10/24 brd 192.0.2.255 scope global eth0",
                "eth0",
                "192.0.2.10",
            ),
            ("2: eth0    inet 192.0.2.11/24 scope global secondary eth0:1", "eth0", "192.0.2.11"),
            (
                "3: ens192    inet 10.0.0.1/24 brd 10.0.0.255 scope global noprefixroute dynamic ens192\\       valid_lft forever preferred_lft forever",
                "ens192",
                "10.0.0.1",
            ),
            ("5: eth0.100@eth0    inet 10.1.0.1/24 scope global eth0.100", "eth0.100", "10.1.0.1"),
            ("6: tun0    inet 10.8.0.1 peer 10.8.0.2/32 scope global tun0", "tun0", "10.8.0.1"),
            ("2: eth0    inet 192.0.2.10/24 scope global eth0\r", "eth0", "192.0.2.10"),
        ] {
            let expected = pairs(&[("lo", "127.0.0.1"), (interface, address)]);
            assert_eq!(list(&format!("{lo}{line}\n")), expected, "{line}");
        }
        for text in
            ["", "\n", "2: eth0 inet nonsense/24\n", "Object \"addr\" is unknown\n", "1: lo\n"]
        {
            assert_eq!(list(text), None, "{text:?}");
        }
    }

    #[test]
    fn tables_of_the_kernel_stand_in() {
        let text = "1: lo    inet 127.0.0.1/8 scope host lo\nfrom /proc\n\
            Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
            eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
            eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n\
            Main:\n  +-- 0.0.0.0/0 3 0 6\n     |-- 192.0.2.0\n        /24 link UNICAST\n\
            Local:\n     |-- 127.0.0.1\n        /32 host LOCAL\n     |-- 192.0.2.0\n        \
            /32 link BROADCAST\n     |-- 192.0.2.10\n        /32 host LOCAL\n     |-- 10.9.9.9\n        \
            /32 host LOCAL\n     |-- 192.0.2.10\n        /32 host LOCAL\n";
        assert_eq!(
            list(text),
            pairs(&[("lo", "127.0.0.1"), ("eth0", "192.0.2.10"), ("?", "10.9.9.9")])
        );
        assert_eq!(list("from /proc\nnonsense\n"), pairs(&[]));
    }

    #[test]
    fn only_what_others_can_reach_counts() {
        for (interface, address, reachable) in [
            ("eth0", "192.0.2.10", true),
            ("bond0", "10.0.0.1", true),
            ("lo", "192.0.2.9", false),
            ("eth0", "127.0.0.2", false),
            ("eth0", "169.254.7.7", false),
            ("virbr0", "192.168.122.1", false),
            ("docker0", "172.17.0.1", false),
            ("br-0123456789ab", "172.18.0.1", false),
            ("podman1", "10.88.0.1", false),
            ("veth1a2b3c4", "10.88.0.9", false),
            // What an administrator names is no bridge of docker's.
            ("br-prod", "192.0.2.10", true),
            ("br-lan0", "192.0.2.10", true),
            ("br-0123456789abc", "192.0.2.10", true),
            ("dockernet", "192.0.2.10", true),
            ("virbr-prod", "192.0.2.10", true),
            ("vethernet", "192.0.2.10", true),
        ] {
            let address = InterfaceAddress {
                interface: interface.to_owned(),
                address: address.parse().unwrap(),
            };
            assert_eq!(address.is_reachable(), reachable, "{address:?}");
        }
    }
}
