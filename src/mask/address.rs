//! Replaces IP addresses part by part: what was in one network still is, and private addresses stay private.
//!
//! Not for finding addresses in a text (`scan`).

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::map::MaskMap;

/// How often a part is made anew before the first free one is taken.
const ATTEMPTS: usize = 50;

/// Addresses that are the same everywhere: Azure's own services.
const EVERYWHERE: [Ipv4Addr; 2] =
    [Ipv4Addr::new(168, 63, 129, 16), Ipv4Addr::new(169, 254, 169, 254)];

/// Whether an address is nobody's: of every machine, a mask, or Azure's own.
pub fn is_everybodys(address: Ipv4Addr) -> bool {
    let bits = u32::from(address);
    let is_mask = bits.leading_ones() >= 8 && bits.leading_ones() + bits.trailing_zeros() >= 32;
    address.is_loopback() || address.octets()[0] == 0 || is_mask || EVERYWHERE.contains(&address)
}

/// Returns what stands in the place of an IPv4 address: each part has as many digits as before.
pub fn mask_v4(text: &str, address: Ipv4Addr, map: &mut MaskMap) -> io::Result<String> {
    if let Some(known) = map.known_address(text) {
        return Ok(known.clone());
    }
    let octets = address.octets();
    let kept = match octets {
        [10, ..] => 1,
        [192, 168, ..] | [169, 254, ..] | [172, 16..=31, ..] => 2,
        [224..=255, ..] => 1,
        _ => 0,
    };
    let mut before = ".".to_owned();
    let mut masked: Vec<String> = Vec::new();
    for (place, octet) in text.split('.').enumerate() {
        let made =
            if place < kept { octet.to_owned() } else { v4_part(octet, place, &before, map)? };
        before.push_str(octet);
        before.push('.');
        masked.push(made);
    }
    let masked = masked.join(".");
    map.add_address(text, &masked);
    Ok(masked)
}

fn v4_part(octet: &str, place: usize, before: &str, map: &mut MaskMap) -> io::Result<String> {
    let (first, count) = match octet.len() {
        1 => (0, 10),
        2 => (10, 90),
        _ => (100, 156),
    };
    // The ends of a network mean something of their own, and so do the first parts of private networks.
    let is_free = |part: usize| match place {
        0 => !matches!(part, 0 | 10 | 127 | 169 | 172 | 192 | 224..),
        3 => !matches!(part, 0 | 255),
        _ => part != 255,
    };
    if place == 3 && matches!(octet, "0" | "255") {
        return Ok(octet.to_owned());
    }
    let (parts, numbers) = map.parts_behind(before);
    if let Some(known) = parts.get(octet) {
        return Ok(known.clone());
    }
    let used = |part: &String| parts.values().any(|other| other == part);
    for _ in 0..ATTEMPTS {
        let part = first + numbers.below(count)?;
        if is_free(part) && part.to_string() != octet && !used(&part.to_string()) {
            return Ok(part.to_string());
        }
    }
    let free = (first..first + count).find(|part| is_free(*part) && !used(&part.to_string()));
    Ok(free.map_or_else(|| octet.to_owned(), |part| part.to_string()))
}

/// Returns what stands in the place of an IPv6 address, none for one that is everybody's.
pub fn mask_v6(text: &str, map: &mut MaskMap) -> io::Result<Option<String>> {
    let Ok(address) = text.parse::<Ipv6Addr>() else { return Ok(None) };
    if address.is_loopback() || address.is_unspecified() {
        return Ok(None);
    }
    if let Some(known) = map.known_address(text) {
        return Ok(Some(known.clone()));
    }
    let first = address.segments()[0];
    let kept = match first {
        0xfe80..=0xfebf | 0xff00.. => 1,
        0x2001 if address.segments()[1] == 0xdb8 => 2,
        _ => 0,
    };
    let mut before = ":".to_owned();
    let mut masked: Vec<String> = Vec::new();
    for (place, group) in text.split(':').enumerate() {
        let stays = place < kept || group.trim_start_matches('0').is_empty() || group.contains('.');
        let made = if stays { group.to_owned() } else { v6_part(group, place, &before, map)? };
        before.push_str(group);
        before.push(':');
        masked.push(made);
    }
    let masked = masked.join(":");
    map.add_address(text, &masked);
    Ok(Some(masked))
}

fn v6_part(group: &str, place: usize, before: &str, map: &mut MaskMap) -> io::Result<String> {
    let (parts, numbers) = map.parts_behind(before);
    if let Some(known) = parts.get(group) {
        return Ok(known.clone());
    }
    for _ in 0..ATTEMPTS {
        let digits = group.len() as u32;
        let lowest = if digits == 1 { 1 } else { 16_usize.pow(digits - 1) };
        let number = match place {
            // Global addresses begin with 2 or 3.
            0 => 0x2000 + numbers.below(0x1000)?,
            _ => lowest + numbers.below(16_usize.pow(digits) - lowest)?,
        };
        let part = format!("{number:x}");
        if part != group && !parts.values().any(|other| *other == part) {
            return Ok(part);
        }
    }
    Ok(group.to_owned())
}
