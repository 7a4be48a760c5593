//! `/etc/multipath.conf` as far as ApplyCustomChanges.sh writes it: how devices are named, and
//! which are kept away from multipath.
//!
//! Only what the file says, not what the daemon's built-in table adds. Patterns are taken as plain
//! texts: an id that only a regular expression would match does not count.

use regex::Regex;

/// What a multipath configuration says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MultipathConf {
    /// Whether devices are called `mpatha` by any section; none when the defaults say nothing of it.
    pub user_friendly_names: Option<bool>,
    /// The ids in the blacklist, in the order they are written.
    pub excluded_wwids: Vec<String>,
    /// The vendors in the blacklist's device sections.
    pub excluded_vendors: Vec<String>,
    /// The ids that the exceptions take out of the blacklist again.
    pub excepted_wwids: Vec<String>,
    /// The vendors that the exceptions take out again.
    pub excepted_vendors: Vec<String>,
    /// What is no configuration: a key outside of all sections, a brace too many or too few.
    pub fault: Option<String>,
}

impl MultipathConf {
    /// Whether devices of this vendor are kept from multipath.
    pub fn excludes_vendor(&self, vendor: &str) -> bool {
        self.excluded_vendors.iter().any(|excluded| excluded == vendor)
            && !self.excepted_vendors.iter().any(|pattern| may_match(pattern, vendor))
    }

    /// Whether the device with this id is kept from multipath; never, when it has none.
    pub fn excludes_wwid(&self, wwid: &str) -> bool {
        !wwid.is_empty()
            && self.excluded_wwids.iter().any(|excluded| excluded == wwid)
            && !self.excepted_wwids.iter().any(|pattern| may_match(pattern, wwid))
    }
}

/// Whether a pattern of an exception could match a text. Patterns are regular expressions that match
/// anywhere; one that cannot be read, and one that is turned round, could match.
fn may_match(pattern: &str, text: &str) -> bool {
    pattern.starts_with('!')
        || pattern == text
        || Regex::new(pattern).map_or(true, |pattern| pattern.is_match(text))
}

/// Reads a multipath configuration. Keys that nothing is made of are passed over.
///
/// ```
/// use preflight::facts::storage::multipath_conf;
/// let conf = multipath_conf::parse("blacklist {\n  wwid \"36000c29\" # root\n}\n");
/// assert!(conf.excludes_wwid("36000c29") && conf.fault.is_none());
/// ```
pub fn parse(text: &str) -> MultipathConf {
    let mut conf = MultipathConf::default();
    let mut sections: Vec<String> = Vec::new();
    // The name of a section whose brace may stand on the next line.
    let mut name = String::new();
    for line in text.lines() {
        let mut words = Words(line).peekable();
        while let Some(word) = words.next() {
            match word.as_str() {
                "}" => {
                    if sections.pop().is_none() {
                        conf.fault.get_or_insert_with(|| "a brace closes nothing".to_owned());
                    }
                }
                "{" => sections.push(std::mem::take(&mut name)),
                _ if words.peek().is_some_and(|next| next == "{") => {
                    words.next();
                    sections.push(word);
                }
                key => match words.next_if(|next| next != "}") {
                    Some(value) => conf.record(&sections, key, value),
                    None => name = word,
                },
            }
        }
    }
    if let Some(section) = sections.last() {
        conf.fault.get_or_insert_with(|| format!("{section} has no end"));
    } else if !name.is_empty() {
        conf.fault.get_or_insert_with(|| format!("it has a line {name:?}"));
    }
    conf
}

impl MultipathConf {
    fn record(&mut self, sections: &[String], key: &str, value: String) {
        // No section that counts is deeper than two; one that is has a third name here.
        let path: Vec<&str> = sections.iter().take(3).map(String::as_str).collect();
        match (path.as_slice(), key) {
            ([], _) => {
                self.fault.get_or_insert_with(|| {
                    format!("it has a line {key:?} outside of all sections")
                });
            }
            (["defaults"], "user_friendly_names") => {
                // Once on is on: which of two lines counts differs between versions.
                let on = !matches!(value.as_str(), "no" | "0" | "off");
                self.user_friendly_names = Some(on || self.user_friendly_names == Some(true));
            }
            // Sections for single devices and overrides stand above the defaults.
            (_, "user_friendly_names") if !matches!(value.as_str(), "no" | "0" | "off") => {
                self.user_friendly_names = Some(true);
            }
            (["blacklist"], "wwid") => self.excluded_wwids.push(value),
            (["blacklist", "device"], "vendor") => self.excluded_vendors.push(value),
            (["blacklist_exceptions"], "wwid") => self.excepted_wwids.push(value),
            (["blacklist_exceptions", "device"], "vendor") => self.excepted_vendors.push(value),
            _ => {}
        }
    }
}

/// The words of one line: braces stand alone, quotes hold a word together, and `#` or `!` at the
/// beginning of a word opens a comment.
struct Words<'l>(&'l str);

