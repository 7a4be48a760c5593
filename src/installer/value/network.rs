//! Names and numbers of a network: host names, addresses, netmasks, interfaces, ports.
//!
//! Not for whether an address is in a subnet with its gateway: `image::resolve` compares them.

use std::borrow::Cow;
use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::{ValueError, serde_by_text, text_value};
use crate::text_schema::text_schema;

text_value! {
    /// A host name by RFC 1123, with or without a domain, as Linux accepts it (64 bytes).
    HostName: "a host name",
    r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*",
    "at most 64 letters, digits, hyphens and dots, not only digits, not localhost, such as mt01.example.test",
    |text| text.len() <= 64
        && !text.to_ascii_lowercase().split('.').any(|label| label == "localhost")
        && text.rsplit('.').next().is_some_and(|last| !last.bytes().all(|b| b.is_ascii_digit()))
}

impl HostName {
    /// The name without its domain.
    pub fn short(&self) -> &str {
        self.0.split('.').next().unwrap_or(&self.0)
    }
}

text_value! {
    /// A server: a host name, or an IPv4 address.
    ServerName: "a server's name or address",
    r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*",
    "letters, digits, hyphens and dots, such as cs01.example.test or 192.0.2.20",
    |text| text.len() <= 253
        && !text.to_ascii_lowercase().split('.').any(|label| label == "localhost")
        && (text.parse::<HostAddress>().is_ok()
            || !text.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit())))
}

text_value! {
    /// A network interface: by name, by MAC address, or `link` for the first with a cable.
    Nic: "a network interface",
    r"(?:link|[a-z][a-z0-9]{0,14}|[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5})",
    "a name such as eth0, a MAC address, or link"
}

/// An IPv4 address of one host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostAddress(Ipv4Addr);

impl HostAddress {
    /// The address.
    pub fn ip(self) -> Ipv4Addr {
        self.0
    }
}

impl FromStr for HostAddress {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        text.parse::<Ipv4Addr>()
            .ok()
            .filter(|ip| !ip.is_unspecified() && !ip.is_multicast() && !ip.is_broadcast())
            .filter(|ip| !ip.is_loopback())
            .map(Self)
            .ok_or_else(|| {
                ValueError::new(
                    text,
                    "an address of a host",
                    "four numbers such as 192.0.2.10, not loopback, multicast or broadcast",
                )
            })
    }
}

impl fmt::Display for HostAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The length of an IPv4 network prefix, written `255.255.255.0`, `24` or `/24`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Netmask(u8);

impl Netmask {
    /// The mask as a number.
    pub fn bits(self) -> u32 {
        u32::MAX << (32 - u32::from(self.0))
    }

    /// Whether both addresses are in one subnet.
    pub fn is_same_subnet(self, a: Ipv4Addr, b: Ipv4Addr) -> bool {
        u32::from(a) & self.bits() == u32::from(b) & self.bits()
    }

    /// Whether an address is its subnet's own or its broadcast address.
    pub fn is_edge(self, ip: Ipv4Addr) -> bool {
        let host = u32::from(ip) & !self.bits();
        host == 0 || host == !self.bits()
    }
}

impl FromStr for Netmask {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let bad = || {
            ValueError::new(
                text,
                "a netmask",
                "255.255.255.0 or a prefix length from 8 to 30 such as 24",
            )
        };
        let digits = text.strip_prefix('/').unwrap_or(text);
        let prefix = if text.contains('.') {
            let mask = u32::from(text.parse::<Ipv4Addr>().map_err(|_| bad())?);
            if mask.leading_ones() + mask.trailing_zeros() != 32 {
                return Err(bad());
            }
            mask.leading_ones()
        } else if (1..=2).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) {
            digits.parse().map_err(|_| bad())?
        } else {
            return Err(bad());
        };
        match u8::try_from(prefix) {
            Ok(prefix @ 8..=30) => Ok(Self(prefix)),
            _ => Err(bad()),
        }
    }
}

impl fmt::Display for Netmask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ipv4Addr::from(self.bits()).fmt(f)
    }
}

