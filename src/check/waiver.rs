//! Waivers: a finding that somebody owns, for a reason, until a day.
//!
//! Not for what cannot be decided: nobody can own what nobody knows.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Deserialize;
use wildmatch::WildMatch;

/// One waiver as the site file has it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// The check that is waived.
    pub check: String,
    /// The targets it is waived for; `*` and `?` stand for any text and any character.
    pub target: String,
    /// Why.
    #[serde(deserialize_with = "deserialize_text")]
    pub reason: String,
    /// Who owns it.
    #[serde(deserialize_with = "deserialize_text")]
    pub owner: String,
    /// The last day it counts, in UTC.
    #[serde(deserialize_with = "deserialize_date")]
    pub expires: Date,
}

/// What should be said about a waiver beside the findings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WaiverNote {
    /// It counts for nothing any more.
    #[error("the waiver of {check} for {target} expired on {expires}, ask {owner}")]
    Expired {
        /// The check it names.
        check: String,
        /// The target it names.
        target: String,
        /// Who answered for it.
        owner: String,
        /// The last day it counted.
        expires: String,
    },
    /// It covers nothing: no such check, no such target, or nothing to waive.
    #[error("the waiver of {check} for {target} covers nothing, ask {owner}")]
    Unused {
        /// The check it names.
        check: String,
        /// The target it names.
        target: String,
        /// Who owns it.
        owner: String,
    },
}

impl Waiver {
    /// Whether it names this check and this target, whatever the day.
    pub fn covers(&self, check: &str, target: &str) -> bool {
        self.check == check && matches_glob(&self.target, target)
    }

    /// Whether it counts on this day.
    pub fn is_live(&self, today: Date) -> bool {
        today <= self.expires
    }
}

fn deserialize_text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.trim().is_empty() {
        return Err(serde::de::Error::custom("a waiver has a reason and an owner, not blanks"));
    }
    Ok(text)
}

fn deserialize_date<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| {
        serde::de::Error::custom(format!("{text:?} is not a day, write it as 2026-12-31"))
    })
}

/// Whether a text fits a glob of `*` and `?`.
pub fn matches_glob(glob: &str, text: &str) -> bool {
    WildMatch::new(glob).matches(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glob_names_targets() {
        for (glob, text, expected) in [
            ("mt1", "mt1", true),
            ("mt1", "mt10", false),
            ("mt?", "mt1", true),
            ("mt?", "mt", false),
            ("*", "", true),
            ("mt*", "mt-east-1", true),
            ("*-1", "mt-1-1", true),
            ("*a*b*c", "xaybzc", true),
            ("*a*b*c", "xaybz", false),
            ("", "x", false),
        ] {
            assert_eq!(matches_glob(glob, text), expected, "{glob:?} {text:?}");
        }
    }

    #[test]
    fn a_glob_of_stars_ends_soon() {
        assert!(!matches_glob(&"*a".repeat(200), &"a".repeat(20_000).replace('a', "ab")));
    }

    #[test]
    fn the_last_day_counts() {
        let text = "- { check: a.b, target: '*', reason: r, owner: o, expires: 2026-12-31 }\n";
        let waivers: Vec<Waiver> = crate::yaml::parse(text, "site.yaml").unwrap();
        let day = |text: &str| text.parse::<Date>().unwrap();
        assert!(waivers[0].is_live(day("2026-12-31")));
        assert!(!waivers[0].is_live(day("2027-01-01")));
    }

    #[test]
    fn what_is_no_waiver_is_refused() {
        for (text, why) in [
            (
                "- { check: a.b, target: x, reason: r, owner: o, expires: soon }\n",
                "\"soon\" is not a day, write it as 2026-12-31",
            ),
            (
                "- { chek: a.b, target: x, reason: r, owner: o, expires: 2026-12-31 }\n",
                "unknown key \"chek\", did you mean \"check\"?",
            ),
            (
                "- { check: a.b, target: x, reason: ' ', owner: o, expires: 2026-12-31 }\n",
                "a waiver has a reason and an owner, not blanks",
            ),
        ] {
            let error =
                crate::yaml::parse::<Vec<Waiver>>(text, "site.yaml").unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
