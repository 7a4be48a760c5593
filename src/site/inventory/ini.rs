//! Parses inventories in INI form.
//!
//! Not for the meaning of variables (`variable`).

use super::{ALL, AnsibleInventory, InventoryFault, LocatedFault, MAX_HOSTS, UNGROUPED};

/// The kind of the lines below a heading.
enum Section {
    Hosts(String),
    Children(String),
    Variables(String),
}

pub(super) fn read(text: &str, inventory: &mut AnsibleInventory) -> Result<(), LocatedFault> {
    let mut section = Section::Hosts(UNGROUPED.to_owned());
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        let read = match line.strip_prefix('[') {
            Some(heading) => read_heading(heading, inventory).map(|read| section = read),
            None => read_line(line, &section, inventory),
        };
        read.map_err(|fault| (Some(index + 1), fault))?;
    }
    Ok(())
}

fn read_heading(
    heading: &str,
    inventory: &mut AnsibleInventory,
) -> Result<Section, InventoryFault> {
    let heading = heading.split(" #").next().unwrap_or(heading).trim_end();
    let heading = heading.strip_suffix(']').ok_or(InventoryFault::Expected("] at the end"))?;
    let (name, kind) = heading.split_once(':').unwrap_or((heading, "of hosts"));
    let name = name.trim().to_owned();
    if name.is_empty() {
        return Err(InventoryFault::Expected("the name of a group"));
    }
    inventory.groups.entry(name.clone()).or_default();
    match kind {
        "of hosts" => Ok(Section::Hosts(name)),
        "children" => Ok(Section::Children(name)),
        "vars" => Ok(Section::Variables(name)),
        _ => Err(InventoryFault::NotRead(format!("[{heading}]"))),
    }
}

fn read_line(
    line: &str,
    section: &Section,
    inventory: &mut AnsibleInventory,
) -> Result<(), InventoryFault> {
    match section {
        Section::Hosts(group) => {
            let words = words(line)?;
            let (first, variables) =
                words.split_first().ok_or(InventoryFault::Expected("a host"))?;
            let (pattern, port) = with_port(first);
            for name in names(pattern)? {
                let own = inventory.add_host(&name, group)?;
                if let Some(port) = port {
                    own.set("ansible_port", port)?;
                }
                for variable in variables {
                    let (key, value) = variable
                        .split_once('=')
                        .ok_or(InventoryFault::Expected("KEY=VALUE behind the host"))?;
                    own.set(key, value)?;
                }
            }
            Ok(())
        }
        Section::Children(group) => {
            let child = words(line)?.first().cloned().unwrap_or_default();
            inventory.groups.entry(child.clone()).or_default();
            if group != ALL {
                inventory.groups.entry(group.clone()).or_default().children.insert(child);
            }
            Ok(())
        }
        Section::Variables(group) => {
            let (key, value) = line.split_once('=').ok_or(InventoryFault::Expected("KEY=VALUE"))?;
            let value = words(value)?.join(" ");
            let variables = &mut inventory.groups.entry(group.clone()).or_default().variables;
            Ok(variables.set(key.trim(), &value)?)
        }
    }
}

/// Splits a line into words with the quotes of a shell; text after ` #` is a comment.
fn words(line: &str) -> Result<Vec<String>, InventoryFault> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '#') if word.is_none() => break,
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    if quote.is_some() {
        return Err(InventoryFault::Expected("a closing quote"));
    }
    words.extend(word);
    Ok(words)
}

/// Splits `HOST:PORT`; a colon of a range or of an IPv6 address does not count.
fn with_port(word: &str) -> (&str, Option<&str>) {
    match word.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') && !port.contains(']') => {
            if port.bytes().all(|byte| byte.is_ascii_digit()) && !port.is_empty() {
                (host, Some(port))
            } else {
                (word, None)
            }
        }
        _ => (word, None),
    }
}

/// The most ranges in one name.
const MAX_RANGES: usize = 4;

/// Expands a pattern such as `mt[01:20]` to names.
fn names(pattern: &str) -> Result<Vec<String>, InventoryFault> {
    let not_read = || InventoryFault::NotRead(format!("the range {pattern:?}"));
    if pattern.matches('[').count() > MAX_RANGES {
        return Err(not_read());
    }
    let Some((before, rest)) = pattern.split_once('[') else {
        return Ok(vec![pattern.to_owned()]);
    };
    let (range, after) = rest.split_once(']').ok_or_else(not_read)?;
    let mut parts = range.split(':');
    let mut number = |or: Option<&str>| {
        let text = parts.next().or(or).ok_or_else(not_read)?.to_owned();
        let value: usize = text.parse().map_err(|_| not_read())?;
        // All numbers are padded to the width of the first.
        Ok::<_, InventoryFault>((value, text.len().min(20)))
    };
    let (first, width) = number(None)?;
    let (last, _) = number(None)?;
    let (step, _) = number(Some("1"))?;
    if parts.next().is_some() || step == 0 || last < first {
        return Err(not_read());
    }
    let endings = names(after)?;
    if ((last - first) / step).saturating_add(1).saturating_mul(endings.len()) > MAX_HOSTS {
        return Err(InventoryFault::TooMany);
    }
    let numbers = (first..=last).step_by(step);
    let all = numbers.flat_map(|value| {
        endings.iter().map(move |ending| format!("{before}{value:0width$}{ending}"))
    });
    Ok(all.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_stand_for_names() {
        for (pattern, expected) in [
            ("mt", Some(&["mt"][..])),
            ("mt[1:3]", Some(&["mt1", "mt2", "mt3"])),
            ("mt[08:12:2].x", Some(&["mt08.x", "mt10.x", "mt12.x"])),
            ("r[1:2]n[1:2]", Some(&["r1n1", "r1n2", "r2n1", "r2n2"])),
            ("mt[3:1]", None),
            ("mt[1:3:0]", None),
            ("mt[1]", None),
            ("mt[a:c]", None),
            ("mt[1:2", None),
            ("mt[1:99999999999999999999999]", None),
            ("mt[0:18446744073709551615]", None),
            ("mt[1:1000][1:1000]", None),
        ] {
            let names = names(pattern).ok();
            assert_eq!(
                names.as_deref().map(|n| n.iter().map(String::as_str).collect::<Vec<_>>()),
                expected.map(<[_]>::to_vec),
                "{pattern}"
            );
        }
        assert!(names(&"[1:1]".repeat(50_000)).is_err());
    }
}
