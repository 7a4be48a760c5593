//! How network interfaces are configured to start, in the files of four eras: `ifcfg-*`,
//! NetworkManager's key files, Debian's `interfaces`, and networkd's, which netplan makes.
//!
//! Not for the addresses they have now (`interfaces`).

use wildmatch::WildMatch;

use crate::facts::probe::{Probe, ProbeName};

pub(super) const INTERFACE_FILES: ProbeName = ProbeName::new("interface-files");

/// The lines that matter of every such file, each behind the kind and the name of its file and a
/// tab; and the hardware address of every interface, by which a file may name it. Keys that can hold
/// a secret are not sent.
pub const PROBES: &[Probe] = &[Probe::new(
    INTERFACE_FILES,
    r#"
set +f
keys() {
  [ -r "$3" ] || { printf '%s %s\t!\n' "$1" "$2"; return; }
  printf '%s %s\t\n' "$1" "$2"
  while IFS= read -r line || [ -n "$line" ]; do
    case $1:${line%%=*} in
    interfaces:*[Pp][Aa][Ss][Ss]*|interfaces:*[Kk][Ee][Yy]*|interfaces:*psk*) ;;
    interfaces:*) printf '%s %s\t%s\n' "$1" "$2" "$line";;
    ifcfg:*DEVICE|ifcfg:*ONBOOT|ifcfg:*BOOTPROTO|ifcfg:*HWADDR|ifcfg:*MACADDR) printf '%s %s\t%s\n' "$1" "$2" "$line";;
    net*:'['*|net*:Name|net*:MACAddress|net*:DHCP|net*:Address|net*:ActivationPolicy)
      printf '%s %s\t%s\n' "$1" "$2" "$line";;
    keyfile:'['*|keyfile:interface-name*|keyfile:mac-address*|keyfile:autoconnect*|keyfile:method*)
      printf '%s %s\t%s\n' "$1" "$2" "$line";;
    esac
  done < "$3"
}
for f in /etc/sysconfig/network-scripts/ifcfg-*; do
  case $f in
  *~|*.bak|*.orig|*.old|*.rpmnew|*.rpmorig|*.rpmsave|*'*') ;;
  *) keys ifcfg "${f##*/ifcfg-}" "$f";;
  esac
done
for d in /etc/NetworkManager/system-connections /run/NetworkManager/system-connections; do
  [ ! -d $d ] || [ -r $d ] || printf 'keyfile ?\t!\n'
  for f in "$d"/*; do
    [ -f "$f" ] && keys keyfile "${f##*/}" "$f"
  done
done
for f in /etc/network/interfaces /etc/network/interfaces.d/*; do
  [ -f "$f" ] && keys interfaces "${f##*/}" "$f"
done
[ -x /sbin/ifup ] || [ -x /usr/sbin/ifup ] || printf 'no-ifup ?\t\n'
for f in /run/systemd/network/10-netplan-*.network; do
  [ -e "$f" ] || continue
  name=${f##*/10-netplan-} name=${name%.network}
  keys netplan "$name" "$f"
  status=1
  for source in /etc/netplan/*.yaml /run/netplan/*.yaml /lib/netplan/*.yaml; do
    [ -e "$source" ] && [ $status != 0 ] || continue
    if [ -r "$source" ]
    then limit 5 grep -E -q "(^|[^A-Za-z0-9_.-])$name[\"']?[[:space:]]*:" "$source" && status=0
    else status=2
    fi
  done
  printf 'netplan %s\tsource %s\n' "$name" "$status"
done
for f in /etc/systemd/network/*.network /run/systemd/network/*.network; do
  case $f in */10-netplan-*|*'*'*) ;; *) keys networkd "${f##*/}" "$f";; esac
done
for f in /sys/class/net/*/address; do
  IFS= read -r line < "$f" || continue
  f=${f%/address}
  printf 'link %s\t%s\n' "${f##*/}" "$line"
done
exit 0
"#,
)];

/// How one interface is configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterfaceConfig {
    /// The interface.
    pub interface: String,
    /// Whether it starts with the machine.
    pub at_boot: bool,
    /// What says so, as a phrase: `ONBOOT=no in ifcfg-eth0`.
    pub how: String,
}

