//! The difference of two texts, line by line.
//!
//! Not for the difference of reports or captures.

/// The most lines of a text that are compared; of longer ones only what differs at their ends is left out.
const MAX_LINES: usize = 4000;

/// Returns the lines that differ, `-` before those of `old` alone and `+` before those of `new` alone; empty when the
/// texts are the same.
pub fn line_diff(old: &str, new: &str) -> Vec<String> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let same_start = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let (old, new) = (&old[same_start..], &new[same_start..]);
    let same_end = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count();
    let (old, new) = (&old[..old.len() - same_end], &new[..new.len() - same_end]);
    let minus = |line: &&str| format!("-{line}");
    let plus = |line: &&str| format!("+{line}");
    if old.len() > MAX_LINES || new.len() > MAX_LINES {
        return old.iter().map(minus).chain(new.iter().map(plus)).collect();
    }
    // The length of the longest common rest from each pair of places on.
    let width = new.len() + 1;
    let mut common = vec![0_u32; (old.len() + 1) * width];
    for (a, old) in old.iter().enumerate().rev() {
        for (b, new) in new.iter().enumerate().rev() {
            common[a * width + b] = if old == new {
                common[(a + 1) * width + b + 1] + 1
            } else {
                common[(a + 1) * width + b].max(common[a * width + b + 1])
            };
        }
    }
    let (mut a, mut b) = (0, 0);
    let mut lines = Vec::new();
    while a < old.len() || b < new.len() {
        if a < old.len() && b < new.len() && old[a] == new[b] {
            (a, b) = (a + 1, b + 1);
        } else if b == new.len()
            || a < old.len() && common[(a + 1) * width + b] >= common[a * width + b + 1]
        {
            lines.push(minus(&old[a]));
            a += 1;
        } else {
            lines.push(plus(&new[b]));
            b += 1;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_that_differ_are_shown() {
        let show = |old: &str, new: &str| line_diff(old, new).join(" ");
        assert_eq!(show("a\nb\nc\n", "a\nb\nc\n"), "");
        assert_eq!(show("a\nb\nc", "a\nx\nc"), "-b +x");
        assert_eq!(show("a\nb\nc\nd", "b\nd\ne"), "-a -c +e");
        assert_eq!(show("", "a\nb"), "+a +b");
        assert_eq!(show("a\nb", ""), "-a -b");
    }
}