/// A port and its protocol, as the firewall command wants them: `443:tcp`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, derive_more::Display)]
#[display("{number}:{}", if *tcp { "tcp" } else { "udp" })]
pub struct Port {
    number: u16,
    tcp: bool,
}

impl FromStr for Port {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let bad =
            || ValueError::new(text, "a port", "1 to 65535 and :tcp or :udp, such as 443:tcp");
        let (number, protocol) = text.split_once(':').ok_or_else(bad)?;
        if !number.bytes().all(|b| b.is_ascii_digit()) {
            return Err(bad());
        }
        let number = number.parse().ok().filter(|n| *n > 0).ok_or_else(bad)?;
        match protocol {
            "tcp" => Ok(Self { number, tcp: true }),
            "udp" => Ok(Self { number, tcp: false }),
            _ => Err(bad()),
        }
    }
}

text_schema!(HostAddress, r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}");
text_schema!(Port, r"[0-9]{1,5}:(?:tcp|udp)");

impl JsonSchema for Netmask {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Netmask".into()
    }

    /// A prefix length may also be a number.
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let form = r"^(?:/?[0-9]{1,2}|[0-9]{1,3}(?:\.[0-9]{1,3}){3})$";
        json_schema!({ "type": ["string", "integer"], "pattern": form, "minimum": 8, "maximum": 30 })
    }
}

serde_by_text!(HostAddress, super::from_text);
serde_by_text!(Port, super::from_text);
serde_by_text!(Netmask, super::from_text_or_number);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_follow_rfc_1123() {
        for good in ["mt01", "mt01.example.test", "3com.example", "a-b.c", "A.B"] {
            assert_eq!(good.parse::<HostName>().unwrap().as_str(), good);
        }
        let long = format!("{}.x", "a".repeat(63));
        for bad in [
            "",
            "a b",
            "a_b",
            "-a",
            "a-",
            "a..b",
            ".a",
            "a.",
            "a\n%post",
            "ä",
            "192.0.2.10",
            "10",
            "localhost",
            "localhost.localdomain",
            long.as_str(),
            "a;reboot",
        ] {
            assert!(bad.parse::<HostName>().is_err(), "{bad:?}");
        }
        assert_eq!("mt01.example.test".parse::<HostName>().unwrap().short(), "mt01");
    }

    #[test]
    fn a_netmask_is_contiguous_however_it_is_written() {
        for (text, shown) in [
            ("255.255.255.0", "255.255.255.0"),
            ("24", "255.255.255.0"),
            ("/30", "255.255.255.252"),
        ] {
            assert_eq!(text.parse::<Netmask>().unwrap().to_string(), shown);
        }
        for bad in
            ["", "/", "0", "7", "31", "32", "33", "255.0.255.0", "0.0.0.0", "+24", " 24", "024"]
        {
            assert!(bad.parse::<Netmask>().is_err(), "{bad:?}");
        }
        assert_eq!(serde_yaml::from_str::<Netmask>("24").unwrap(), "24".parse().unwrap());
    }

    #[test]
    fn addresses_and_ports_are_those_of_one_host() {
        for bad in ["", "0.0.0.0", "127.0.0.1", "224.0.0.1", "192.0.2", "192.0.2.010", "::1"] {
            assert!(bad.parse::<HostAddress>().is_err(), "{bad:?}");
        }
        assert_eq!("443:tcp".parse::<Port>().unwrap().to_string(), "443:tcp");
        for bad in ["443", "443:", "0:tcp", "65536:tcp", "+1:tcp", "443:sctp", "443:tcp,1:tcp"] {
            assert!(bad.parse::<Port>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_interface_is_a_name_a_mac_address_or_link() {
        for good in ["eth0", "eno16777984", "link", "00:0c:29:ab:CD:ef"] {
            assert!(good.parse::<Nic>().is_ok(), "{good:?}");
        }
        for bad in ["", "eth 0", "eth0 --ip=1", "00:0c:29", "ETH0", "eth0:1"] {
            assert!(bad.parse::<Nic>().is_err(), "{bad:?}");
        }
    }
}