impl Iterator for Words<'_> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let rest = self.0.trim_start();
        let first = rest.chars().next()?;
        let (word, after) = match first {
            '#' | '!' => {
                self.0 = "";
                return None;
            }
            '{' | '}' => rest.split_at(1),
            '"' => match rest[1..].find('"') {
                Some(end) => (&rest[1..=end], &rest[end + 2..]),
                None => (&rest[1..], ""),
            },
            _ => {
                let ends = |c: char| c.is_whitespace() || matches!(c, '{' | '}' | '"');
                rest.split_at(rest.find(ends).unwrap_or(rest.len()))
            }
        };
        self.0 = after;
        Some(word.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_script_writes_is_read() {
        let conf = parse(
            "defaults {\n        user_friendly_names no\n        find_multipaths no\n}\n\
             blacklist {\n        devnode \"^cciss!c[0-9]d[0-9]*\"\n        device {\n                \
             vendor \"InMage\"\n                product \".*\"\n        }\n        \
             wwid 36000c29a0b1c2d3e4f50617283940516\n}\n",
        );
        assert_eq!(conf.user_friendly_names, Some(false));
        assert!(conf.excludes_vendor("InMage") && !conf.excludes_vendor("VMware"));
        assert!(conf.excludes_wwid("36000c29a0b1c2d3e4f50617283940516"));
        assert!(!conf.excludes_wwid(""));
    }

    #[test]
    fn sections_without_an_end_take_no_longer_than_others() {
        let began = std::time::Instant::now();
        let conf = parse(&format!("{}wwid 1\n", "a { k v ".repeat(32_000)));
        assert!(conf.excluded_wwids.is_empty());
        assert!(began.elapsed() < std::time::Duration::from_secs(2), "{:?}", began.elapsed());
    }

    #[test]
    fn only_the_right_section_counts() {
        for (text, names, wwids, vendors) in [
            ("defaults{user_friendly_names yes}", Some(true), 0, 0),
            ("defaults { user_friendly_names \"no\" }\r\n", Some(false), 0, 0),
            ("defaults\n{\nuser_friendly_names no\n}", Some(false), 0, 0),
            ("# user_friendly_names no\n", None, 0, 0),
            ("defaults {\n# user_friendly_names no\n}", None, 0, 0),
            ("defaults {\nuser_friendly_names no\nuser_friendly_names yes\n}", Some(true), 0, 0),
            ("defaults {\nuser_friendly_names yes\nuser_friendly_names no\n}", Some(true), 0, 0),
            (
                "defaults {\nuser_friendly_names no\n}\noverrides { user_friendly_names yes }",
                Some(true),
                0,
                0,
            ),
            ("devices { device { vendor A user_friendly_names yes } }", Some(true), 0, 0),
            ("user_friendly_names no\n", None, 0, 0),
            ("multipaths { multipath { wwid 1 alias a } }", None, 0, 0),
            ("blacklist_exceptions { wwid 1 }", None, 0, 0),
            ("blacklist { wwid 1 wwid \"2\" } blacklist { wwid 3 }", None, 3, 0),
            ("blacklist { device { vendor A product B } device { vendor \"C D\" } }", None, 0, 2),
            ("devices { device { vendor A } }", None, 0, 0),
            ("blacklist { wwid } }", None, 0, 0),
            ("blacklist { wwid \"1\n}", None, 1, 0),
            ("}}}} blacklist { wwid 1 }", None, 1, 0),
            ("\u{e9}\"\u{e9} {", None, 0, 0),
        ] {
            let conf = parse(text);
            assert_eq!(
                (conf.user_friendly_names, conf.excluded_wwids.len(), conf.excluded_vendors.len()),
                (names, wwids, vendors),
                "{text:?}"
            );
        }
    }

    #[test]
    fn exceptions_take_out_of_the_blacklist_again() {
        let list = "blacklist { wwid 36000c29a device { vendor \"InMage\" product \".*\" } }\n";
        for (exceptions, wwid, vendor) in [
            ("", true, true),
            ("blacklist_exceptions { wwid 36000c29a }", false, true),
            ("blacklist_exceptions { wwid \"36000c29\" }", false, true),
            ("blacklist_exceptions { wwid \".*\" }", false, true),
            ("blacklist_exceptions { wwid \"(\" }", false, true),
            ("blacklist_exceptions { wwid \"!^5\" }", false, true),
            ("blacklist_exceptions { wwid 36000c29f }", true, true),
            ("blacklist_exceptions { device { vendor \"In.*\" } }", true, false),
            ("blacklist_exceptions { devnode \"sda\" }", true, true),
        ] {
            let conf = parse(&format!("{list}{exceptions}\n"));
            assert_eq!(
                (conf.excludes_wwid("36000c29a"), conf.excludes_vendor("InMage")),
                (wwid, vendor),
                "{exceptions}"
            );
            assert_eq!(conf.fault, None);
        }
    }

    #[test]
    fn what_is_no_configuration_is_said() {
        for text in [
            "sh: cat: command not found\n",
            "lonely\n",
            "user_friendly_names no\n",
            "blacklist { wwid 1\n",
            "blacklist { wwid 1 } }\n",
        ] {
            assert!(parse(text).fault.is_some(), "{text:?}");
        }
        assert_eq!(parse("").fault, None);
    }
}
