//! Comparing versions as rpm does, and provided ranges with required ones.
//!
//! Not for finding providers (`pool`). `~` came with rpm 4.10 and `^` with 4.15: el6's rpm
//! takes both for separators, and packages that need them are refused before they get here.

use std::cmp::Ordering;

use rpmrepo_metadata::{Evr, RequirementType};

use crate::packages::deb::list::VersionTest;

/// Compares two versions or two releases, as rpm's `rpmvercmp` does.
///
/// ```
/// use std::cmp::Ordering;
/// use preflight::packages::depsolve::evr::compare_labels;
/// assert_eq!(compare_labels("136.el6_6.1", "136.el6"), Ordering::Greater);
/// assert_eq!(compare_labels("1.0~rc1", "1.0"), Ordering::Less);
/// ```
pub fn compare_labels(a: &str, b: &str) -> Ordering {
    Evr::new("", a, "").cmp(&Evr::new("", b, ""))
}

/// Splits `EPOCH:VERSION-RELEASE`; no epoch is epoch 0.
fn split_evr(evr: &str) -> (&str, &str, Option<&str>) {
    let (epoch, rest) = match evr.split_once(':') {
        Some((epoch, rest)) if epoch.bytes().all(|b| b.is_ascii_digit()) => (epoch, rest),
        _ => ("0", evr),
    };
    match rest.rsplit_once('-') {
        Some((version, release)) => (epoch, version, Some(release)),
        None => (epoch, rest, None),
    }
}

/// Compares two `EPOCH:VERSION-RELEASE`. Releases count only when both have one.
///
/// ```
/// use std::cmp::Ordering;
/// use preflight::packages::depsolve::evr::compare;
/// assert_eq!(compare("1:0.1-1", "9.0-1"), Ordering::Greater);
/// assert_eq!(compare("2.12-1.149.el6", "2.12"), Ordering::Equal);
/// ```
pub fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (split_evr(a), split_evr(b));
    let releases = a.2.zip(b.2).unwrap_or(("", ""));
    Evr::new(a.0, a.1, releases.0).cmp(&Evr::new(b.0, b.1, releases.1))
}

/// The versions that a capability is about, relative to the one it names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Relation {
    less: bool,
    equal: bool,
    greater: bool,
}

impl Relation {
    /// Converts the relation of repository metadata; none is any version.
    pub fn from_flags(flags: Option<RequirementType>) -> Self {
        let (less, equal, greater) = match flags {
            None => (false, false, false),
            Some(RequirementType::LT) => (true, false, false),
            Some(RequirementType::LE) => (true, true, false),
            Some(RequirementType::EQ) => (false, true, false),
            Some(RequirementType::GE) => (false, true, true),
            Some(RequirementType::GT) => (false, false, true),
        };
        Self { less, equal, greater }
    }

    /// Converts the sign of a Debian relation; none is any version.
    pub fn from_version_test(test: Option<VersionTest>) -> Self {
        Self::from_flags(test.map(|test| match test {
            VersionTest::Earlier => RequirementType::LT,
            VersionTest::EarlierOrEqual => RequirementType::LE,
            VersionTest::Equal => RequirementType::EQ,
            VersionTest::LaterOrEqual => RequirementType::GE,
            VersionTest::Later => RequirementType::GT,
        }))
    }

    /// Whether both cover a common version, neither being any; `order` is this version against the
    /// other.
    pub fn overlaps(self, other: Self, order: Ordering) -> bool {
        match order {
            Ordering::Less => self.greater || other.less,
            Ordering::Greater => self.less || other.greater,
            Ordering::Equal => {
                self.equal && other.equal
                    || self.less && other.less
                    || self.greater && other.greater
            }
        }
    }

    /// Whether it covers any version.
    pub fn is_any(self) -> bool {
        self == Self::default()
    }

    /// Returns the operator between a name and a version.
    pub fn operator(self) -> &'static str {
        match (self.less, self.equal, self.greater) {
            (true, true, _) => "<=",
            (true, false, _) => "<",
            (_, true, true) => ">=",
            (_, true, false) => "=",
            (_, false, true) => ">",
            (false, false, false) => "",
        }
    }
}

