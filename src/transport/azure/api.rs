//! The versions of the service's interfaces that are asked for, newest first.
//!
//! Every request names one. Sovereign clouds lag behind, so that an unknown version is no reason to give up: the
//! service lists those that it has.

/// An interface of Azure Resource Manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Api {
    /// Vaults themselves.
    Vaults,
    /// Site Recovery, below a vault.
    SiteRecovery,
    /// Virtual machines.
    Compute,
    /// Networks, gateways, network cards.
    Network,
}

impl Api {
    /// Returns its versions, newest first.
    pub fn versions(self) -> &'static [&'static str] {
        match self {
            Self::Vaults => &["2024-04-01", "2023-08-01", "2023-04-01", "2021-08-01", "2016-06-01"],
            Self::SiteRecovery => &[
                "2025-08-01", "2025-02-01", "2025-01-01", "2024-10-01", "2024-04-01", "2024-02-01",
                "2024-01-01", "2023-08-01", "2023-06-01", "2023-04-01", "2023-02-01", "2023-01-01",
                "2022-10-01", "2022-08-01", "2022-05-01", "2022-01-01", "2021-11-01", "2021-08-01",
                "2021-06-01", "2021-02-10", "2018-07-10", "2018-01-10",
            ],
            Self::Compute => {
                &["2024-07-01", "2024-03-01", "2023-03-01", "2022-03-01", "2021-03-01"]
            }
            Self::Network => {
                &["2024-05-01", "2023-09-01", "2022-07-01", "2021-08-01", "2020-11-01"]
            }
        }
    }

    /// Returns the place of the version to try after the one at `place`: the newest one that the service's message
    /// names, else the next. None when there is no other.
    ///
    /// ```
    /// use preflight::transport::azure::api::Api;
    /// let says = "The supported api-versions are '2018-01-10, 2022-08-01'.";
    /// let next = Api::SiteRecovery.older(0, says).unwrap();
    /// assert_eq!(Api::SiteRecovery.versions()[next], "2022-08-01");
    /// assert_eq!(Api::SiteRecovery.older(0, "no"), Some(1));
    /// ```
    pub fn older(self, place: usize, message: &str) -> Option<usize> {
        let versions = self.versions();
        let named = (place + 1..versions.len()).find(|&next| message.contains(versions[next]));
        named.or_else(|| (place + 1 < versions.len()).then_some(place + 1))
    }
}
