//! Finds what is replaced in a text: whole names, ids, addresses and the words that nobody but their owner knows.
//!
//! Not for JSON (`json`), nor for what stands in the place of what is found (`map`).

use std::io;
use std::net::Ipv4Addr;

use regex::{Captures, Regex};

use super::address;
use super::map::MaskMap;
use super::vocabulary;
use super::word::{in_small_letters, with_capitals};

/// How far before a number or an address what it is called may stand.
const NAMED_WITHIN: usize = 24;

/// Beginnings of quads that can be versions of programs: no greater one is known.
const HIGHEST_VERSION: u8 = 15;

/// The forms that are looked for, the first that fits counting.
const FORMS: &str = r"(?x)
    (?P<escape> %[0-9A-Fa-f]{2} | \\x[0-9A-Fa-f]{2} | \\[0-7]{3} | &\#x?[0-9A-Fa-f]{1,6}; )
    | (?P<time> \d{4}-\d\d-\d\d[Tt]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:[Zz]|[+-]\d\d:?\d\d)? )
    | (?P<id> [0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4,12}){1,4}
        | [0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5,}
        | [0-9A-Fa-f]{2}(?:[\ -][0-9A-Fa-f]{2}){15} )
    | (?P<mapped> ::[Ff]{4}: ) (?P<inner> \d{1,3}(?:\.\d{1,3}){3} )
    | (?P<v6> [0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,8} )
    | (?P<v4> \d{1,3}(?:\.\d{1,3}){3} )
    | (?P<word> [\p{L}\p{M}\p{N}]+ )";

/// What finds the parts of a text.
pub struct Scanner {
    forms: Regex,
    words: Regex,
}

impl Default for Scanner {
    fn default() -> Self {
        Self {
            forms: Regex::new(FORMS).expect("a valid pattern"),
            words: Regex::new(r"[\p{L}\p{M}\p{N}]+").expect("a valid pattern"),
        }
    }
}

/// Where something stands: what it is called decides whether a number is an id, and a quad a version.
struct Place<'a> {
    /// The names of the members around it, in small letters.
    context: &'a str,
    before: &'a str,
    after: &'a str,
}

impl<'a> Place<'a> {
    fn new(text: &'a str, start: usize, end: usize, context: &'a str) -> Self {
        Self { context, before: &text[..start], after: &text[end..] }
    }

    /// Whether one of these words stands in the names around it, or shortly before it on its line.
    fn is_called(&self, names: &[&str]) -> bool {
        let line = self.before.rsplit('\n').next().unwrap_or_default();
        let near: String = line.chars().rev().take(NAMED_WITHIN).collect();
        let near = near.chars().rev().collect::<String>().to_ascii_lowercase();
        names.iter().any(|name| near.contains(name) || self.context.contains(name))
    }

    fn is_inside_a_word(&self) -> bool {
        let next = self.after.chars().next();
        let part = next == Some('.') && self.after[1..].starts_with(|c: char| c.is_ascii_digit());
        part || next.is_some_and(char::is_alphanumeric)
            || self.before.ends_with(char::is_alphanumeric)
    }

    fn is_version(&self, quad: Ipv4Addr) -> bool {
        let called =
            ["version", "release", "build", "agent", "kernel", "package", "product", "tools"];
        quad.octets()[0] <= HIGHEST_VERSION && quad.octets()[0] != 10 && self.is_called(&called)
    }

    fn is_id(&self) -> bool {
        self.is_called(&[
            "serial", "uuid", "guid", "wwid", "wwn", "machine-id", "naa.", "eui.", "asset",
        ])
    }
}

impl Scanner {
    /// Returns a text with everything replaced that is somebody's; `context` has the names of the members that it stands in.
    pub fn mask(&self, text: &str, context: &str, map: &mut MaskMap) -> io::Result<String> {
        let mut masked = String::with_capacity(text.len());
        let mut done = 0;
        let names: Vec<(std::ops::Range<usize>, String)> = map
            .name_finder()
            .map(|finder| finder.find(text).map(|(at, to)| (at, to.to_owned())).collect())
            .unwrap_or_default();
        for (at, to) in names {
            self.mask_part(text, done..at.start, context, map, &mut masked)?;
            masked.push_str(&with_capitals(&to, &text[at.clone()]));
            done = at.end;
        }
        self.mask_part(text, done..text.len(), context, map, &mut masked)?;
        Ok(masked)
    }