/// Whether a provided range and a required one have a version in common.
///
/// As in yum 3.2 (`rangeCompare`) and rpm, a capability that is provided without a version
/// satisfies every version. libsolv, and so dnf, differs there.
pub fn ranges_overlap(provided: (Relation, &str), required: (Relation, &str)) -> bool {
    let ((p, has), (r, wants)) = (provided, required);
    if p.is_any() || r.is_any() {
        return true;
    }
    p.overlaps(r, compare(has, wants))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_compare_as_rpm_compares_them() {
        use Ordering::{Equal, Greater, Less};
        // From rpm's own tests/rpmvercmp.at, and spellings of el6 packages.
        let cases = [
            ("1.0", "1.0", Equal),
            ("1.0", "2.0", Less),
            ("2.0.1", "2.0.1a", Less),
            ("5.5p1", "5.5p2", Less),
            ("5.5p10", "5.5p1", Greater),
            ("10xyz", "10.1xyz", Less),
            ("xyz10", "xyz10.1", Less),
            ("xyz.4", "8", Less),
            ("xyz.4", "2", Less),
            ("5.5p2", "5.6p1", Less),
            ("5.6p1", "6.5p1", Less),
            ("6.0.rc1", "6.0", Greater),
            ("10b2", "10a1", Greater),
            ("10a2", "10b2", Less),
            ("1.0aa", "1.0a", Greater),
            ("10.0001", "10.1", Equal),
            ("10.0001", "10.0039", Less),
            ("4.999.9", "5.0", Less),
            ("20101121", "20101122", Less),
            ("2_0", "2.0", Equal),
            ("a+", "a_", Equal),
            ("+", "_", Equal),
            ("", "", Equal),
            ("1", "", Greater),
            ("1.0~rc1", "1.0", Less),
            ("1.0~rc1", "1.0~rc2", Less),
            ("1.0~rc1~git123", "1.0~rc1", Less),
            ("1.0~~", "1.0~", Less),
            ("1.0^", "1.0", Greater),
            ("1.0^git1", "1.0^git2", Less),
            ("1.0^git1", "1.01", Less),
            ("1.0^20160101", "1.0.1", Less),
            ("1.0^20160101^git1", "1.0^20160102", Less),
            ("1.0~rc1^git1", "1.0~rc1", Greater),
            ("1.0^git1~pre", "1.0^git1", Less),
            ("136.el6", "136.el6_6.1", Less),
            ("3.1.el6_5.1", "3.1.el6", Greater),
            ("1.149.el6", "1.149.el6_6.5", Less),
            ("12", "12.el6", Less),
            ("99999999999999999999998", "99999999999999999999999", Less),
        ];
        for (a, b, order) in cases {
            assert_eq!(compare_labels(a, b), order, "{a} and {b}");
            assert_eq!(compare_labels(b, a), order.reverse(), "{b} and {a}");
        }
    }

    #[test]
    fn epochs_count_first_and_a_missing_release_does_not_count() {
        use Ordering::{Equal, Greater, Less};
        let cases = [
            ("1:1-1", "2-1", Greater),
            ("0:1-1", "1-1", Equal),
            ("1-1", "1-2", Less),
            ("1-1", "1", Equal),
            ("4:5.10.1-136.el6", "4:5.10.1", Equal),
            ("2.0.0-280.el6", "0:2.0.0-280.el6", Equal),
        ];
        for (a, b, order) in cases {
            assert_eq!(compare(a, b), order, "{a} and {b}");
        }
    }

    #[test]
    fn ranges_meet_as_rpm_says() {
        use RequirementType::{EQ, GE, GT, LE, LT};
        let cases = [
            (Some(EQ), "2.0-1", Some(GE), "1.0", true),
            (Some(EQ), "2.0-1", Some(GT), "2.0", false),
            (Some(EQ), "2.0-1", Some(EQ), "2.0", true),
            (Some(EQ), "2.0-1", Some(EQ), "2.0-2", false),
            (Some(EQ), "2.0-1", Some(LT), "2.0", false),
            (Some(EQ), "2.0-1", Some(LE), "2.0", true),
            (Some(GE), "1.0", Some(EQ), "3.0", true),
            (Some(LE), "1.0", Some(GE), "1.0", true),
            (Some(LT), "1.0", Some(GE), "1.0", false),
            (Some(LT), "1.0", Some(LT), "0.1", true),
            (None, "", Some(GE), "9", true),
            (Some(EQ), "1", None, "", true),
        ];
        for (p, has, r, wants, expected) in cases {
            let met =
                ranges_overlap((Relation::from_flags(p), has), (Relation::from_flags(r), wants));
            assert_eq!(met, expected, "{p:?} {has} for {r:?} {wants}");
        }
    }
}
