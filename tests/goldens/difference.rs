//! How two texts differ, line by line, short enough to be read in a test's output.

/// Lines that are shown at most.
const MOST: usize = 40;
/// Lines that are compared with each other at most, on each side.
const MOST_COMPARED: usize = 2000;

/// The lines that are only in the first text (-) and only in the second (+).
pub fn lines(old: &str, new: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let start = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let (old, new) = (&old[start..], &new[start..]);
    let end = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count();
    let old = &old[..(old.len() - end).min(MOST_COMPARED)];
    let new = &new[..(new.len() - end).min(MOST_COMPARED)];
    let all = changes(old, new, start);
    let mut shown: String = all.iter().take(MOST).map(|line| format!("  {line}\n")).collect();
    if all.len() > MOST {
        shown += &format!("  ... and {} more lines\n", all.len() - MOST);
    }
    shown
}

/// By the longest common subsequence.
fn changes(old: &[&str], new: &[&str], start: usize) -> Vec<String> {
    let width = new.len() + 1;
    let mut common = vec![0_u16; (old.len() + 1) * width];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i * width + j] = match old[i] == new[j] {
                true => common[(i + 1) * width + j + 1] + 1,
                false => common[(i + 1) * width + j].max(common[i * width + j + 1]),
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut out = Vec::new();
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            (i, j) = (i + 1, j + 1);
        } else if j == new.len()
            || (i < old.len() && common[(i + 1) * width + j] >= common[i * width + j + 1])
        {
            out.push(format!("{:5} - {}", start + i + 1, old[i]));
            i += 1;
        } else {
            out.push(format!("{:5} + {}", start + j + 1, new[j]));
            j += 1;
        }
    }
    out
}

#[test]
fn a_changed_line_is_shown_with_its_number() {
    let shown = lines("a\nb\nc\nd\n", "a\nx\nc\ny\nd\n");
    assert_eq!(shown, "      2 - b\n      2 + x\n      4 + y\n");
    assert_eq!(lines("a\n", "a\n"), "");
}