    fn mask_part(
        &self,
        text: &str,
        part: std::ops::Range<usize>,
        context: &str,
        map: &mut MaskMap,
        masked: &mut String,
    ) -> io::Result<()> {
        let mut done = part.start;
        for found in self.forms.captures_iter(&text[part.clone()]) {
            let (start, end) = range(&found, part.start);
            let place = Place::new(text, start, end, context);
            masked.push_str(&text[done..start]);
            masked.push_str(&self.mask_form(&found, &place, map)?);
            done = end;
        }
        masked.push_str(&text[done..part.end]);
        Ok(())
    }

    fn mask_form(
        &self,
        found: &Captures<'_>,
        place: &Place<'_>,
        map: &mut MaskMap,
    ) -> io::Result<String> {
        let whole = &found[0];
        if found.name("escape").is_some() || found.name("time").is_some() {
            return Ok(whole.to_owned());
        }
        if found.name("id").is_some() && is_whole_id(whole, place) {
            return with_digits(whole, |id| map.id(id));
        }
        if let Some(inner) = found.name("inner") {
            let Ok(quad) = inner.as_str().parse() else {
                return self.mask_words(whole, place, map);
            };
            return Ok(format!(
                "{}{}",
                &found["mapped"],
                address::mask_v4(inner.as_str(), quad, map)?
            ));
        }
        if found.name("v6").is_some() && is_v6(whole, place) {
            return Ok(address::mask_v6(whole, map)?.unwrap_or_else(|| whole.to_owned()));
        }
        if found.name("v4").is_some() {
            let Ok(quad) = whole.parse() else { return self.mask_words(whole, place, map) };
            let stays =
                address::is_everybodys(quad) || place.is_inside_a_word() || place.is_version(quad);
            return if stays { Ok(whole.to_owned()) } else { address::mask_v4(whole, quad, map) };
        }
        self.mask_words(whole, place, map)
    }

    /// Replaces the words of what is no id and no address.
    fn mask_words(&self, text: &str, place: &Place<'_>, map: &mut MaskMap) -> io::Result<String> {
        let mut masked = String::with_capacity(text.len());
        let mut done = 0;
        for found in self.words.find_iter(text) {
            masked.push_str(&text[done..found.start()]);
            masked.push_str(&mask_word(found.as_str(), place, map)?);
            done = found.end();
        }
        masked.push_str(&text[done..]);
        Ok(masked)
    }

    /// Returns a text with what stood there before it was masked.
    pub fn unmask(&self, text: &str, back: &MaskMap) -> String {
        let mut shown = String::with_capacity(text.len());
        let mut done = 0;
        for (at, to) in back.name_finder().into_iter().flat_map(|finder| finder.find(text)) {
            self.unmask_part(&text[done..at.start], back, &mut shown);
            shown.push_str(&with_capitals(to, &text[at.clone()]));
            done = at.end;
        }
        self.unmask_part(&text[done..], back, &mut shown);
        shown
    }

    fn unmask_part(&self, text: &str, back: &MaskMap, shown: &mut String) {
        let mut done = 0;
        for found in self.forms.captures_iter(text) {
            let (start, end) = range(&found, 0);
            shown.push_str(&text[done..start]);
            shown.push_str(&self.unmask_form(&found, back));
            done = end;
        }
        shown.push_str(&text[done..]);
    }

