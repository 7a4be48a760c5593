//! The volumes that a host mounts: `esxcli storage filesystem list`, `storage vmfs extent list`,
//! and `storage nfs list`.
//!
//! Not for what a machine needs of them.

/// One volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EsxiVolume {
    /// Its name; empty on the host's own partitions.
    pub name: String,
    /// Its UUID.
    pub uuid: String,
    /// Whether it is mounted.
    pub mounted: bool,
    /// Its type as it is printed, such as `VMFS-6`.
    pub kind: String,
    /// Bytes that are free.
    pub free: i64,
}

/// Reads the list of file systems. Columns do not line up, and the name, the mount point and a
/// part of the type may be missing or hold blanks: a row is read from the word that says whether
/// it is mounted.
///
/// ```
/// use preflight::facts::vsphere::esxi_shell::volumes::parse;
/// let text = "Mount Point  Volume Name  UUID  Mounted  Type  Size  Free\n-----------  ----  ----  ----\n/vmfs/volumes/5e-1  ds 1  5e-1  true  VMFS-6  10  5\n";
/// let volume = &parse(text).unwrap()[0];
/// assert_eq!((volume.name.as_str(), volume.mounted, volume.free), ("ds 1", true, 5));
/// ```
///
/// # Errors
///
/// What was printed, when it is no such list, or a row of it is not understood.
pub fn parse(text: &str) -> Result<Vec<EsxiVolume>, String> {
    let rows = rows_below_heading(text, &["Mounted", "Type", "Free"])
        .ok_or_else(|| format!("esxcli printed no list of file systems: {:?}", excerpt(text)))?;
    rows.into_iter().map(|line| parse_row(line).ok_or_else(|| not_understood(line))).collect()
}

/// The rows of a table below its heading, which has these words, and the rule below it; none when
/// anything else stands before them.
fn rows_below_heading<'t>(text: &'t str, words: &[&str]) -> Option<Vec<&'t str>> {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let heading = lines.next()?;
    let rule = lines.next()?.trim();
    let is_rule = rule.starts_with("---") && rule.chars().all(|c| c == '-' || c == ' ');
    let whole = is_rule && words.iter().all(|word| heading.contains(word));
    whole.then(|| lines.collect())
}

fn excerpt(text: &str) -> String {
    text.trim().chars().take(80).collect()
}

fn not_understood(line: &str) -> String {
    format!("a row is not understood: {:?}", excerpt(line))
}

fn parse_row(line: &str) -> Option<EsxiVolume> {
    let line = line.trim();
    let (line, free) = line.rsplit_once(char::is_whitespace)?;
    let (line, size) = line.trim_end().rsplit_once(char::is_whitespace)?;
    let free: i64 = free.parse().ok()?;
    let _: i64 = size.parse().ok()?;
    // Both words may stand in a name; the last of them is the column.
    let mounted = [("true", true), ("false", false)].into_iter().filter_map(|(word, mounted)| {
        let find = |at: usize| {
            let (before, behind) = (&line[..at], &line[at + word.len()..]);
            before.ends_with(char::is_whitespace) && behind.starts_with(char::is_whitespace)
        };
        let at = line.rmatch_indices(word).map(|(at, _)| at).find(|&at| find(at))?;
        Some((at, word, mounted))
    });
    let (at, word, mounted) = mounted.max_by_key(|(at, ..)| *at)?;
    let kind = line[at + word.len()..].trim().to_owned();
    let (before, uuid) = match line[..at].trim().rsplit_once(char::is_whitespace) {
        Some((before, uuid)) => (before.trim(), uuid),
        None => ("", line[..at].trim()),
    };
    let (mount, name) = before.split_once(char::is_whitespace).unwrap_or((before, ""));
    // Without a mount point the name stands first.
    let name = if mount.starts_with("/vmfs/") { name.trim() } else { before };
    Some(EsxiVolume { name: name.to_owned(), uuid: uuid.to_owned(), mounted, kind, free })
}

/// Reads the volumes of which the host sees a part on some disk, mounted or not, by name and UUID.
///
/// ```
/// use preflight::facts::vsphere::esxi_shell::volumes::parse_extents;
/// let text = "Volume Name  VMFS UUID  Extent Number  Device Name  Partition\n----  ----\nds 1  5e-1  0  naa.6000c29  3\n";
/// assert_eq!(parse_extents(text).unwrap(), [("ds 1".to_owned(), "5e-1".to_owned())]);
/// ```
///
/// # Errors
///
/// What was printed, when it is no such list, or a row of it is not understood. A host without such
/// a volume prints nothing.
pub fn parse_extents(text: &str) -> Result<Vec<(String, String)>, String> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let rows = rows_below_heading(text, &["VMFS UUID", "Extent Number"])
        .ok_or_else(|| format!("esxcli printed no list of extents: {:?}", excerpt(text)))?;
    let mut volumes: Vec<(String, String)> = Vec::new();
    for line in rows {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [name @ .., uuid, number, _device, partition] = words.as_slice() else {
            return Err(not_understood(line));
        };
        if number.parse::<u32>().is_err() || partition.parse::<u32>().is_err() {
            return Err(not_understood(line));
        }
        let volume = (name.join(" "), (*uuid).to_owned());
        if !volumes.contains(&volume) {
            volumes.push(volume);
        }
    }
    Ok(volumes)
}