/// All that the files say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InterfaceConfigs {
    /// The interfaces, one entry for each file that speaks of one.
    pub interfaces: Vec<InterfaceConfig>,
    /// Files that could not be read.
    pub unreadable: Vec<String>,
}

impl InterfaceConfigs {
    /// How an interface is configured; of several files, one that starts it.
    pub fn interface(&self, interface: &str) -> Option<&InterfaceConfig> {
        let mut files = self.interfaces.iter().filter(|config| config.interface == interface);
        let first = files.clone().next();
        files.find(|config| config.at_boot).or(first)
    }
}

/// Reads what the probe printed.
///
/// ```
/// use preflight::facts::network::interface_files;
/// let text = "ifcfg eth0\t\nifcfg eth0\tDEVICE=eth0\nifcfg eth0\tONBOOT=\"yes\"\n";
/// assert!(interface_files::parse(text).interface("eth0").unwrap().at_boot);
/// ```
pub fn parse(text: &str) -> InterfaceConfigs {
    let mut configuration = InterfaceConfigs::default();
    let files = split_files(text);
    let of_kind = |kind: &'static str| files.iter().filter(move |file| file.0 == kind);
    let links: Vec<(&str, &str)> =
        of_kind("link").filter_map(|(_, name, lines)| Some((*name, *lines.last()?))).collect();
    let has_ifup = of_kind("no-ifup").next().is_none();
    // A file may start what another one configures.
    let started: Vec<&str> = of_kind("interfaces")
        .flat_map(|(_, _, lines)| lines)
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let starts = matches!(words.next()?, "auto" | "allow-auto" | "allow-hotplug");
            starts.then_some(words)
        })
        .flatten()
        .collect();
    for (kind, name, lines) in &files {
        let (kind, name) = (*kind, *name);
        if lines.contains(&"!") {
            configuration.unreadable.push(name.to_owned());
            continue;
        }
        match kind {
            "ifcfg" => configuration.interfaces.extend(parse_ifcfg(name, lines, &links)),
            "keyfile" => configuration.interfaces.extend(parse_keyfile(name, lines, &links)),
            "interfaces" => {
                configuration.interfaces.extend(parse_interfaces(name, lines, &started, has_ifup));
            }
            "netplan" | "networkd" => {
                configuration.interfaces.extend(parse_networkd(kind, name, lines, &links));
            }
            _ => {}
        }
    }
    configuration
}

/// The kind, the name and the lines of each file, in the order they were sent.
fn split_files(text: &str) -> Vec<(&str, &str, Vec<&str>)> {
    let mut files: Vec<(&str, &str, Vec<&str>)> = Vec::new();
    for line in text.lines() {
        let Some((file, line)) = line.split_once('\t') else { continue };
        let Some((kind, name)) = file.split_once(' ') else { continue };
        match files.last_mut() {
            Some((k, n, lines)) if *k == kind && *n == name => lines.push(line.trim()),
            _ => files.push((kind, name, vec![line.trim()])),
        }
    }
    files
}

/// The last value of a key, without comment and quotes, as a shell would take it.
fn value<'l>(lines: &[&'l str], key: &str) -> Option<&'l str> {
    let value = lines.iter().rev().find_map(|line| line.strip_prefix(key)?.strip_prefix('='))?;
    Some(match value.chars().next() {
        Some(quote @ ('"' | '\'')) => value[1..].split(quote).next().unwrap_or(""),
        _ => value.split([' ', '\t', '#', ';']).next().unwrap_or(""),
    })
}

/// The interfaces with a hardware address. VLANs and bridges have that of what they are made of, so
/// it may be several.
fn interfaces_with_address<'l>(links: &[(&'l str, &str)], address: &str) -> Vec<&'l str> {
    let same = links.iter().filter(|(_, other)| other.eq_ignore_ascii_case(address));
    same.map(|(name, _)| *name).collect()
}

