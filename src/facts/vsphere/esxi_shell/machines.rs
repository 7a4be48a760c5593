//! The host's list of its machines, `vim-cmd vmsvc/getallvms`, and of their snapshots,
//! `vmsvc/snapshot.get`.
//!
//! Not for the settings of a machine: those are objects, which `dump` reads.

/// The list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineList {
    /// Its rows.
    pub rows: Vec<MachineRow>,
    /// Whether every line was understood: one that was not may have been a machine.
    pub complete: bool,
}

/// One row of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineRow {
    /// The host's number for it.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The datastore its settings are on; empty when the host does not know its name.
    pub datastore: String,
    /// The whole path, such as `[ds1] mt/mt.vmx`.
    pub path: String,
}

/// Reads the list. Columns do not line up, names hold blanks and brackets, and notes of a machine
/// go on over lines, so a row is what starts with a number and names a `.vmx`.
///
/// ```
/// use preflight::facts::vsphere::esxi_shell::machines::parse;
/// let list = parse("Vmid   Name   File\n7   app (old) 2   [ds 1] app/app.vmx   rhel6_64Guest   vmx-09\n").unwrap();
/// assert_eq!((list.rows[0].name.as_str(), list.rows[0].datastore.as_str()), ("app (old) 2", "ds 1"));
/// assert!(list.complete);
/// ```
///
/// # Errors
///
/// What was printed, when it is no list: a list has its heading also when no machine is there.
pub fn parse(text: &str) -> Result<MachineList, String> {
    if !text.lines().any(|line| line.trim_start().starts_with("Vmid")) {
        return Err(format!("vim-cmd printed no list of machines: {:?}", excerpt(text)));
    }
    let mut list = MachineList { rows: Vec::new(), complete: true };
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        match parse_row(line) {
            // A line of somebody's notes may look like a row; numbers are given once.
            Some(row) if list.rows.iter().any(|known| known.id == row.id) => {}
            Some(row) => list.rows.push(row),
            None => list.complete &= line.trim_start().starts_with("Vmid"),
        }
    }
    Ok(list)
}

fn parse_row(line: &str) -> Option<MachineRow> {
    let (id, rest) = line.split_once(char::is_whitespace)?;
    if id.is_empty() || !id.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let mut found: Option<MachineRow> = None;
    for (at, _) in rest.match_indices('[') {
        let Some((datastore, file)) = rest[at + 1..].split_once("] ") else { continue };
        let Some(end) = file.find(".vmx").map(|end| end + ".vmx".len()) else { continue };
        let ends = file[end..].is_empty() || file[end..].starts_with(char::is_whitespace);
        let name = rest[..at].trim();
        if name.is_empty() || !ends || datastore.contains('[') {
            continue;
        }
        let row = MachineRow {
            id: id.to_owned(),
            name: name.to_owned(),
            datastore: datastore.trim().to_owned(),
            path: format!("[{datastore}] {}", &file[..end]),
        };
        // A bracket may be part of the name. The directory is called like the machine as a rule,
        // so that reading counts; otherwise the first does.
        if file.split('/').next() == Some(name) {
            return Some(row);
        }
        found = found.or(Some(row));
    }
    found
}

/// Reads the names of a machine's snapshots.
///
/// ```
/// use preflight::facts::vsphere::esxi_shell::machines::parse_snapshots;
/// let text = "Get Snapshot:\n|-ROOT\n--Snapshot Name        : before patch\n";
/// assert_eq!(parse_snapshots(text).unwrap(), ["before patch"]);
/// assert!(parse_snapshots("Get Snapshot:\n").unwrap().is_empty());
/// ```
///
/// # Errors
///
/// What was printed, when the heading is missing, or when something stands there that is no snapshot
/// and none was seen either. A description goes on over lines, but then there is a snapshot.
pub fn parse_snapshots(text: &str) -> Result<Vec<String>, String> {
    let (mut names, mut nodes) = (Vec::new(), 0);
    let (mut heading, mut foreign) = (false, None);
    for whole in text.lines().filter(|line| !line.trim().is_empty()) {
        let line = whole.trim_start_matches(['-', ' ']);
        if line.starts_with("|-") {
            nodes += 1;
        } else if line.trim_end() == "Get Snapshot:" {
            heading = true;
        } else if !line.starts_with("Snapshot ") {
            foreign = foreign.or(Some(whole));
        }
        let Some(rest) = line.strip_prefix("Snapshot Name") else { continue };
        let Some((_, name)) = rest.split_once(':') else { continue };
        names.push(name.trim().to_owned());
    }
    // A snapshot of which no name is readable is one all the same.
    while names.len() < nodes {
        names.push("(without a name)".to_owned());
    }
    match foreign {
        Some(line) if names.is_empty() => {
            Err(format!("vim-cmd printed {:?} in place of snapshots", excerpt(line)))
        }
        _ if !heading => Err(format!("vim-cmd printed no list of snapshots: {:?}", excerpt(text))),
        _ => Ok(names),
    }
}

