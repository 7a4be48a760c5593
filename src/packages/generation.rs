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

impl Generation {
    /// Packages that the installer adds itself if they are available: it needs a kernel, a boot
    /// loader and the tools of the file systems it creates (anaconda's yuminstall.py; the lists are
    /// general knowledge).
    pub fn implied_packages(self) -> Vec<String> {
        let names: &[&str] = match self {
            Self::El6 => &["kernel", "grub", "e2fsprogs", "authconfig"],
            Self::El7 => &["kernel", "grub2", "e2fsprogs", "authconfig", "firewalld"],
        };
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    /// Whether packages of an added repository are installed after the medium's, which must be
    /// complete among themselves (anaconda 13.21.229, sortedtransaction.py).
    pub fn installs_add_ons_last(self) -> bool {
        self == Self::El6
    }
}
