//! What is known of one machine beside its stage, and the conditions of steps over it.
//!
//! Not for finding it out: who knows the site does that.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// When a step is to be done.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema, strum::VariantArray,
)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// The machine runs Linux.
    Linux,
    /// The machine runs Windows.
    Windows,
    /// It was a physical server.
    Physical,
    /// It returns to where it was.
    Original,
    /// It is made anew elsewhere.
    Alternate,
    /// There is no vCenter, and a host is asked alone.
    NoVcenter,
    /// It comes back through a Linux master target.
    LinuxMt,
    /// It comes back through a Windows master target.
    WindowsMt,
    /// It is a member of a replication group.
    Group,
    /// It fails over in a recovery plan.
    Plan,
    /// Its host is managed by VMM.
    Vmm,
}

/// What a condition is about. Conditions about one thing are alternatives; conditions about different things must all hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subject {
    System,
    Location,
    MasterTarget,
    Members,
    Host,
}

impl Condition {
    /// The condition in words, behind "if".
    pub fn as_clause(self) -> &'static str {
        match self {
            Self::Linux => "it runs Linux",
            Self::Windows => "it runs Windows",
            Self::Physical => "it was a physical server",
            Self::Original => "it returns to its original location",
            Self::Alternate => "it goes to an alternate location",
            Self::NoVcenter => "there is no vCenter",
            Self::LinuxMt => "it comes through a Linux master target",
            Self::WindowsMt => "it comes through a Windows master target",
            Self::Group => "it is in a replication group",
            Self::Plan => "it fails over in a recovery plan",
            Self::Vmm => "its host is managed by VMM",
        }
    }

    fn subject(self) -> Subject {
        match self {
            Self::Linux | Self::Windows => Subject::System,
            Self::Physical | Self::Original | Self::Alternate | Self::NoVcenter => {
                Subject::Location
            }
            Self::LinuxMt | Self::WindowsMt => Subject::MasterTarget,
            Self::Group | Self::Plan => Subject::Members,
            Self::Vmm => Subject::Host,
        }
    }
}

/// What is known of a machine; none where nobody and nothing says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Circumstances {
    /// Whether it runs Linux, and not Windows.
    pub is_linux: Option<bool>,
    /// Whether it was a physical server.
    pub is_physical: Option<bool>,
    /// Whether it is made anew at another location.
    pub is_alternate: Option<bool>,
    /// Whether there is a vCenter server.
    pub has_vcenter: Option<bool>,
    /// Whether its master target runs Linux, and not Windows.
    pub uses_linux_mt: Option<bool>,
    /// Whether it is in a replication group.
    pub in_group: Option<bool>,
    /// Whether it fails over in a recovery plan.
    pub in_plan: Option<bool>,
    /// Whether its host is managed by VMM.
    pub has_vmm: Option<bool>,
}

impl Circumstances {
    /// Whether one condition holds; none when that is not known.
    pub fn holds(&self, condition: Condition) -> Option<bool> {
        // A physical server has no machine to return to.
        let alternate = match self.is_physical {
            Some(true) => Some(true),
            _ => self.is_alternate,
        };
        let not = |known: Option<bool>| known.map(|known| !known);
        match condition {
            Condition::Linux => self.is_linux,
            Condition::Windows => not(self.is_linux),
            Condition::Physical => self.is_physical,
            Condition::Original => not(alternate),
            Condition::Alternate => alternate,
            Condition::NoVcenter => not(self.has_vcenter),
            Condition::LinuxMt => self.uses_linux_mt,
            Condition::WindowsMt => not(self.uses_linux_mt),
            Condition::Group => self.in_group,
            Condition::Plan => self.in_plan,
            Condition::Vmm => self.has_vmm,
        }
    }

    /// Whether a step with these conditions is to be done; none when that is not known.
    pub fn decide(&self, when: &[Condition]) -> Option<bool> {
        let mut all = Some(true);
        for alternatives in by_subject(when) {
            let known = || alternatives.iter().map(|&condition| self.holds(condition));
            let any = if known().any(|holds| holds == Some(true)) {
                Some(true)
            } else if known().all(|holds| holds == Some(false)) {
                Some(false)
            } else {
                None
            };
            all = match (all, any) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            };
        }
        all
    }
}

/// Returns the conditions in groups of alternatives.
fn by_subject(when: &[Condition]) -> Vec<Vec<Condition>> {
    let mut groups: Vec<Vec<Condition>> = Vec::new();
    for &condition in when {
        match groups.iter_mut().find(|group| group[0].subject() == condition.subject()) {
            Some(group) => group.push(condition),
            None => groups.push(vec![condition]),
        }
    }
    groups
}

/// Returns conditions in words, such as "if it runs Linux, and if it returns to its original location".
///
/// ```
/// use preflight::guide::circumstances::{Condition, describe_conditions};
/// let words = describe_conditions(&[Condition::Group, Condition::Plan]);
/// assert_eq!(words, "if it is in a replication group or it fails over in a recovery plan");
/// ```
pub fn describe_conditions(when: &[Condition]) -> String {
    let clauses = by_subject(when).into_iter().map(|alternatives| {
        let words: Vec<&str> = alternatives.iter().map(|condition| condition.as_clause()).collect();
        format!("if {}", words.join(" or "))
    });
    clauses.collect::<Vec<_>>().join(", and ")
}

#[cfg(test)]
mod tests {
    use super::Condition::{Alternate, Group, Linux, NoVcenter, Original, Physical, Plan, Windows};
    use super::*;

    #[test]
    fn conditions_about_one_thing_are_alternatives_and_others_must_all_hold() {
        let known = Circumstances {
            is_linux: Some(true),
            is_physical: Some(false),
            is_alternate: Some(false),
            in_group: None,
            ..Circumstances::default()
        };
        for (when, expected) in [
            (&[][..], Some(true)),
            (&[Linux], Some(true)),
            (&[Windows], Some(false)),
            (&[Linux, Original], Some(true)),
            (&[Windows, Original], Some(false)),
            (&[Alternate, Physical], Some(false)),
            (&[Alternate, Original], Some(true)),
            (&[NoVcenter, Physical], None),
            (&[Group, Plan], None),
            (&[Group, Windows], Some(false)),
        ] {
            assert_eq!(known.decide(when), expected, "{when:?}");
        }
    }

    #[test]
    fn a_physical_server_goes_to_another_location() {
        let physical = Circumstances { is_physical: Some(true), ..Circumstances::default() };
        assert_eq!(physical.holds(Original), Some(false));
        assert_eq!(physical.decide(&[Alternate, Physical]), Some(true));
        for &condition in <Condition as strum::VariantArray>::VARIANTS {
            assert_eq!(Circumstances::default().holds(condition), None, "{condition:?}");
        }
    }
}