fn parse_ifcfg(name: &str, lines: &[&str], links: &[(&str, &str)]) -> Vec<InterfaceConfig> {
    let filled = |key: &str| value(lines, key).filter(|value| !value.is_empty());
    let hardware = filled("HWADDR").map(|address| interfaces_with_address(links, address));
    let interfaces = match (filled("DEVICE"), hardware) {
        // The scripts leave an interface down whose address is another than the file's, as a clone's is.
        (Some(device), Some(owners))
            if filled("MACADDR").is_none()
                && links.iter().any(|(link, _)| *link == device)
                && !owners.contains(&device) =>
        {
            return Vec::new();
        }
        (Some(device), _) => vec![device],
        (None, Some(owners)) if !owners.is_empty() => owners,
        _ => vec![name],
    };
    let on_boot = value(lines, "ONBOOT");
    let at_boot = on_boot.is_some_and(|value| {
        ["yes", "y", "true", "t", "1"].iter().any(|word| value.eq_ignore_ascii_case(word))
    });
    let protocol = match value(lines, "BOOTPROTO").unwrap_or("none") {
        "dhcp" => "dhcp",
        _ => "static",
    };
    let how = match on_boot {
        Some(value) => format!("{protocol}, ONBOOT={value} in ifcfg-{name}"),
        None => format!("{protocol}, no ONBOOT in ifcfg-{name}"),
    };
    let configured = |interface: &str| InterfaceConfig {
        interface: interface.to_owned(),
        at_boot,
        how: how.clone(),
    };
    interfaces.into_iter().map(configured).collect()
}

fn parse_keyfile(name: &str, lines: &[&str], links: &[(&str, &str)]) -> Vec<InterfaceConfig> {
    let spaced: Vec<String> = lines.iter().map(|line| line.replace(" = ", "=")).collect();
    let lines: Vec<&str> = spaced.iter().map(String::as_str).collect();
    let interfaces = match (value(&lines, "interface-name"), value(&lines, "mac-address")) {
        (Some(interface), _) => vec![interface],
        (None, Some(address)) => interfaces_with_address(links, address),
        (None, None) => return Vec::new(),
    };
    let off =
        value(&lines, "autoconnect").is_some_and(|value| matches!(value, "false" | "no" | "0"));
    let how = format!("autoconnect is {} in connection {name}", if off { "off" } else { "on" });
    let configured = |interface: &str| InterfaceConfig {
        interface: interface.to_owned(),
        at_boot: !off,
        how: how.clone(),
    };
    interfaces.into_iter().map(configured).collect()
}

/// `iface` names an interface, `auto` or `allow-hotplug` starts it, and `ifup` reads both.
fn parse_interfaces(
    name: &str,
    lines: &[&str],
    started: &[&str],
    has_ifup: bool,
) -> Vec<InterfaceConfig> {
    let mut interfaces: Vec<InterfaceConfig> = Vec::new();
    for line in lines {
        let words: Vec<&str> = line.split_whitespace().collect();
        let ["iface", interface, "inet", method, ..] = words.as_slice() else { continue };
        let is_auto = started.contains(interface);
        let mut how = format!("{method}, {} in {name}", if is_auto { "auto" } else { "not auto" });
        if !has_ifup {
            how += ", which nothing reads, for there is no ifup";
        }
        let at_boot = is_auto && has_ifup;
        interfaces.push(InterfaceConfig { interface: (*interface).to_owned(), at_boot, how });
    }
    interfaces
}

