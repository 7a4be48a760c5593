//! Finding the position of a value in a YAML text, for errors that are found after parsing, such as an
//! unknown or a duplicate name.
//!
//! Not for errors of the parser: those have a position.

use std::fmt;

use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::Position;

/// One step from a value to one inside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathStep<'a> {
    /// To the value of a key.
    Key(&'a str),
    /// To an element, counted from 0.
    Item(usize),
}

/// Returns the position of the value at `path`, when the text has one.
///
/// ```
/// use preflight::yaml::{PathStep, find_position};
/// let place = find_position("a:\n  - b: 1\n  - b: 2\n", &[PathStep::Key("a"), PathStep::Item(1), PathStep::Key("b")]);
/// assert_eq!(place.map(|place| (place.line, place.column)), Some((3, 8)));
/// ```
pub fn find_position(text: &str, path: &[PathStep<'_>]) -> Option<Position> {
    // The parser adds the position to an error that is raised where the path ends.
    let error = Walk(path).deserialize(serde_yaml::Deserializer::from_str(text)).err()?;
    error.location().map(|at| Position { line: at.line(), column: at.column() })
}

/// Follows a path, and fails at its end.
struct Walk<'p>(&'p [PathStep<'p>]);

const HERE: &str = "here";

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HERE)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Some((step, rest)) = self.0.split_first() else { return Err(A::Error::custom(HERE)) };
        while let Some(key) = map.next_key::<String>()? {
            if *step == PathStep::Key(&key) {
                return map.next_value_seed(Walk(rest));
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Some((step, rest)) = self.0.split_first() else { return Err(A::Error::custom(HERE)) };
        let mut index = 0;
        loop {
            if *step == PathStep::Item(index) {
                return list.next_element_seed(Walk(rest)).map(drop);
            }
            if list.next_element::<IgnoredAny>()?.is_none() {
                return Ok(());
            }
            index += 1;
        }
    }

    // Any single value, whatever its type, is refused by default: the path ends here.
}

#[cfg(test)]
mod tests {
    use super::*;
    use PathStep::{Item, Key};

    #[test]
    fn a_value_is_found_by_its_path() {
        let text = "x: [1, {y: z}]\nlist:\n- name: a\n  of:\n    - 'q'\n- name: b\n";
        for (path, expected) in [
            (&[Key("x"), Item(1), Key("y")][..], Some((1, 12))),
            (&[Key("list"), Item(0), Key("of"), Item(0)], Some((5, 7))),
            (&[Key("list"), Item(1)], Some((6, 3))),
            (&[Key("list"), Item(1), Key("name")], Some((6, 9))),
            (&[Key("list"), Item(2)], None),
            (&[Key("nope")], None),
        ] {
            let place = find_position(text, path).map(|place| (place.line, place.column));
            assert_eq!(place, expected, "{path:?}");
        }
    }
}