fn excerpt(text: &str) -> String {
    text.trim().chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn short(text: &str) -> Vec<String> {
        let list = parse(text).unwrap();
        list.rows
            .iter()
            .map(|row| format!("{}|{}|{}|{}", row.id, row.name, row.datastore, row.path))
            .collect()
    }

    #[test]
    fn rows_are_found_among_names_and_notes_of_every_kind() {
        let heading = "Vmid       Name       File        Guest OS    Version   Annotation\n";
        for (rows, expected) in [
            ("", vec![]),
            (
                "11     mt-7        [ds-a] mt-7/mt-7.vmx         centos64Guest     vmx-09    master target\nbuilt for failback\n[see] wiki/page.vmx\n",
                vec!["11|mt-7|ds-a|[ds-a] mt-7/mt-7.vmx"],
            ),
            (
                "4  web 1 (clone: a-b)   [nfs store] web 1 (clone)/web 1.vmx   rhel6_64Guest   vmx-04      \n",
                vec!["4|web 1 (clone: a-b)|nfs store|[nfs store] web 1 (clone)/web 1.vmx"],
            ),
            (
                "5  web [old]   [ds-a] web [old]/web [old].vmx   rhel6_64Guest   vmx-04\n",
                vec!["5|web [old]|ds-a|[ds-a] web [old]/web [old].vmx"],
            ),
            (
                "6  same   [ds-a] same/same.vmx   x   vmx-04\n7  same   [ds-a] same_1/same.vmx   x   vmx-04\n6 notes [x] y.vmx z\n",
                vec!["6|same|ds-a|[ds-a] same/same.vmx", "7|same|ds-a|[ds-a] same_1/same.vmx"],
            ),
            (
                "8  lost   [] /vmfs/volumes/5e000001-01/lost/lost.vmx   x   vmx-04\n",
                vec!["8|lost||[] /vmfs/volumes/5e000001-01/lost/lost.vmx"],
            ),
            (
                "9  été   [données] été/été.vmx   x   vmx-04\r\n",
                vec!["9|été|données|[données] été/été.vmx"],
            ),
            ("Skipping invalid VM '10'\n", vec![]),
        ] {
            assert_eq!(short(&format!("{heading}{rows}")), expected, "{rows}");
        }
        for text in ["", "Failed to login\n", "1 mt [ds] mt/mt.vmx x vmx-09\n"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_chain_of_snapshots_is_every_one_of_them() {
        let chain = "Get Snapshot:\n|-ROOT\n--Snapshot Name        : a\n--Snapshot Id          : 1\n--Snapshot Desciption  : x: y\n--Snapshot Created On  : 2/23/2015 18:12:50\n--Snapshot State       : powered on\n--|-CHILD\n----Snapshot Name        : b: 2\n----Snapshot State       : powered off\n----|-CHILD\n------Snapshot Name        :\n";
        assert_eq!(parse_snapshots(chain).unwrap(), ["a", "b: 2", ""]);
        assert_eq!(parse_snapshots("Get Snapshot:\n|-ROOT\n").unwrap(), ["(without a name)"]);
        for text in [
            "",
            "(vim.fault.NotFound) {\n}\n",
            "Get Snapshot:\n(vim.fault.NoPermission) {\n   msg = \"x\"\n}\n",
            "(vim.fault.NoPermission) {\n}\nGet Snapshot:\n",
            "Get Snapshot:\nTerminated\n",
            "Get Snapshot:\nFailed to get snapshots\n",
            "Get Snapsho",
            "Get Snapshot: failed\n",
        ] {
            assert!(parse_snapshots(text).is_err(), "{text}");
        }
        // A description over several lines belongs to a snapshot.
        let described = "Get Snapshot:\n|-ROOT\n--Snapshot Name        : a\n--Snapshot Desciption  : one\ntwo\n";
        assert_eq!(parse_snapshots(described).unwrap(), ["a"]);
    }

    #[test]
    fn a_list_with_a_line_that_is_no_machine_is_not_all() {
        let heading = "Vmid   Name   File\n";
        let row = "7   app   [ds1] app/app.vmx\n";
        for (lines, expected) in [
            (String::new(), true),
            (row.to_owned(), true),
            (format!("{row}{row}"), true),
            (format!("{row}Skipping invalid VM '10'\n"), false),
            (format!("{row}(vim.fault.NoPermission) {{\n"), false),
            (format!("{row}   msg = \"x\"\n"), false),
            ("8   app   ds1 app\n".to_owned(), false),
        ] {
            assert_eq!(parse(&format!("{heading}{lines}")).unwrap().complete, expected, "{lines}");
        }
    }
}
