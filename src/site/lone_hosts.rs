//! Hosts without a site, one after the other: what they have to do with each other is small, and their facts are not kept.
//!
//! Gives the targets that [`Site::assemble`] gives of all of them at once ([`Coverage::HostsAlone`]). Not for hosts of a site,
//! whose facts are joined (`assemble`).
//!
//! [`Coverage::HostsAlone`]: super::assemble::Coverage::HostsAlone

use super::model::Site;
use super::server_views::{ServerViews, SharedView};
use super::target::{WrongKindError, host_target};
use crate::check::{CheckSet, Target};
use crate::facts::stage::MachineStage;
use crate::facts::target_kind::TargetKind;
use crate::facts::transcript::Transcript;

/// What is gathered of each host before any of them is evaluated.
pub struct HostSurvey<'s> {
    site: &'s Site,
    views: ServerViews,
    machines: Vec<MachineStage>,
}

impl<'s> HostSurvey<'s> {
    /// Begins; `site` has what options say of the stage.
    pub fn new(site: &'s Site) -> Self {
        Self { site, views: ServerViews::default(), machines: Vec::new() }
    }

    /// Looks at a host.
    ///
    /// # Errors
    ///
    /// Fails for the transcript of a system that is no host.
    pub fn add(&mut self, host: &Transcript, checks: &CheckSet) -> Result<(), WrongKindError> {
        self.views.add(host);
        if host.kind == TargetKind::ProtectedVm {
            let machine = host_target(host, checks, None)?;
            self.machines.push(self.site.stage_of_returned(&machine));
        }
        Ok(())
    }

    /// Returns what makes targets of the hosts.
    pub fn finish(self) -> LoneHosts<'s> {
        let Self { site, views, machines } = self;
        LoneHosts { site, views: views.shared(), machines }
    }
}

/// What every host is told of the others.
pub struct LoneHosts<'s> {
    site: &'s Site,
    views: Vec<SharedView>,
    machines: Vec<MachineStage>,
}

impl LoneHosts<'_> {
    /// Returns a host as a target.
    ///
    /// # Errors
    ///
    /// Fails for the transcript of a system that is no host.
    pub fn target(&self, host: &Transcript, checks: &CheckSet) -> Result<Target, WrongKindError> {
        let mut target = host_target(host, checks, None)?;
        self.views.iter().for_each(|shared| shared.tell(&mut target));
        let is_modernised = self.site.is_modernised(&[]);
        self.site.tell_stages(&mut target, &self.machines, is_modernised);
        Ok(target)
    }
}
