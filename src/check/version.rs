//! Order of version texts: `9.8.10.0` is newer than `9.8.9.0`.
//!
//! Not for RPM versions, whose order has rules of its own.

use std::cmp::Ordering;

/// Compares two version texts part by part, numbers by value; missing parts count as zero.
///
/// Parts are what stands between characters that are neither letters nor digits. A part that is
/// not a number is older than every number, as in `9.8.rc1`.
///
/// ```
/// use preflight::check::version::compare;
/// assert!(compare("9.8.10.0", "9.8.9.0").is_gt());
/// assert!(compare("9.8", "9.8.0.0").is_eq());
/// ```
pub fn compare(a: &str, b: &str) -> Ordering {
    let mut left = parts(a);
    let mut right = parts(b);
    loop {
        let (l, r) = (left.next(), right.next());
        if l.is_none() && r.is_none() {
            return Ordering::Equal;
        }
        let order = compare_part(l.unwrap_or("0"), r.unwrap_or("0"));
        if order.is_ne() {
            return order;
        }
    }
}

fn parts(version: &str) -> impl Iterator<Item = &str> {
    version.trim().split(|c: char| !c.is_ascii_alphanumeric())
}

fn compare_part(a: &str, b: &str) -> Ordering {
    let number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    match (number(a), number(b)) {
        (true, true) => {
            // By length, then by digits: no number is too large.
            let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
            a.len().cmp(&b.len()).then_with(|| a.cmp(b))
        }
        (a_is_number, b_is_number) => a_is_number.cmp(&b_is_number).then_with(|| a.cmp(b)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_compared_by_value() {
        for (a, b, order) in [
            ("9.8.10.0", "9.8.9.0", Ordering::Greater),
            ("9.8", "9.8.0.0", Ordering::Equal),
            ("9.08", "9.8", Ordering::Equal),
            ("9.8.0.1", "9.8", Ordering::Greater),
            ("9.8.rc1", "9.8.0", Ordering::Less),
            ("10", "9.99.99", Ordering::Greater),
            ("99999999999999999999999", "99999999999999999999998", Ordering::Greater),
            (" 9.8 ", "9.8", Ordering::Equal),
            ("", "", Ordering::Equal),
        ] {
            assert_eq!(compare(a, b), order, "{a:?} {b:?}");
        }
    }

    proptest! {
        #[test]
        fn the_order_is_total(a in "[0-9a-z.]{0,9}", b in "[0-9a-z.]{0,9}", c in "[0-9a-z.]{0,9}") {
            prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse());
            if compare(&a, &b).is_le() && compare(&b, &c).is_le() {
                prop_assert!(compare(&a, &c).is_le());
            }
        }
    }
}
