//! Inventories in INI form.
//!
//! Not for what a variable means: `variable` knows that.

use super::{ALL, Inventory, MAX_HOSTS, Problem, ProblemAt, UNGROUPED};

/// What the lines below a heading are.
enum Section {
    Hosts(String),
    Children(String),
    Variables(String),
}

pub(super) fn read(text: &str, inventory: &mut Inventory) -> Result<(), ProblemAt> {
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
        read.map_err(|problem| (Some(index + 1), problem))?;
    }
    Ok(())
}

fn read_heading(heading: &str, inventory: &mut Inventory) -> Result<Section, Problem> {
    let heading = heading.split(" #").next().unwrap_or(heading).trim_end();
    let heading = heading.strip_suffix(']').ok_or(Problem::Expected("] at the end"))?;
    let (name, kind) = heading.split_once(':').unwrap_or((heading, "of hosts"));
    let name = name.trim().to_owned();
    if name.is_empty() {
        return Err(Problem::Expected("the name of a group"));
    }
    inventory.groups.entry(name.clone()).or_default();
    match kind {
        "of hosts" => Ok(Section::Hosts(name)),
        "children" => Ok(Section::Children(name)),
        "vars" => Ok(Section::Variables(name)),
        _ => Err(Problem::NotRead(format!("[{heading}]"))),
    }
}

fn read_line(line: &str, section: &Section, inventory: &mut Inventory) -> Result<(), Problem> {
    match section {
        Section::Hosts(group) => {
            let words = words(line)?;
            let (first, variables) = words.split_first().ok_or(Problem::Expected("a host"))?;
            let (pattern, port) = with_port(first);
            for name in names(pattern)? {
                let own = inventory.add_host(&name, group)?;
                if let Some(port) = port {
                    own.set("ansible_port", port)?;
                }
                for variable in variables {
                    let (key, value) = variable
                        .split_once('=')
                        .ok_or(Problem::Expected("KEY=VALUE behind the host"))?;
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
            let (key, value) = line.split_once('=').ok_or(Problem::Expected("KEY=VALUE"))?;
            let value = words(value)?.join(" ");
            let variables = &mut inventory.groups.entry(group.clone()).or_default().variables;
            Ok(variables.set(key.trim(), &value)?)
        }
    }
}

/// The words of a line, with quotes as a shell has them; the rest behind ` #` is a comment.
fn words(line: &str) -> Result<Vec<String>, Problem> {
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
        return Err(Problem::Expected("a closing quote"));
    }
    words.extend(word);
    Ok(words)
}

/// `HOST:PORT`, where the colon is not one of a range or of an IPv6 address.
fn with_port(word: &str) -> (&str, Option<&str>) {
    match word.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') && !port.contains(']') => {
            match port.bytes().all(|byte| byte.is_ascii_digit()) && !port.is_empty() {
                true => (host, Some(port)),
                false => (word, None),
            }
        }
        _ => (word, None),
    }
}

/// The names that a pattern such as `mt[01:20]` stands for.
fn names(pattern: &str) -> Result<Vec<String>, Problem> {
    let Some((before, rest)) = pattern.split_once('[') else {
        return Ok(vec![pattern.to_owned()]);
    };
    let not_read = || Problem::NotRead(format!("the range {pattern:?}"));
    let (range, after) = rest.split_once(']').ok_or_else(not_read)?;
    let mut parts = range.split(':');
    let mut number = |or: Option<&str>| {
        let text = parts.next().or(or).ok_or_else(not_read)?.to_owned();
        let value: usize = text.parse().map_err(|_| not_read())?;
        Ok::<_, Problem>((value, text.len()))
    };
    let (first, width) = number(None)?;
    let (last, _) = number(None)?;
    let (step, _) = number(Some("1"))?;
    if parts.next().is_some() || step == 0 || last < first {
        return Err(not_read());
    }
    if (last - first) / step >= MAX_HOSTS {
        return Err(Problem::TooMany);
    }
    let mut all = Vec::new();
    for value in (first..=last).step_by(step) {
        for rest in names(after)? {
            all.push(format!("{before}{value:0width$}{rest}"));
            if all.len() > MAX_HOSTS {
                return Err(Problem::TooMany);
            }
        }
    }
    Ok(all)
}
