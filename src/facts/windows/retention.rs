//! The retention volume of a Windows master target: is it there, what is it, and what else is on it.
//!
//! Not for the one of a Linux master target (`storage::retention`). A volume that is mounted in a
//! folder counts as that folder's drive, for nothing that was asked tells of it.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::agent::WindowsAgentFacts;
use super::capture::{WindowsCapture, drive_of, member_flag, member_number, member_text};
use crate::facts::{Collection, Fact, Unavailable};

/// The drive that is named as the default (S001, Reprotect, step 5).
pub const DEFAULT_DRIVE: &str = "R:";

/// The retention volume of a Windows master target.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct WindowsRetentionFacts {
    /// The drive, such as `R:`.
    pub drive: Fact<String>,
    /// Whether there is a volume of that letter.
    pub exists: Fact<bool>,
    /// What kind of drive it is: `Fixed`, `Removable`, `Network`.
    pub drive_type: Fact<String>,
    /// Its file system; `RAW` when Windows cannot read any.
    pub file_system: Fact<String>,
    /// What Windows says of its health, such as `Healthy`.
    pub health: Fact<String>,
    /// Whether one of its disks is read-only or offline.
    pub read_only: Fact<bool>,
    /// Its size in bytes.
    pub size_bytes: Fact<i64>,
    /// How much is free, in bytes.
    pub free_bytes: Fact<i64>,
    /// How much is free, in percent.
    pub free_percent: Fact<i64>,
    /// What of the agent is on the volume.
    pub holds: Fact<Collection<String>>,
    /// What of the agent and of Windows is on the same disk, on whichever volume.
    pub disk_holds: Fact<Collection<String>>,
    /// Whether Windows is on the volume.
    pub is_system: Fact<bool>,
    /// Whether Windows is on the same disk.
    pub on_system_disk: Fact<bool>,
    /// Whether a page file is on the volume.
    pub page_file: Fact<bool>,
}

/// Reads the volume of a drive, or of a path on it.
pub fn read_retention(
    capture: &WindowsCapture,
    planned: &str,
    agent: &WindowsAgentFacts,
) -> WindowsRetentionFacts {
    let drive = drive_of(planned);
    let drive = drive.ok_or_else(|| Unavailable::from(format!("{planned:?} names no drive")));
    let volume = || {
        let drive = drive.clone()?;
        let volumes = capture.list("volumes")?;
        let is_named = |volume: &&Value| {
            volume.get("drive").and_then(Value::as_str).and_then(drive_of).as_ref() == Some(&drive)
        };
        Ok::<_, Unavailable>(volumes.iter().find(is_named))
    };
    let there = || {
        Ok::<_, Unavailable>(volume()?.ok_or_else(|| match &drive {
            Ok(drive) => format!("there is no volume {drive}"),
            Err(why) => why.reason.clone(),
        })?)
    };
    let text = |name: &str| member_text(there()?, name);
    let file_system = || match there()?.get("file_system").and_then(Value::as_str) {
        Some(name) if name.trim().is_empty() => Ok("RAW".to_owned()),
        Some(name) => Ok(name.trim().to_owned()),
        None => Err(Unavailable::from("there is no file_system")),
    };
    let size = there().and_then(|volume| member_number(volume, "size"));
    let free = there().and_then(|volume| member_number(volume, "free"));
    let percent = || match (size.clone()?, free.clone()?) {
        (0, _) => Ok(0),
        (size, free) if free <= size => {
            Ok(i64::try_from(i128::from(free) * 100 / i128::from(size)).unwrap_or(0))
        }
        (size, free) => Err(Unavailable::from(format!("{free} of {size} bytes are free"))),
    };
    let system = capture.answer("system").and_then(|system| member_text(system, "drive"));
    let system = system.and_then(|drive| {
        Ok::<_, Unavailable>(drive_of(&drive).ok_or_else(|| format!("Windows is on {drive:?}"))?)
    });
    let own_disks = || disks_of(capture, &drive.clone()?);
    let on_disk_of = |other: &str| {
        let (mine, theirs) = (own_disks()?, disks_of(capture, other)?);
        Ok::<_, Unavailable>(mine.iter().any(|disk| theirs.contains(disk)))
    };
    let holds = || {
        let drive = drive.clone()?;
        there()?;
        placed(agent, |other| Ok(other == drive))
    };
    let disk_holds = || {
        there()?;
        let mut held = placed(agent, on_disk_of)?;
        if on_disk_of(system.as_ref()?)? {
            held.items.insert(0, "Windows".to_owned());
        }
        Ok::<_, Unavailable>(held)
    };
    let page_file = || {
        let drive = drive.clone()?;
        let mut files = capture.list("page_files")?.iter();
        Ok::<_, Unavailable>(
            files.any(|file| file.as_str().and_then(drive_of).as_ref() == Some(&drive)),
        )
    };
    WindowsRetentionFacts {
        exists: volume().map(|volume| volume.is_some()).into(),
        drive_type: text("drive_type").into(),
        file_system: file_system().into(),
        health: text("health").into(),
        read_only: own_disks().and_then(|disks| is_read_only(capture, &disks)).into(),
        free_percent: percent().into(),
        holds: holds().into(),
        disk_holds: disk_holds().into(),
        is_system: drive.clone().and_then(|drive| Ok(*system.as_ref()? == drive)).into(),
        on_system_disk: system.clone().and_then(|system| on_disk_of(&system)).into(),
        page_file: page_file().into(),
        size_bytes: size.into(),
        free_bytes: free.into(),
        drive: drive.into(),
    }
}

/// Returns what of the agent lies on a drive of which `is_here` says so; complete when all of it is known.
fn placed(
    agent: &WindowsAgentFacts,
    is_here: impl Fn(&str) -> Result<bool, Unavailable>,
) -> Result<Collection<String>, Unavailable> {
    if !*agent.installed.value()? {
        return Ok(Collection::complete(Vec::new()));
    }
    let mut found = Collection::complete(Vec::new());
    for (what, path) in [("the agent", &agent.directory), ("its cache", &agent.cache_directory)] {
        let drive = path.known().and_then(|path| drive_of(path));
        match (path.known(), drive.map(|drive| is_here(&drive))) {
            (Some(path), Some(Ok(true))) => found.items.push(format!("{what} ({path})")),
            (Some(_), Some(Ok(false))) => {}
            _ => found.complete = false,
        }
    }
    Ok(found)
}

/// Returns the numbers of the disks that a drive lies on.
fn disks_of(capture: &WindowsCapture, drive: &str) -> Result<Vec<i64>, Unavailable> {
    let mut disks = Vec::new();
    for partition in capture.list("partitions")? {
        let own = partition.get("drive").and_then(Value::as_str).and_then(drive_of);
        if own.as_deref() == Some(drive) {
            disks.push(member_number(partition, "disk")?);
        }
    }
    if disks.is_empty() {
        Err(format!("the disk of {drive} is not known").into())
    } else {
        Ok(disks)
    }
}

/// Returns whether one of these disks is read-only or offline.
fn is_read_only(capture: &WindowsCapture, numbers: &[i64]) -> Result<bool, Unavailable> {
    let all = capture.list("disks")?;
    let mut read_only = false;
    for number in numbers {
        let disk =
            all.iter().find(|disk| member_number(disk, "disk").is_ok_and(|own| own == *number));
        let disk = disk.ok_or_else(|| format!("nothing is known of disk {number}"))?;
        read_only |= member_flag(disk, "read_only")? || member_flag(disk, "offline")?;
    }
    Ok(read_only)
}
