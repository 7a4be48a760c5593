//! Tests of where boxes and arrows stand.

use super::super::site_picture::tests::picture;
use super::*;

/// The boxes of a drawing as left, top, right, bottom.
fn corners(drawing: &Drawing) -> Vec<(i32, i32, i32, i32)> {
    let corners = |b: &DrawnBox| (b.x, b.y, b.x + b.width, b.y + b.height);
    drawing.boxes.iter().map(corners).collect()
}

#[test]
fn no_two_boxes_touch_and_all_are_on_the_drawing() {
    for (servers, targets, hosts, machines) in [
        (0, 1, 0, 0),
        (0, 2, 1, 0),
        (1, 0, 1, 1),
        (1, 1, 1, 1),
        (1, 1, 2, 3),
        (1, 2, 2, 6),
        (2, 3, 4, 7),
        (3, 7, 12, 500),
        (9, 50, 50, 0),
    ] {
        let picture = picture(servers, targets, hosts, machines);
        for drawing in drawings(&picture) {
            let of = format!("{servers} {targets} {hosts} {machines} {}", drawing.class);
            let all = corners(&drawing);
            for (n, one) in all.iter().enumerate() {
                assert!(one.0 >= 0 && one.1 >= 0, "{of}: {one:?}");
                assert!(one.2 <= drawing.width && one.3 <= drawing.height, "{of}: {one:?}");
                for other in &all[n + 1..] {
                    let apart =
                        one.2 < other.0 || other.2 < one.0 || one.3 < other.1 || other.3 < one.1;
                    assert!(apart, "{of}: {one:?} {other:?}");
                }
            }
        }
    }
}

#[test]
fn a_line_of_different_states_has_no_colour() {
    assert_eq!(common([&"pass", &"pass"]), "pass");
    assert_eq!(common([&"pass", &"na"]), "mixed");
    assert_eq!(common([]), "mixed");
}

#[test]
fn a_long_name_is_cut_after_it_was_made_visible() {
    assert_eq!(shorten("mt1", 5), "mt1");
    assert_eq!(shorten("master", 5), "mast\u{2026}");
    assert_eq!(shorten("\u{202e}", 5), "\\u{2\u{2026}");
}
