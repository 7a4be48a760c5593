//! What apt's preferences keep from an upgrade (apt_preferences(5)).
//!
//! Not for packages on hold: dpkg has those (`packages`).

use std::collections::BTreeSet;

use regex::{Regex, RegexBuilder};

use crate::facts::Unavailable;
use crate::facts::file;
use crate::facts::probe::{Probe, ProbeName};
use crate::facts::transcript::Transcript;

const PREFERENCES: ProbeName = ProbeName::new("apt-preferences");

/// The files of preferences that apt reads: others in that directory it leaves out for their names.
pub const PROBE: Probe = Probe::new(
    PREFERENCES,
    "[ -d /etc/apt ] || exit 44\nset +f\nd=/etc/apt/preferences.d\n\
     if [ -d $d ] && [ ! -r $d ]; then exit 1; fi\n\
     for f in /etc/apt/preferences $d/*; do\n  [ -f \"$f\" ] || continue\n  \
     case ${f##*/} in *[!A-Za-z0-9_.-]*) continue;; *.pref) ;; *.*) continue;; esac\n  \
     show \"$f\" || exit 1\n  echo\ndone\nexit 0\n",
);

/// Pins that every version of a package falls under.
const EVERY_VERSION: [&str; 3] = ["version *", "release *", "release a=*"];

/// A version that is pinned above this is kept, whatever else there is: releases have 500, the
/// preferred one 990.
const ABOVE_RELEASES: i64 = 990;

/// The preferences of a host, in the order in which apt reads them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AptPins(Vec<Record>);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Record {
    packages: String,
    pin: String,
    priority: i64,
}

impl AptPins {
    /// Reads them out of a transcript; who was not asked for them has none.
    ///
    /// # Errors
    ///
    /// Fails when a file could not be read, and when apt itself would refuse one.
    pub fn from_transcript(transcript: &Transcript) -> Result<Self, Unavailable> {
        if !transcript.was_asked(PREFERENCES) {
            return Ok(Self::default());
        }
        let text = file::contents(transcript, PREFERENCES, "apt's preferences")?;
        Self::parse(text.unwrap_or_default())
    }

    /// Reads records, which are parted by empty lines.
    ///
    /// ```
    /// use preflight::facts::guest::apt_pins::AptPins;
    /// let text = "Package: linux-image-*\nPin: release *\nPin-Priority: -1\n";
    /// let pins = AptPins::parse(text).unwrap();
    /// assert_eq!(pins.keep("linux-image-generic", "5.4.0.42.46"), Ok(true));
    /// assert_eq!(pins.keep("lsscsi", "0.30-0.1"), Ok(false));
    /// ```
    ///
    /// # Errors
    ///
    /// Fails at what apt refuses as well: it then does nothing at all.
    pub fn parse(text: &str) -> Result<Self, Unavailable> {
        let mut records = Vec::new();
        let mut fields: Vec<(String, String)> = Vec::new();
        for line in text.lines().chain([""]).filter(|line| !line.starts_with('#')) {
            if line.trim().is_empty() {
                records.extend(record(&std::mem::take(&mut fields))?);
            } else if let (true, Some((_, value))) =
                (line.starts_with([' ', '\t']), fields.last_mut())
            {
                value.push_str(line);
            } else {
                let (key, value) = line
                    .split_once(':')
                    .ok_or_else(|| format!("apt's preferences have a line {line:?}"))?;
                fields.push((key.to_ascii_lowercase(), value.to_owned()));
            }
        }
        Ok(Self(records))
    }

