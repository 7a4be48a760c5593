//! Whether what a kickstart asks for can be installed from a medium and the add-ons beside it.
//!
//! Not for reading packages or repositories (`repository`), nor for judging what is found
//! (`checks/closure.yaml`). No I/O. Our own code is enough: the el6 and el7 installers know no rich
//! dependencies and take one version of a name, so nothing has to be searched for.

pub mod evr;
mod files;
mod pool;
mod problem;
mod solve;
#[cfg(test)]
mod tests;
mod texts;

pub use files::Files;
pub use pool::{Origin, Pool, TooMuch};
pub use problem::{NearMiss, Problem};
pub use solve::{Solution, Wanted, name_of_file, solve};