    fn unmask_form(&self, found: &Captures<'_>, back: &MaskMap) -> String {
        let whole = &found[0];
        if let Some(inner) =
            found.name("inner").and_then(|inner| back.known_address(inner.as_str()))
        {
            return format!("{}{inner}", &found["mapped"]);
        }
        if let Some(address) = back.known_address(whole) {
            return address.clone();
        }
        let digits = digits_only(whole);
        if found.name("id").is_some()
            && let Some(id) = back.known_id(&digits)
        {
            return laid_out(id, whole);
        }
        self.words
            .replace_all(whole, |word: &Captures<'_>| unmask_word(&word[0], back))
            .into_owned()
    }
}

fn range(found: &Captures<'_>, offset: usize) -> (usize, usize) {
    let whole = found.get(0).map_or(0..0, |whole| whole.range());
    (whole.start + offset, whole.end + offset)
}

/// Whether what looks like an id is one, and not the beginning of a longer word or a list of small numbers.
fn is_whole_id(text: &str, place: &Place<'_>) -> bool {
    let has_letter = text.contains(|c: char| c.is_ascii_alphabetic());
    let parts = text.split(['-', ':', ' ']).count();
    !place.after.starts_with(char::is_alphanumeric) && (has_letter || parts > 4)
}

fn is_v6(text: &str, place: &Place<'_>) -> bool {
    let groups = text.split(':').count();
    let is_inside =
        place.is_inside_a_word() || place.before.ends_with(':') || place.after.starts_with(':');
    !is_inside && (text.contains("::") || groups == 8) && text.parse::<std::net::Ipv6Addr>().is_ok()
}

fn mask_word(word: &str, place: &Place<'_>, map: &mut MaskMap) -> io::Result<String> {
    let small = in_small_letters(word);
    if let Some((head, id)) = hex_id(&small) {
        let id = map.id(id)?;
        return Ok(with_capitals(&format!("{head}{id}"), word));
    }
    let digits = word.chars().all(|c| c.is_ascii_digit());
    if digits && word.len() >= 6 && place.is_id() {
        return map.id(&small);
    }
    let is_letter = word.len() == 1;
    if digits || is_letter || vocabulary::is_known(&small) {
        return Ok(word.to_owned());
    }
    Ok(with_capitals(&map.word(&small)?, word))
}

fn unmask_word(word: &str, back: &MaskMap) -> String {
    let small = in_small_letters(word);
    if let Some((head, id)) = hex_id(&small).and_then(|(head, id)| Some((head, back.known_id(id)?)))
    {
        return with_capitals(&format!("{head}{id}"), word);
    }
    let known = back.known_word(&small).or_else(|| back.known_id(&small));
    known.map_or_else(|| word.to_owned(), |known| with_capitals(known, word))
}

/// Returns the beginning and the digits of a word in small letters that is a hexadecimal id: `0x` and `3`, with which identifiers of SCSI
/// begin, are no part of it.
fn hex_id(word: &str) -> Option<(&str, &str)> {
    let head = match word.len() {
        _ if word.starts_with("0x") => 2,
        17 | 33 if word.starts_with('3') => 1,
        _ => 0,
    };
    let id = &word[head..];
    let letters = id.bytes().filter(|b| matches!(b, b'a'..=b'f')).count();
    let digits = id.bytes().filter(u8::is_ascii_digit).count();
    let is_id = letters + digits == id.len() && id.len() >= 8 && digits > 0;
    (is_id && (letters > 0 || id.len() >= 32)).then_some((&word[..head], id))
}

/// Replaces the digits of an id, and keeps what stands between them.
fn with_digits(text: &str, replace: impl FnOnce(&str) -> io::Result<String>) -> io::Result<String> {
    let digits = digits_only(text);
    let is_nobodys = digits.bytes().all(|b| b == b'0') || digits.bytes().all(|b| b == b'f');
    if is_nobodys { Ok(text.to_owned()) } else { Ok(laid_out(&replace(&digits)?, text)) }
}

fn digits_only(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// Returns the digits of an id as those of another are laid out.
fn laid_out(digits: &str, like: &str) -> String {
    let mut digits = digits.chars();
    like.chars()
        .map(|c| match c {
            c if !c.is_ascii_alphanumeric() => c,
            c => {
                let digit = digits.next().unwrap_or(c);
                if c.is_ascii_uppercase() { digit.to_ascii_uppercase() } else { digit }
            }
        })
        .collect()
}
