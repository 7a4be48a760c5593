//! Dependency solving: whether the packages of a kickstart can be installed from a medium and the
//! add-ons beside it.
//!
//! Not for reading packages or repositories (`repository`), nor for the severity of a problem
//! (`checks/closure.yaml`). No I/O. Our own code is enough: apt takes the first alternative that can be had,
//! rich dependencies of RPM are met as they come up until nothing changes, and each takes one
//! version of a name, so there is nothing to search.

pub mod evr;
mod file_owners;
mod interner;
mod pool;
mod problem;
mod rich;
mod rules;
mod solve;
#[cfg(test)]
mod tests;

pub use file_owners::FileOwners;
pub use pool::{PackageOrigin, Pool, PoolLimitError};
pub use problem::{DepsolveProblem, NearMiss, package_name_of_file};
pub use rules::PackageRules;
pub use solve::{Solution, SolveRequest, solve};