    /// Whether no upgrade changes a package of which this version is installed.
    ///
    /// # Errors
    ///
    /// Fails when that depends on which archive has the next version.
    pub fn keep(&self, name: &str, installed: &str) -> Result<bool, Unavailable> {
        let (all, specific): (Vec<&Record>, Vec<&Record>) =
            self.0.iter().partition(|record| record.packages == "*");
        let mut answers = BTreeSet::new();
        for record in specific {
            for pattern in record.packages.split_whitespace() {
                answers.extend(covers(pattern, name)?.then(|| record.keeps(installed)));
            }
        }
        if answers.is_empty() {
            // What is said of all packages counts where nothing is said of this one. A version has to be
            // of a package that is named, or apt passes over it.
            let all = all.iter().filter(|record| !record.pin.starts_with("version"));
            let of_all: BTreeSet<_> = all.map(|record| record.keeps(installed)).collect();
            answers.extend(of_all.contains(&Some(true)).then_some(of_all).into_iter().flatten());
        }
        let mut answers = answers.into_iter();
        let doubt = match (answers.next(), answers.next()) {
            (None, _) => return Ok(false),
            (Some(Some(kept)), None) => return Ok(kept),
            (Some(None), None) => "by where a version comes from alone",
            _ => "in more than one way",
        };
        Err(format!("apt's preferences pin {name} {doubt}").into())
    }
}

impl Record {
    /// Whether it keeps the installed version; nothing when that depends on where others come from.
    fn keeps(&self, installed: &str) -> Option<bool> {
        match self.pin.split_once(' ') {
            _ if EVERY_VERSION.contains(&self.pin.as_str()) => Some(self.priority < 0),
            Some(("version", version)) if version == installed.to_ascii_lowercase() => {
                Some(self.priority > ABOVE_RELEASES)
            }
            _ => None,
        }
    }
}

/// What a paragraph says; nothing when it pins nothing.
fn record(fields: &[(String, String)]) -> Result<Option<Record>, Unavailable> {
    let value = |key: &str| {
        let mut values = fields.iter().filter(|(name, _)| name == key).map(|(_, value)| value);
        let (value, other) = (values.next(), values.next());
        match other {
            None => Ok(value.map_or("", |value| value.trim()).to_owned()),
            Some(_) => Err(format!("a record of apt's preferences has {key} twice")),
        }
    };
    let (packages, pin, priority) =
        (value("package")?, value("pin")?.to_ascii_lowercase(), value("pin-priority")?);
    if fields.is_empty() || (!packages.is_empty() && pin.is_empty()) {
        return Ok(None);
    }
    // Both are errors for apt.
    let priority = priority.split_whitespace().next().and_then(|word| word.parse().ok());
    match priority.filter(|priority| *priority != 0) {
        Some(priority) if !packages.is_empty() => Ok(Some(Record { packages, pin, priority })),
        _ => Err("a record of apt's preferences lacks its package or its priority".into()),
    }
}

/// Whether a word of `Package` covers a package: a pattern as of file names, or an expression
/// between slashes. Upper case is no difference.
fn covers(pattern: &str, name: &str) -> Result<bool, Unavailable> {
    if let Some(source) = pattern.strip_prefix("src:") {
        let may_be_kernel = source.contains("linux") || source.contains('*');
        let doubt = || format!("which packages apt's preferences mean by {pattern} is not known");
        return if may_be_kernel { Err(doubt().into()) } else { Ok(false) };
    }
    let expression = match pattern.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')) {
        Some(inner) => inner.to_owned(),
        None => format!("^(?:{})$", glob_expression(pattern)),
    };
    let read: Result<Regex, _> =
        RegexBuilder::new(&expression).case_insensitive(true).size_limit(1 << 16).build();
    let read = read.map_err(|_| format!("apt's preferences have a pattern {pattern:?}"))?;
    Ok(read.is_match(name))
}

