//! The network of a host as checks speak of it: its names, its addresses, and whether they are
//! there again after a start.
//!
//! Not for whether other machines answer (`reach`).

pub mod interface_files;
pub mod interfaces;
pub mod port_state;
pub mod ports;
pub mod server_seen;

use std::net::Ipv4Addr;

use schemars::JsonSchema;
use serde::Serialize;

use interface_files::{InterfaceConfig, InterfaceConfigs};
use interfaces::InterfaceAddress;

use super::probe::{Probe, ProbeName};
use super::transcript::Transcript;
use super::{Collection, Fact, Unavailable, file};

const RESOLV_CONF: ProbeName = ProbeName::new("resolv-conf");
const RESOLVED_CONF: ProbeName = ProbeName::new("resolved-conf");
const HOSTS: ProbeName = ProbeName::new("hosts");

/// The resolver's configuration, and the hosts the host knows by itself.
///
/// Of `/etc/hosts` comments and the sinks of advertisement blockers are left out, which can be
/// many thousand lines.
pub const PROBES: &[Probe] = &[
    file::file_probe!(RESOLV_CONF, "/etc/resolv.conf"),
    file::file_probe!(RESOLVED_CONF, "/run/systemd/resolve/resolv.conf"),
    Probe::new(
        HOSTS,
        "[ -e /etc/hosts ] || exit 44\n[ -r /etc/hosts ] || exit 1\n\
         while IFS= read -r line || [ -n \"$line\" ]; do\n  \
         case $line in '#'*|0.0.0.0*|'') ;; *) printf '%s\\n' \"$line\";; esac\n\
         done < /etc/hosts\nexit 0",
    ),
];

/// The network of a host.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct NetworkFacts {
    /// The host's name.
    pub host_name: Fact<String>,
    /// The interfaces that have an address others can reach.
    pub interfaces: Fact<Collection<InterfaceFacts>>,
    /// The addresses of the name servers.
    pub name_servers: Fact<Collection<String>>,
    /// Those of the addresses above for which `/etc/hosts` does not name the host.
    pub unnamed_addresses: Fact<Collection<String>>,
}

/// One interface with an address.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct InterfaceFacts {
    /// Its name, such as `eth0`.
    pub name: String,
    /// Its IPv4 addresses.
    pub addresses: Vec<String>,
    /// Whether it starts with the machine.
    pub at_boot: Fact<bool>,
    /// All of it in one phrase.
    pub summary: String,
}

/// Reads the network out of a transcript.
pub fn from_transcript(transcript: &Transcript, host_name: &Fact<String>) -> NetworkFacts {
    let addresses = file::complete_text(transcript, interfaces::ADDRESSES)
        .and_then(interfaces::parse)
        .map(retain_reachable);
    let files = file::complete_text(transcript, interface_files::INTERFACE_FILES)
        .map(interface_files::parse);
    let servers = read_name_servers(transcript);
    let unnamed = addresses.clone().and_then(|addresses| {
        let hosts = file::contents(transcript, HOSTS, "/etc/hosts");
        let name = host_name.value()?;
        Ok(unnamed_addresses(hosts?.unwrap_or_default(), &addresses, name))
    });
    NetworkFacts {
        host_name: host_name.clone(),
        interfaces: addresses.map(|addresses| interface_facts(&addresses, &files)).into(),
        name_servers: servers.map(Collection::complete).into(),
        unnamed_addresses: unnamed.into(),
    }
}

fn retain_reachable(mut addresses: Vec<InterfaceAddress>) -> Vec<InterfaceAddress> {
    addresses.retain(InterfaceAddress::is_reachable);
    addresses
}

fn interface_facts(
    addresses: &[InterfaceAddress],
    files: &Result<InterfaceConfigs, Unavailable>,
) -> Collection<InterfaceFacts> {
    let mut names: Vec<&str> = Vec::new();
    for address in addresses {
        if !names.contains(&address.interface.as_str()) {
            names.push(&address.interface);
        }
    }
    let interface = |name: &str| {
        let own = addresses.iter().filter(|address| address.interface == name);
        let addresses: Vec<String> = own.map(|address| address.address.to_string()).collect();
        let config = find_config(name, files);
        let how = config.as_ref().map_or_else(|why| &why.reason, |config| &config.how);
        let summary = format!("{name} {} ({how})", addresses.join(" "));
        let at_boot = config.map(|config| config.at_boot).into();
        InterfaceFacts { name: name.to_owned(), addresses, at_boot, summary }
    };
    Collection::complete(names.into_iter().map(interface).collect())
}

/// How an interface starts, by the files that configure it.
fn find_config<'f>(
    name: &str,
    files: &'f Result<InterfaceConfigs, Unavailable>,
) -> Result<&'f InterfaceConfig, Unavailable> {
    let files = files.as_ref()?;
    let missing = || match files.unreadable.first() {
        Some(file) => format!("the configuration {file:?} could not be read"),
        None => format!("no file that could be read configures {name}"),
    };
    Ok(files.interface(name).ok_or_else(missing)?)
}

/// The address at which systemd-resolved answers the host itself.
const RESOLVED_STUB: &str = "127.0.0.53";

/// The name servers; in place of systemd-resolved those that it asks.
fn read_name_servers(transcript: &Transcript) -> Result<Vec<String>, Unavailable> {
    let text = file::contents(transcript, RESOLV_CONF, "/etc/resolv.conf")?;
    let mut servers = name_servers(text.unwrap_or_default());
    if servers.iter().any(|server| server == RESOLVED_STUB) {
        let path = "/run/systemd/resolve/resolv.conf";
        let asked = file::contents(transcript, RESOLVED_CONF, path)?;
        servers.retain(|server| server != RESOLVED_STUB);
        servers.extend(name_servers(asked.unwrap_or_default()));
    }
    Ok(servers)
}

