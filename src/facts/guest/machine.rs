//! The machine a host runs on, as the guest sees it: who made it, its memory, its processors.
//!
//! Not for what vCenter says of the same machine (`vm`). The answers to `memory` and `processors`
//! are plain numbers behind a word, so that whoever measures them in another way, as the local
//! transport may, can write the same answer.

use schemars::JsonSchema;
use serde::Serialize;

use crate::facts::probe::{Probe, ProbeName};
use crate::facts::transcript::Transcript;
use crate::facts::{Fact, Unavailable, file};

const DMI: ProbeName = ProbeName::new("dmi");
const MEMORY: ProbeName = ProbeName::new("memory");
const PROCESSORS: ProbeName = ProbeName::new("processors");

/// Vendor and product of the firmware, memory in KiB, and the processors that are online.
pub const PROBES: &[Probe] = &[
    Probe::new(
        DMI,
        "cd /sys/class/dmi/id || exit 1\n\
         for key in sys_vendor product_name; do\n  \
         value=\n  [ -r $key ] && IFS= read -r value < $key\n  printf '%s=%s\\n' $key \"$value\"\n\
         done",
    ),
    Probe::new(
        MEMORY,
        "while read -r key value unit; do\n  \
         [ \"$key\" = MemTotal: ] && { printf '%s %s %s\\n' \"$key\" \"$value\" \"$unit\"; exit 0; }\n\
         done < /proc/meminfo\nexit 1",
    ),
    Probe::new(
        PROCESSORS,
        "show /sys/devices/system/cpu/online || grep -c '^processor' /proc/cpuinfo",
    ),
];

/// The machine a host runs on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct MachineFacts {
    /// Who made it, by its firmware: `VMware, Inc.`.
    pub vendor: Fact<String>,
    /// What it is, by its firmware: `VMware Virtual Platform`.
    pub product: Fact<String>,
    /// Its memory in KiB, without what the kernel reserves for itself.
    pub memory_kib: Fact<i64>,
    /// How many processors are online.
    pub processors: Fact<i64>,
}

/// Reads the machine out of a transcript.
pub fn from_transcript(transcript: &Transcript) -> MachineFacts {
    let dmi = transcript.answer(DMI).and_then(|answer| match answer.status {
        0 => Ok(answer.text.as_str()),
        _ => Err("the guest sees no description of the firmware, /sys/class/dmi/id".into()),
    });
    let memory = file::complete_text(transcript, MEMORY).and_then(parse_memory);
    let processors = file::complete_text(transcript, PROCESSORS).and_then(parse_processors);
    MachineFacts {
        vendor: dmi.clone().and_then(|text| parse_dmi(text, "sys_vendor")).into(),
        product: dmi.and_then(|text| parse_dmi(text, "product_name")).into(),
        memory_kib: memory.into(),
        processors: processors.into(),
    }
}

/// Reads one key of the firmware's description.
fn parse_dmi(text: &str, key: &str) -> Result<String, Unavailable> {
    let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    match value.map(str::trim) {
        Some("") | None => Err(format!("the firmware tells no {key}").into()),
        Some(value) => Ok(value.to_owned()),
    }
}

/// Reads the total of `/proc/meminfo`, in KiB.
///
/// ```
/// use preflight::facts::guest::machine;
/// assert_eq!(machine::parse_memory("MemTotal: 8061404 kB\n"), Ok(8_061_404));
/// ```
pub fn parse_memory(text: &str) -> Result<i64, Unavailable> {
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.as_slice() {
        ["MemTotal:", number, "kB", ..] => {
            Ok(number.parse().map_err(|_| format!("MemTotal is {number:?}"))?)
        }
        _ => Err(format!("the memory is {text:?}").into()),
    }
}

/// Reads a number of processors, or the list of those that are online, such as `0-3,6`.
///
/// ```
/// use preflight::facts::guest::machine;
/// assert_eq!(machine::parse_processors("4\n"), Ok(4));
/// assert_eq!(machine::parse_processors("0-3,6\n"), Ok(5));
/// ```
pub fn parse_processors(text: &str) -> Result<i64, Unavailable> {
    let odd = || Err(format!("the processors are {text:?}").into());
    let text = text.trim();
    // A list has more than one number in it, or is the first processor alone.
    if text != "0"
        && let Ok(count) = text.parse::<u16>()
    {
        return Ok(count.into());
    }
    let mut count = 0;
    for range in text.split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        match (first.parse::<u16>(), last.parse::<u16>()) {
            (Ok(first), Ok(last)) if first <= last => count += i64::from(last - first) + 1,
            _ => return odd(),
        }
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::file::tests::guest_transcript;

    #[test]
    fn numbers_are_read_or_said_to_be_odd() {
        for (text, count) in [
            ("4\n", Some(4)),
            ("0\n", Some(1)),
            ("0-63", Some(64)),
            ("0,2-3", Some(3)),
            ("", None),
            ("3-1", None),
            ("0-", None),
            ("-4", None),
            ("0-99999999", None),
        ] {
            assert_eq!(parse_processors(text).ok(), count, "{text:?}");
        }
        for (text, kib) in [
            ("MemTotal: 8061404 kB\n", Some(8_061_404)),
            ("MemTotal:        3924016 kB\n", Some(3_924_016)),
            ("MemTotal: x kB", None),
            ("MemFree: 1 kB", None),
            ("", None),
        ] {
            assert_eq!(parse_memory(text).ok(), kib, "{text:?}");
        }
    }

    #[test]
    fn a_firmware_that_tells_nothing_is_unknown() {
        let machine = |text| from_transcript(&guest_transcript(&[("dmi", 0, text)]));
        let vmware = machine("sys_vendor=VMware, Inc.\nproduct_name=VMware Virtual Platform\n");
        assert_eq!(vmware.vendor, Fact::Known("VMware, Inc.".to_owned()));
        assert_eq!(vmware.product, Fact::Known("VMware Virtual Platform".to_owned()));
        let silent = machine("sys_vendor=\nproduct_name=\n");
        assert_eq!(silent.vendor, Fact::unavailable("the firmware tells no sys_vendor"));
    }
}
