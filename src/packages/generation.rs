//! The generations of the installer.
//!
//! Not for which one a medium has (`installer::profile`).

use serde::{Deserialize, Serialize};

/// An installer's generation: anaconda of el6 or of el7.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum Generation {
    /// CentOS and RHEL 6.
    El6,
    /// CentOS and RHEL 7.
    El7,
}

impl TryFrom<u8> for Generation {
    type Error = String;

    fn try_from(number: u8) -> Result<Self, String> {
        match number {
            6 => Ok(Self::El6),
            7 => Ok(Self::El7),
            other => Err(format!("generation {other} is not known: expected 6 or 7")),
        }
    }
}

impl From<Generation> for u8 {
    fn from(generation: Generation) -> u8 {
        match generation {
            Generation::El6 => 6,
            Generation::El7 => 7,
        }
    }
}
