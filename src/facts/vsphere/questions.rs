//! The names by which captures have what a vSphere server answered.
//!
//! Not for what any answer means, nor for how it is asked (`transport::vsphere`).

use crate::facts::probe::ProbeName;

pub(crate) const ASKED: ProbeName = ProbeName::new("asked");
pub(crate) const AUTHORIZATION: ProbeName = ProbeName::new("authorization");
pub(crate) const OWN_PRIVILEGES: ProbeName = ProbeName::new("own-privileges");
pub(crate) const PRIVILEGES: ProbeName = ProbeName::new("privileges");
pub(crate) const PERMISSIONS: ProbeName = ProbeName::new("permissions");
pub(crate) const WAY: ProbeName = ProbeName::new("way");
pub(crate) const TLS: ProbeName = ProbeName::new("tls");
pub(crate) const TLS_OFFERED: ProbeName = ProbeName::new("tls-offered");
pub(crate) const SERVICE: ProbeName = ProbeName::new("service");
pub(crate) const SESSION: ProbeName = ProbeName::new("session");
pub(crate) const LOGOUT: ProbeName = ProbeName::new("logout");
pub(crate) const TIME: ProbeName = ProbeName::new("time");
pub(crate) const CHOSEN: ProbeName = ProbeName::new("chosen");
pub(crate) const MOVES: ProbeName = ProbeName::new("moves");
pub(crate) const VMX: ProbeName = ProbeName::new("vmx");
pub(crate) const LEFTOVERS: ProbeName = ProbeName::new("leftovers");
pub(crate) const LICENCES: ProbeName = ProbeName::new("licences");
pub(crate) const ASSIGNED_LICENCES: ProbeName = ProbeName::new("assigned-licences");
pub(crate) const DATACENTERS: ProbeName = ProbeName::new("datacenters");
pub(crate) const FOLDERS: ProbeName = ProbeName::new("folders");
pub(crate) const PODS: ProbeName = ProbeName::new("pods");
pub(crate) const CLUSTERS: ProbeName = ProbeName::new("clusters");
pub(crate) const POOLS: ProbeName = ProbeName::new("pools");
pub(crate) const HOSTS: ProbeName = ProbeName::new("hosts");
pub(crate) const DATASTORES: ProbeName = ProbeName::new("datastores");
pub(crate) const NETWORKS: ProbeName = ProbeName::new("networks");
pub(crate) const MACHINES: ProbeName = ProbeName::new("machines");
