//! What the vault shows of something that has to hold.
//!
//! A thing that cannot be told is no value of this type but an unavailable fact, with what was seen in its reason.

use schemars::JsonSchema;
use serde::Serialize;

use crate::facts::Unavailable;

/// Whether something holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ShownState {
    /// It holds.
    Good,
    /// It holds, and something about it is to be looked at.
    Doubtful,
    /// It does not hold.
    Bad,
}

/// What the vault shows of something that has to hold, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Shown {
    /// Whether it holds.
    pub state: ShownState,
    /// What was seen, as a fragment.
    pub says: String,
}

/// What the vault shows, or why it does not.
pub type ShownResult = Result<Shown, Unavailable>;

impl Shown {
    /// It holds.
    pub fn good(says: impl Into<String>) -> Self {
        Self { state: ShownState::Good, says: says.into() }
    }

    /// It holds, and something about it is to be looked at.
    pub fn doubtful(says: impl Into<String>) -> Self {
        Self { state: ShownState::Doubtful, says: says.into() }
    }

    /// It does not hold.
    pub fn bad(says: impl Into<String>) -> Self {
        Self { state: ShownState::Bad, says: says.into() }
    }

    /// Returns what several show together: what is bad counts before what cannot be told, and that before all else.
    ///
    /// # Errors
    ///
    /// Fails when nothing is bad and one of them cannot be told, and when there is none.
    pub fn all(shown: impl IntoIterator<Item = ShownResult>) -> ShownResult {
        let mut worst: Option<Self> = None;
        let mut unknown: Option<Unavailable> = None;
        let mut says: Vec<String> = Vec::new();
        for shown in shown {
            match shown {
                Ok(shown) => {
                    if worst.as_ref().is_none_or(|worst| shown.state > worst.state) {
                        says.clear();
                    }
                    if worst.as_ref().is_none_or(|worst| shown.state >= worst.state) {
                        if !says.contains(&shown.says) {
                            says.push(shown.says.clone());
                        }
                        worst = Some(shown);
                    }
                }
                Err(why) => {
                    unknown.get_or_insert(why);
                }
            }
        }
        match (worst, unknown) {
            (Some(worst), _) if worst.state == ShownState::Bad => {
                Ok(Self { says: says.join("; "), ..worst })
            }
            (_, Some(why)) => Err(why),
            (Some(worst), None) => Ok(Self { says: says.join("; "), ..worst }),
            (None, None) => Err(Unavailable::from("nothing was looked at")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_are_as_bad_as_the_worst_and_no_better_than_what_is_unknown() {
        let unknown = || Err(Unavailable::from("not read"));
        let good = || Ok(Shown::good("a is there"));
        let bad = |says: &str| Ok(Shown::bad(says));
        assert_eq!(
            Shown::all([good(), bad("b is gone"), unknown(), bad("c is gone")]),
            bad("b is gone; c is gone")
        );
        assert_eq!(Shown::all([good(), unknown()]), unknown());
        assert_eq!(Shown::all([good(), Ok(Shown::doubtful("old"))]), Ok(Shown::doubtful("old")));
        assert_eq!(Shown::all([good(), good()]), good());
        assert!(Shown::all([]).is_err());
    }
}
