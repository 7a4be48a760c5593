//! What to do about an error, for any error of the crate: each says it beside its type, and nobody keeps a list of them.
//!
//! Not for printing it: `cli` does that.

use std::error::Error;

/// One type of error that may have a hint.
pub struct HintSource(
    /// Returns the hint of an error, when it is of that type and has one.
    pub fn(&(dyn Error + 'static)) -> Option<String>,
);

inventory::collect!(HintSource);

/// Returns the first hint of an error and of what caused it.
pub fn find<'e>(chain: impl IntoIterator<Item = &'e (dyn Error + 'static)>) -> Option<String> {
    let of_one = |error| inventory::iter::<HintSource>().find_map(|source| (source.0)(error));
    chain.into_iter().find_map(of_one)
}

/// Makes the `hint` of a type of error known to [`find`]; stands beside the type.
macro_rules! hinted {
    ($kind:ty) => {
        inventory::submit! {
            $crate::hint::HintSource(|error| error.downcast_ref::<$kind>().and_then(<$kind>::hint))
        }
    };
}
pub(crate) use hinted;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::SiteError;
    use crate::yaml::{self, YamlError};

    #[test]
    fn the_hint_of_whatever_caused_an_error_is_found() {
        let cause = yaml::parse::<crate::site::Site>("naem: x\n", "site.yaml");
        let cause: YamlError = cause.expect_err("a site file with a typo");
        let own = cause.hint();
        assert!(own.is_some(), "{cause}");
        let error = anyhow::Error::new(SiteError::from(cause)).context("the site cannot be read");
        assert_eq!(find(error.chain()), own);
        assert_eq!(find(anyhow::anyhow!("no error of this crate").chain()), None);
    }
}