/// The expression of a pattern without its architecture.
fn glob_expression(pattern: &str) -> String {
    let name = pattern.split(':').next().unwrap_or_default().replace("[!", "[^");
    let translate = |c: char| match c {
        '*' => ".*".to_owned(),
        '?' => ".".to_owned(),
        '[' | ']' | '^' | '-' => c.to_string(),
        other => regex::escape(&other.to_string()),
    };
    name.chars().map(translate).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What apt 2.6 does with each was seen: `apt-get -s dist-upgrade` where version 1 is installed and
    /// an archive has 2; tests/ubuntu.rs asks apt again.
    #[test]
    fn a_record_keeps_a_package_as_apt_keeps_it() {
        for (packages, pin, priority, expected) in [
            ("linux-image-generic", "release *", "-1", Some(true)),
            ("linux-image-*", "version *", "-1", Some(true)),
            ("linux-image-*", "release a=*", "-1", Some(true)),
            ("/^linux-image/", "Release *", "-10", Some(true)),
            ("linux-image-[a-z]*", "release *", "-1", Some(true)),
            ("linux-image-[!a-f]*", "release *", "-1", Some(true)),
            ("linux-image-generic:amd64", "release *", "-1 # never", Some(true)),
            ("Linux-Image-*", "release *", "-1", Some(true)),
            ("lsscsi linux-image-generic", "version *", "-1", Some(true)),
            ("lsscsi\n linux-image-generic", "version *", "-1", Some(true)),
            ("*", "release *", "-1", Some(true)),
            ("linux-image-*", "version 1", "1001", Some(true)),
            ("linux-image-*", "release *", "50", Some(false)),
            ("linux-image-*", "release *", "100", Some(false)),
            ("linux-image-*", "version 1", "500", Some(false)),
            ("linux-image", "release *", "-1", Some(false)),
            ("linux-image-[!a-h]*", "release *", "-1", Some(false)),
            ("linux-image-[!a-z]*", "release *", "-1", Some(false)),
            ("src:docker", "release *", "-1", Some(false)),
            ("*", "release o=LP-PPA-somebody", "-1", Some(false)),
            ("*", "version *", "-1", Some(false)),
            ("src:linux-meta", "release *", "-1", None),
            ("linux-image-*", "release o=Ubuntu", "-1", None),
            ("linux-image-*", "origin \"\"", "-1", None),
            // A second blank makes another pattern of it, for apt too.
            ("linux-image-*", "release  a=*", "-1", None),
            ("linux-image-*", "version 1*", "1001", None),
            ("linux-image-*", "release *", "0", None),
            ("linux-image-*", "release *", "", None),
            ("", "release *", "-1", None),
            ("linux-image-[", "release *", "-1", None),
        ] {
            let text = format!(
                "# why\nExplanation: none\nPackage: {packages}\npin: {pin}\nPin-Priority: {priority}\n"
            );
            let kept = AptPins::parse(&text).and_then(|pins| pins.keep("linux-image-generic", "1"));
            assert_eq!(kept.ok(), expected, "{text}");
        }
    }

    #[test]
    fn records_that_differ_leave_it_open() {
        let record = |packages: &str, priority: i64| {
            format!("Package: {packages}\nPin: release *\nPin-Priority: {priority}\n\n")
        };
        let kept = |text: &str| {
            let kept = AptPins::parse(text).and_then(|pins| pins.keep("linux-generic", "1"));
            kept.map_err(|why| why.reason)
        };
        let (kernels, all) = (record("linux-*", -1), record("*", -1));
        assert_eq!(kept(&(kernels.clone() + &kernels)), Ok(true));
        assert_eq!(kept(&(all.clone() + &record("linux-*", 500))), Ok(false));
        assert!(kept(&(kernels.clone() + &record("linux-generic", 500))).is_err());
        assert!(kept(&(all + "Package: *\nPin: release a=focal\nPin-Priority: 500\n")).is_err());
        assert_eq!(kept("Package: linux-*\nPin-Priority: -1\n"), Ok(false));
        assert_eq!(kept("\n# nothing\n\n"), Ok(false));
        assert!(kept("garbage\n").is_err());
        assert!(kept(&kernels.replace("Pin-", "Package: a\nPin-")).is_err());
    }
}
