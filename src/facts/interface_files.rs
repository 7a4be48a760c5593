//! How network interfaces are configured to start, in the files of four eras: `ifcfg-*`,
//! NetworkManager's key files, Debian's `interfaces`, and what netplan makes for networkd.
//!
//! Not for the addresses they have now (`interfaces`).

use super::probe::Probe;

/// The lines that matter of every such file, each behind the kind and the name of its file and a
/// tab. Keys that can hold a secret are not sent.
pub const PROBES: &[Probe] = &[Probe::new(
    "interface-files",
    r#"
set +f
keys() {
  [ -r "$3" ] || { printf '%s %s\t!\n' "$1" "$2"; return; }
  printf '%s %s\t\n' "$1" "$2"
  while IFS= read -r line || [ -n "$line" ]; do
    case $1:${line%%=*} in
    interfaces:*[Pp][Aa][Ss][Ss]*|interfaces:*[Kk][Ee][Yy]*|interfaces:*psk*) ;;
    interfaces:*) printf '%s %s\t%s\n' "$1" "$2" "$line";;
    ifcfg:*DEVICE|ifcfg:*ONBOOT|ifcfg:*BOOTPROTO) printf '%s %s\t%s\n' "$1" "$2" "$line";;
    keyfile:'['*|keyfile:interface-name*|keyfile:autoconnect*|keyfile:method*)
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
d=/etc/NetworkManager/system-connections
[ ! -d $d ] || [ -r $d ] || printf 'keyfile ?\t!\n'
for f in "$d"/*; do
  [ -f "$f" ] && keys keyfile "${f##*/}" "$f"
done
for f in /etc/network/interfaces /etc/network/interfaces.d/*; do
  [ -f "$f" ] && keys interfaces "${f##*/}" "$f"
done
for f in /run/systemd/network/10-netplan-*.network; do
  [ -e "$f" ] || continue
  f=${f##*/10-netplan-}
  printf 'netplan %s\t\n' "${f%.network}"
done
exit 0
"#,
)];

/// How one interface is configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configured {
    /// The interface.
    pub interface: String,
    /// Whether it starts with the machine.
    pub at_boot: bool,
    /// What says so, as a phrase: `ONBOOT=no in ifcfg-eth0`.
    pub how: String,
}

/// All that the files say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configuration {
    /// The interfaces, one entry for each file that speaks of one.
    pub interfaces: Vec<Configured>,
    /// Files that could not be read.
    pub unreadable: Vec<String>,
}

impl Configuration {
    /// How an interface is configured; of several files, one that starts it.
    pub fn of(&self, interface: &str) -> Option<&Configured> {
        let mut files = self.interfaces.iter().filter(|it| it.interface == interface);
        let first = files.clone().next();
        files.find(|it| it.at_boot).or(first)
    }
}

/// Reads what the probe printed.
///
/// ```
/// use preflight::facts::interface_files;
/// let text = "ifcfg eth0\t\nifcfg eth0\tDEVICE=eth0\nifcfg eth0\tONBOOT=\"yes\"\n";
/// assert!(interface_files::parse(text).of("eth0").unwrap().at_boot);
/// ```
pub fn parse(text: &str) -> Configuration {
    let mut configuration = Configuration::default();
    for (kind, name, lines) in files(text) {
        if lines.contains(&"!") {
            configuration.unreadable.push(name.to_owned());
            continue;
        }
        match kind {
            "ifcfg" => configuration.interfaces.push(of_ifcfg(name, &lines)),
            "keyfile" => configuration.interfaces.extend(of_keyfile(name, &lines)),
            "interfaces" => configuration.interfaces.extend(of_interfaces(name, &lines)),
            "netplan" => configuration.interfaces.push(Configured {
                interface: name.to_owned(),
                at_boot: true,
                how: "started by netplan".to_owned(),
            }),
            _ => {}
        }
    }
    configuration
}

/// The kind, the name and the lines of each file, in the order they were sent.
fn files(text: &str) -> Vec<(&str, &str, Vec<&str>)> {
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

fn of_ifcfg(name: &str, lines: &[&str]) -> Configured {
    let interface = value(lines, "DEVICE").filter(|device| !device.is_empty()).unwrap_or(name);
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
    Configured { interface: interface.to_owned(), at_boot, how }
}

fn of_keyfile(name: &str, lines: &[&str]) -> Option<Configured> {
    let spaced: Vec<String> = lines.iter().map(|line| line.replace(" = ", "=")).collect();
    let lines: Vec<&str> = spaced.iter().map(String::as_str).collect();
    let interface = value(&lines, "interface-name")?;
    let off =
        value(&lines, "autoconnect").is_some_and(|value| matches!(value, "false" | "no" | "0"));
    let how = format!("autoconnect is {} in connection {name}", if off { "off" } else { "on" });
    Some(Configured { interface: interface.to_owned(), at_boot: !off, how })
}

/// `iface` names an interface, `auto` or `allow-hotplug` starts it.
fn of_interfaces(name: &str, lines: &[&str]) -> Vec<Configured> {
    let words: Vec<Vec<&str>> =
        lines.iter().map(|line| line.split_whitespace().collect()).collect();
    let started = |interface: &str| {
        words.iter().any(|line| {
            matches!(line.as_slice(), ["auto" | "allow-auto" | "allow-hotplug", names @ ..]
                if names.contains(&interface))
        })
    };
    let mut interfaces: Vec<Configured> = Vec::new();
    for line in &words {
        let ["iface", interface, "inet", method, ..] = line.as_slice() else { continue };
        let at_boot = started(interface);
        let how = format!("{method}, {} in {name}", if at_boot { "auto" } else { "not auto" });
        interfaces.push(Configured { interface: (*interface).to_owned(), at_boot, how });
    }
    interfaces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_boot(text: &str, interface: &str) -> Option<bool> {
        parse(text).of(interface).map(|it| it.at_boot)
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
        assert_eq!(configuration.of("eth1").unwrap().how, "static, ONBOOT=yes in ifcfg-Wired");
        assert_eq!(configuration.of("Wired"), None);
        assert_eq!(configuration.of("eth0"), None);
        assert_eq!(configuration.unreadable, ["eth0"]);
        let both = "ifcfg a\t\nifcfg a\tDEVICE=eth0\nifcfg a\tONBOOT=no\n\
                    ifcfg b\t\nifcfg b\tDEVICE=eth0\nifcfg b\tONBOOT=yes\nifcfg b\tBOOTPROTO=dhcp\n";
        assert_eq!(parse(both).of("eth0").unwrap().how, "dhcp, ONBOOT=yes in ifcfg-b");
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
            ("netplan eth0\t\n", Some(true)),
            ("", None),
            ("nonsense\nifcfg\t\n\t\n", None),
        ] {
            assert_eq!(at_boot(text, "eth0"), expected, "{text:?}");
        }
    }
}
