//! Dependency solving: whether the packages of a kickstart can be installed from a medium and the
//! add-ons beside it.
//!
//! Not for reading packages or repositories (`repository`), nor for the severity of a problem
//! (`checks/closure.yaml`). No I/O. Our own code is enough: the el6 and el7 installers know no rich
//! dependencies, apt takes the first alternative that can be had, and each takes one version of a
//! name, so there is nothing to search.

pub mod evr;
mod file_owners;
mod interner;
mod pool;
mod problem;
mod rules;
mod solve;
#[cfg(test)]
mod tests;

pub use file_owners::FileOwners;
pub use pool::{PackageOrigin, Pool, PoolLimitError};
pub use problem::{DepsolveProblem, NearMiss};
pub use rules::PackageRules;
pub use solve::{Solution, SolveRequest, package_name_of_file, solve};