/// Reads which NFS volumes are mounted to be read alone, by name, from `esxcli storage nfs list`
/// or `nfs41 list`. The columns differ by release, so they are found by their heading: the rule of
/// dashes below it tells how wide each is.
///
/// ```
/// use preflight::facts::vsphere::esxi_shell::volumes::parse_nfs_modes;
/// let text = "Volume Name  Host  Share  Accessible  Mounted  Read-Only\n-----------  ----  -----  ----------  -------  ---------\nds 2         nas1  /v      true        true     false\n";
/// assert_eq!(parse_nfs_modes(text), [("ds 2".to_owned(), false)]);
/// ```
pub fn parse_nfs_modes(text: &str) -> Vec<(String, bool)> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let Some(rule) = lines.iter().position(|line| line.trim_start().starts_with("---")) else {
        return Vec::new();
    };
    let Some(heading) = rule.checked_sub(1).map(|at| lines[at]) else { return Vec::new() };
    // Truth values are single words, so the one for Read-Only is counted from the first.
    let Some(titles) = heading.find("Accessible").map(|at| &heading[at..]) else {
        return Vec::new();
    };
    let titles: Vec<&str> = titles.split("  ").map(str::trim).filter(|t| !t.is_empty()).collect();
    let Some(column) = titles.iter().position(|title| *title == "Read-Only") else {
        return Vec::new();
    };
    let width = lines[rule].trim_start().find(' ').unwrap_or(0);
    let rows = lines[rule + 1..].iter().filter_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let first = words.windows(2).position(|pair| pair.iter().all(|word| is_truth(word)))?;
        let read_only = *words.get(first + column)?;
        let name = line.get(..width).map(str::trim).filter(|name| !name.is_empty())?;
        is_truth(read_only).then(|| (name.to_owned(), read_only == "true"))
    });
    rows.collect()
}

fn is_truth(word: &str) -> bool {
    matches!(word, "true" | "false")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADING: &str = "Mount Point                Volume Name  UUID   Mounted  Type   Size   Free\n-------------------------  -----------  -----  -------  -----  -----  -----\n";

    #[test]
    fn rows_are_read_from_the_right() {
        for (line, expected) in [
            (
                "/vmfs/volumes/5e-1  DS1VMFS2  5e-1     true  VMFS-5  2092722814976  338536955904",
                ("DS1VMFS2", "5e-1", true, "VMFS-5", 338_536_955_904),
            ),
            (
                "/vmfs/volumes/5e-2              5e-2     true  vfat  42  26",
                ("", "5e-2", true, "vfat", 26),
            ),
            (
                "                    ds gone  5e-3  false  VMFS-unknown version  0  0",
                ("ds gone", "5e-3", false, "VMFS-unknown version", 0),
            ),
            (
                "/vmfs/volumes/0a-7  is true or false  0a-7  true  NFS41  9  8",
                ("is true or false", "0a-7", true, "NFS41", 8),
            ),
            (
                "/vmfs/volumes/vsan:52-1  vsanDatastore  vsan:52-1  true  vsan  9  8",
                ("vsanDatastore", "vsan:52-1", true, "vsan", 8),
            ),
        ] {
            let volumes = parse(&format!("{HEADING}{line}\n\n")).unwrap();
            let v = &volumes[0];
            let read = (v.name.as_str(), v.uuid.as_str(), v.mounted, v.kind.as_str(), v.free);
            assert_eq!(read, expected, "{line}");
        }
        assert_eq!(parse(HEADING), Ok(Vec::new()));
        for text in
            ["", "Error: Unknown command or namespace storage\n", "Connect to localhost failed\n"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
        for foreign in ["ds  5e-1  maybe  VMFS  1  x\n", "Terminated\n", "(vim.fault.NotFound) {\n"]
        {
            assert!(parse(&format!("{HEADING}{foreign}")).is_err(), "{foreign}");
            assert!(parse(&format!("{foreign}{HEADING}")).is_err(), "{foreign}");
        }
    }

    #[test]
    fn extents_are_none_only_where_nothing_is_printed() {
        let heading = "Volume Name  VMFS UUID  Extent Number  Device Name  Partition\n----  ----\n";
        assert_eq!(parse_extents(""), Ok(Vec::new()));
        assert_eq!(parse_extents(heading), Ok(Vec::new()));
        for text in ["Connect to localhost failed\n", "----\n"] {
            assert!(parse_extents(text).is_err(), "{text}");
        }
        for row in ["Terminated\n", "ds  5e-1  x  naa.1  3\n", "ds  5e-1  0  naa.1  x\n"] {
            assert!(parse_extents(&format!("{heading}{row}")).is_err(), "{row}");
        }
    }

    #[test]
    fn how_a_share_is_mounted_is_read_by_its_heading() {
        let old = "Volume Name  Host   Share     Accessible  Mounted  Read-Only  Hardware Acceleration\n-----------  -----  --------  ----------  -------  ---------  ---------------------\nisos         nas 1  /isos a   true        true     true       Not Supported\nds-2         nas2   /v        false       true     false      Supported\n";
        let new = "Volume Name  Host(s)    Share  Accessible  Mounted  Read-Only  Security   isPE  Hardware Acceleration\n-----------  ---------  -----  ----------  -------  ---------  ---------  -----  ---------------------\nds-3         nas1,nas2  /v     true        true     false      AUTH_SYS  false  Unknown\n";
        let modes = |text| {
            parse_nfs_modes(text).into_iter().map(|(n, ro)| format!("{n} {ro}")).collect::<Vec<_>>()
        };
        assert_eq!(modes(old), ["isos true", "ds-2 false"]);
        assert_eq!(modes(new), ["ds-3 false"]);
        for text in [
            "",
            "Error: Unknown command\n",
            "---\nds true true\n",
            "Name  Host\n----  ----\na  b\n",
        ] {
            assert!(parse_nfs_modes(text).is_empty(), "{text}");
        }
    }
}