/// Reads the name servers of `resolv.conf`.
///
/// ```
/// use preflight::facts::network;
/// let text = "search example.test\nnameserver\t192.0.2.1 # first\n;nameserver 192.0.2.2\n";
/// assert_eq!(network::name_servers(text), ["192.0.2.1"]);
/// ```
pub fn name_servers(text: &str) -> Vec<String> {
    let server = |line: &str| {
        let mut words = line.split_whitespace();
        let server = (words.next() == Some("nameserver")).then(|| words.next()).flatten()?;
        Some(server.to_owned())
    };
    text.lines().filter_map(server).collect()
}

/// Which of the addresses have no line of `/etc/hosts` that names the host.
///
/// The whole host name is looked for, as the agent's setup does, in any case of letters.
fn unnamed_addresses(
    text: &str,
    addresses: &[InterfaceAddress],
    host_name: &str,
) -> Collection<String> {
    let named: Vec<Ipv4Addr> = text
        .lines()
        .filter_map(|line| {
            let mut words = line.split('#').next().unwrap_or("").split_whitespace();
            let address = words.next()?.parse().ok()?;
            words.any(|name| name.eq_ignore_ascii_case(host_name)).then_some(address)
        })
        .collect();
    let unnamed = addresses.iter().filter(|address| !named.contains(&address.address));
    Collection::complete(unnamed.map(|address| address.address.to_string()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::file::ABSENT;
    use crate::facts::file::tests::guest_transcript;

    const ADDRESSES: &str = "1: lo    inet 127.0.0.1/8 scope host lo\n\
        2: eth0    inet 192.0.2.10/24 brd 192.0.2.255 scope global eth0\n\
        2: eth0    inet 192.0.2.11/24 scope global secondary eth0:1\n\
        3: virbr0    inet 192.168.122.1/24 scope global virbr0\n";

    fn network(hosts: (i32, &str), files: (i32, &str)) -> NetworkFacts {
        let transcript = guest_transcript(&[
            ("addresses", 0, ADDRESSES),
            ("interface-files", files.0, files.1),
            ("resolv-conf", ABSENT, ""),
            ("hosts", hosts.0, hosts.1),
        ]);
        from_transcript(&transcript, &Fact::Known("mt01.example.test".to_owned()))
    }

    #[test]
    fn the_host_must_be_named_for_every_address() {
        let all = ["192.0.2.10", "192.0.2.11"];
        for (hosts, unnamed) in [
            ("192.0.2.10 mt01.example.test mt01\n192.0.2.11\tmt01 MT01.example.test\n", &[][..]),
            ("192.0.2.10 mt01.example.test\n", &all[1..]),
            ("192.0.2.10 mt01\n192.0.2.11 mt01.example.testing\n", &all[..]),
            ("192.0.2.10 # mt01.example.test\n192.0.2.11 x #mt01.example.test\n", &all[..]),
            ("127.0.0.1 mt01.example.test\n", &all[..]),
            ("192.0.2.10 mt01.example.test\r\n192.0.2.11 mt01.example.test\r\n", &[]),
            ("", &all[..]),
        ] {
            let facts = network((0, hosts), (0, ""));
            assert_eq!(facts.unnamed_addresses.known().unwrap().items, unnamed, "{hosts:?}");
        }
        assert_eq!(network((ABSENT, ""), (0, "")).unnamed_addresses.known().unwrap().items, all);
        assert!(network((1, ""), (0, "")).unnamed_addresses.known().is_none());
    }

    #[test]
    fn an_interface_says_how_it_starts() {
        let interface = |files| {
            let facts = network((0, ""), files);
            let interfaces = facts.interfaces.known().unwrap();
            assert_eq!(interfaces.items.len(), 1);
            interfaces.items[0].clone()
        };
        let on = interface((0, "ifcfg eth0\tONBOOT=yes\n"));
        assert_eq!(on.at_boot, Fact::Known(true));
        assert_eq!(on.summary, "eth0 192.0.2.10 192.0.2.11 (static, ONBOOT=yes in ifcfg-eth0)");
        let none = interface((0, ""));
        assert_eq!(none.at_boot, Fact::unavailable("no file that could be read configures eth0"));
        let unreadable = interface((0, "keyfile Wired\t!\n"));
        assert_eq!(
            unreadable.at_boot,
            Fact::unavailable("the configuration \"Wired\" could not be read")
        );
        assert!(interface((1, "")).at_boot.known().is_none());
    }

    #[test]
    fn name_servers_are_listed() {
        for (text, servers) in [
            ("nameserver 192.0.2.1\nnameserver 2001:db8::1\n", &["192.0.2.1", "2001:db8::1"][..]),
            ("#nameserver 192.0.2.1\n", &[]),
            ("nameserver\n", &[]),
            ("nameservers 192.0.2.1\n", &[]),
            ("  nameserver 192.0.2.1\r\n", &["192.0.2.1"]),
        ] {
            assert_eq!(name_servers(text), servers, "{text:?}");
        }
        let resolved = |status, text| {
            let stub = "nameserver 127.0.0.53\noptions edns0\n";
            let answers = [("resolv-conf", 0, stub), ("resolved-conf", status, text)];
            read_name_servers(&guest_transcript(&answers)).ok()
        };
        assert_eq!(resolved(0, "nameserver 192.0.2.1\n"), Some(vec!["192.0.2.1".to_owned()]));
        assert_eq!(resolved(0, "# no servers\n"), Some(vec![]));
        assert_eq!(resolved(1, ""), None);
        let missing = network((0, ""), (0, "")).name_servers;
        assert_eq!(missing, Fact::Known(Collection::complete(vec![])));
    }
}