/// A file of networkd. One that netplan made is made anew at each boot, from a file that must still
/// name it; a capture of old has its name alone.
fn parse_networkd(
    kind: &str,
    name: &str,
    lines: &[&str],
    links: &[(&str, &str)],
) -> Vec<InterfaceConfig> {
    let mut section = "";
    let (mut interfaces, mut addressing, mut manual): (Vec<&str>, _, _) = (Vec::new(), "", false);
    for line in lines {
        if line.starts_with('[') {
            section = line;
        }
        match (section, line.split_once('=').unwrap_or_default()) {
            ("[Match]", ("Name", names)) => {
                let matches = |link: &&str| {
                    names.split_whitespace().any(|pattern| WildMatch::new(pattern).matches(link))
                };
                interfaces.extend(links.iter().map(|(link, _)| *link).filter(matches));
            }
            ("[Match]", ("MACAddress", addresses)) => interfaces.extend(
                addresses
                    .split_whitespace()
                    .flat_map(|address| interfaces_with_address(links, address)),
            ),
            ("[Network]", ("DHCP", "yes" | "true" | "ipv4")) => addressing = "dhcp, ",
            ("[Network]" | "[Address]", ("Address", _)) => addressing = "static, ",
            ("[Link]", ("ActivationPolicy", policy)) => {
                manual = !matches!(policy, "up" | "always-up");
            }
            _ => {}
        }
    }
    if interfaces.is_empty() && kind == "netplan" {
        interfaces.push(name);
    }
    let gone = lines.contains(&"source 1");
    let how = match (kind, gone) {
        ("netplan", true) => format!("{addressing}no file of netplan names {name} any more"),
        _ if manual => format!("{addressing}not started by {kind}"),
        _ => format!("{addressing}started by {kind}"),
    };
    let configured = |interface: &str| InterfaceConfig {
        interface: interface.to_owned(),
        at_boot: !gone && !manual,
        how: how.clone(),
    };
    interfaces.into_iter().map(configured).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_boot(text: &str, interface: &str) -> Option<bool> {
        parse(text).interface(interface).map(|config| config.at_boot)
    }

    #[test]
    fn spellings_of_onboot() {
        for (line, expected) in [
            ("ONBOOT=yes", true),
            ("ONBOOT=\"yes\"", true),
            ("ONBOOT='YES'  # comment", true),
            ("ONBOOT=yes # no", true),
            ("ONBOOT=yes\r", true),
            ("ONBOOT=no\r", false),
            ("ONBOOT=no", false),
            ("ONBOOT=\"no\"", false),
            ("#ONBOOT=yes", false),
            ("ONBOOT=", false),
            ("ONBOOT=yes\nifcfg eth0\tONBOOT=no", false),
            ("ONBOOT=no\nifcfg eth0\tONBOOT=yes", true),
            ("DEVICE=eth0", false),
        ] {
            let text = format!("ifcfg eth0\t\nifcfg eth0\t{line}\n");
            assert_eq!(at_boot(&text, "eth0"), Some(expected), "{line:?}");
        }
    }

    #[test]
    fn the_file_says_which_interface_it_is_for() {
        let text = "ifcfg Wired\t\nifcfg Wired\tDEVICE=\"eth1\"\nifcfg Wired\tONBOOT=yes\n\
                    ifcfg lo\t\nifcfg lo\tONBOOT=yes\nifcfg eth0\t!\n";
        let configuration = parse(text);
        assert_eq!(
            configuration.interface("eth1").unwrap().how,
            "static, ONBOOT=yes in ifcfg-Wired"
        );
        assert_eq!(configuration.interface("Wired"), None);
        assert_eq!(configuration.interface("eth0"), None);
        assert_eq!(configuration.unreadable, ["eth0"]);
        let both = "ifcfg a\t\nifcfg a\tDEVICE=eth0\nifcfg a\tONBOOT=no\n\
                    ifcfg b\t\nifcfg b\tDEVICE=eth0\nifcfg b\tONBOOT=yes\nifcfg b\tBOOTPROTO=dhcp\n";
        assert_eq!(parse(both).interface("eth0").unwrap().how, "dhcp, ONBOOT=yes in ifcfg-b");
    }

    #[test]
    fn files_of_later_eras() {
        for (text, expected) in [
            (
                "keyfile Wired 1\t\nkeyfile Wired 1\t[connection]\nkeyfile Wired 1\tinterface-name=eth0\n",
                Some(true),
            ),
            ("keyfile a\tinterface-name = eth0\nkeyfile a\tautoconnect = false\n", Some(false)),
            ("keyfile a\t[ipv4]\nkeyfile a\tmethod=auto\n", None),
            (
                "interfaces interfaces\tauto lo eth0\ninterfaces interfaces\tiface eth0 inet static\n",
                Some(true),
            ),
            (
                "interfaces 50-cloud\tallow-hotplug eth0\ninterfaces 50-cloud\tiface eth0 inet dhcp\n",
                Some(true),
            ),
            ("interfaces interfaces\tiface eth0 inet dhcp\n", Some(false)),
            (
                "interfaces interfaces\t# auto eth0\ninterfaces interfaces\tiface eth0 inet dhcp\n",
                Some(false),
            ),
            // The one file starts what the other configures.
            (
                "interfaces interfaces\tauto eth0\ninterfaces 50-eth0\tiface eth0 inet static\n",
                Some(true),
            ),
            // What nothing reads starts nothing, as on Ubuntu 20.04.
            (
                "interfaces interfaces\tauto eth0\ninterfaces interfaces\tiface eth0 inet dhcp\nno-ifup ?\t\n",
                Some(false),
            ),
            ("netplan eth0\t\n", Some(true)),
            ("netplan eth0\t\nnetplan eth0\tsource 0\n", Some(true)),
            ("netplan eth0\t\nnetplan eth0\tsource 2\n", Some(true)),
            ("netplan eth0\t\nnetplan eth0\tsource 1\n", Some(false)),
            ("", None),
            ("nonsense\nifcfg\t\n\t\n", None),
        ] {
            assert_eq!(at_boot(text, "eth0"), expected, "{text:?}");
        }
    }

    #[test]
    fn a_file_of_networkd_matches_by_name_or_address() {
        let links = "link ens160\t00:0c:29:0a:0b:0c\nlink ens192\t00:0c:29:0a:0b:0d\n";
        let how = |lines: &[&str], interface: &str| {
            let mut text = "netplan lan\t\nnetplan lan\tsource 0\n".to_owned();
            for line in lines {
                text += &format!("netplan lan\t{line}\n");
            }
            let parsed = parse(&format!("{text}{links}"));
            parsed.interface(interface).map(|config| config.how.clone())
        };
        let own = "static, started by netplan";
        let match_name = ["[Match]", "Name=ens1*", "[Network]", "Address=192.0.2.10/24"];
        assert_eq!(how(&match_name, "ens192").as_deref(), Some(own));
        // The address of a section that gives one is none that is matched.
        let by_address =
            ["[Match]", "MACAddress=00:0C:29:0A:0B:0D", "[Link]", "MACAddress=00:0c:29:0a:0b:0c"];
        assert_eq!(how(&by_address, "ens192").as_deref(), Some("started by netplan"));
        assert_eq!(how(&by_address, "ens160"), None);
        let manual = ["[Match]", "Name=ens160", "[Link]", "ActivationPolicy=manual"];
        assert_eq!(how(&manual, "ens160").as_deref(), Some("not started by netplan"));
    }

    #[test]
    fn a_file_may_name_its_interface_by_the_hardware_address() {
        let links = "link eth0\t00:0c:29:0a:0b:0c\nlink eth1\t00:0c:29:0a:0b:0d\n";
        for (lines, eth0, eth1) in [
            (&["HWADDR=00:0C:29:0A:0B:0C", "ONBOOT=yes"][..], Some(true), None),
            (&["HWADDR=\"00:0c:29:0a:0b:0d\"", "ONBOOT=no"], None, Some(false)),
            (&["DEVICE=eth0", "HWADDR=00:0c:29:0a:0b:0c", "ONBOOT=yes"], Some(true), None),
            // A clone has another address, and the scripts leave its interface down.
            (&["DEVICE=eth0", "HWADDR=00:50:56:00:00:01", "ONBOOT=yes"], None, None),
            (
                &[
                    "DEVICE=eth0",
                    "HWADDR=00:50:56:00:00:01",
                    "MACADDR=00:0c:29:0a:0b:0c",
                    "ONBOOT=yes",
                ],
                Some(true),
                None,
            ),
            (&["HWADDR=00:50:56:00:00:01", "ONBOOT=yes"], None, None),
        ] {
            let mut text = "ifcfg Auto_Ethernet\t\n".to_owned();
            for line in lines {
                text += &format!("ifcfg Auto_Ethernet\t{line}\n");
            }
            text += links;
            assert_eq!((at_boot(&text, "eth0"), at_boot(&text, "eth1")), (eth0, eth1), "{lines:?}");
        }
        let keyfile = format!("keyfile Wired\tmac-address=00:0C:29:0A:0B:0D\n{links}");
        assert_eq!(at_boot(&keyfile, "eth1"), Some(true));
        // A capture of old, whose host did not tell its addresses.
        assert_eq!(
            at_boot(
                "ifcfg eth0\tDEVICE=eth0\nifcfg eth0\tHWADDR=0:1\nifcfg eth0\tONBOOT=yes\n",
                "eth0"
            ),
            Some(true)
        );
    }
}
