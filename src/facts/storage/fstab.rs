//! What the next boot mounts: `/etc/fstab`, read here and nowhere else.
//!
//! Not for what is mounted now (`mounts`), nor for whether both are the same (`retention`).

use super::mounts::{MountsError, is_at_or_above, split_options, trim_trailing_slashes, unescape};
use crate::facts::probe::{Probe, ProbeName};
use crate::facts::transcript::Transcript;
use crate::facts::{Unavailable, file};

/// Shell text that reads fstab: `each_line COMMAND` calls a command for every line that is no
/// comment, with `spec`, `point`, `type` and `options` as they are written.
macro_rules! reading_fstab {
    () => {
        r#"
each_line() {
  while read -r spec point type options rest || [ -n "$spec" ]; do
    case $spec in ''|'#'*) continue;; esac
    "$1"
  done < /etc/fstab
}
"#
    };
}
pub(in crate::facts) use reading_fstab;

const FSTAB: ProbeName = ProbeName::new("fstab");

/// The lines of fstab.
///
/// Of the options only those are sent whole that mean something here, of others their names: a
/// share's password may stand among them, or in the share's own name.
pub const PROBES: &[Probe] = &[Probe::new(
    FSTAB,
    concat!(
        reading_fstab!(),
        r#"
[ -r /etc/fstab ] || exit 1
send() {
  case $spec in
    /[!/]*|*=*) ;;
    *@*) spec=-@${spec##*@};;
  esac
  sent=
  while [ -n "$options" ]; do
    option=${options%%,*}
    case $options in *,*) options=${options#*,};; *) options=;; esac
    case $option in
      rw|ro|auto|noauto|defaults|bind|rbind|nofail|loop|_netdev|user|users|owner|group|noatime|relatime|nodiratime|noexec|nosuid|nodev|sync|discard) ;;
      *=*) option=${option%%=*}=;;
      *) option=other;;
    esac
    sent=$sent,$option
  done
  sent=${sent#,}
  printf '%s %s %s %s\n' "$spec" "$point" "${type:-auto}" "${sent:-defaults}"
}
each_line send
exit 0
"#
    ),
)];

/// The lines of a host's fstab.
pub fn from_transcript(transcript: &Transcript) -> Result<Vec<FstabLine>, Unavailable> {
    Ok(parse(file::complete_text(transcript, FSTAB)?)?)
}

/// One line of `/etc/fstab`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FstabLine {
    /// What is to be mounted: `/dev/sdb1`, `UUID=...`, `LABEL=...`, without quotes.
    pub spec: String,
    /// Where, without a slash at its end.
    pub path: String,
    /// The type; `auto` when the line does not say.
    pub fstype: String,
    /// The options.
    pub options: Vec<String>,
}

impl FstabLine {
    /// Whether the boot mounts it; of contrary options the last counts.
    pub fn is_mounted_at_boot(&self) -> bool {
        let last =
            self.options.iter().rev().find(|option| matches!(option.as_str(), "auto" | "noauto"));
        !self.is_never_mounted() && last.is_none_or(|option| option == "auto")
    }

    /// Whether it mounts read-only; of contrary options the last counts.
    pub fn is_read_only(&self) -> bool {
        let last = self.options.iter().rev().find(|option| matches!(option.as_str(), "ro" | "rw"));
        last.is_some_and(|option| option == "ro")
    }

    /// Whether what it mounts would hide what is mounted at a path, when it comes later.
    pub fn covers(&self, path: &str) -> bool {
        self.path != "/" && self.path != path && is_at_or_above(&self.path, path)
    }

    /// Whether the boot mounts it when the network is there, behind all others.
    pub fn is_network(&self) -> bool {
        ["nfs", "cifs", "smb", "fuse.", "glusterfs", "ceph", "ncp"]
            .iter()
            .any(|kind| self.fstype.starts_with(kind))
            || self.options.iter().any(|option| option == "_netdev")
    }

    /// Whether it is for swap, or switched off by its type.
    fn is_never_mounted(&self) -> bool {
        matches!(self.fstype.as_str(), "swap" | "ignore")
    }
}

/// Reads `/etc/fstab`, leaving out comments.
///
/// # Errors
///
/// Fails at a line that mounts nothing anywhere: something else than fstab was read, or a line of
/// it in part.
///
/// ```
/// use preflight::facts::storage::fstab;
/// let text = "# old\n#/dev/sdb1 /mnt/retention ext3\nUUID=\"0a-1\"  /mnt/retention/ ext4\n";
/// let lines = fstab::parse(text).unwrap();
/// assert_eq!(lines.len(), 1);
/// assert_eq!((&*lines[0].spec, &*lines[0].path), ("UUID=0a-1", "/mnt/retention"));
/// ```
pub fn parse(text: &str) -> Result<Vec<FstabLine>, MountsError> {
    let lines = text.lines().map(str::trim);
    let line = |line: &str| {
        let odd = || MountsError::Row("/etc/fstab", line.to_owned());
        let mut fields = line.split_whitespace();
        let (Some(spec), Some(path), Some(fstype)) = (fields.next(), fields.next(), fields.next())
        else {
            return Err(odd());
        };
        let path = unescape(path);
        let line = FstabLine {
            spec: unescape(spec).replace('"', ""),
            path: trim_trailing_slashes(&path).to_owned(),
            fstype: fstype.to_owned(),
            options: split_options(fields.next().unwrap_or("defaults")),
        };
        let is_one = line.path.starts_with('/') || line.path == "none" || line.is_never_mounted();
        if is_one { Ok(line) } else { Err(odd()) }
    };
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_those_that_count() {
        for (text, expected) in [
            ("", vec![]),
            ("\n#x /y ext4\n   # indented comment\n", vec![]),
            ("/dev/sdb /r ext4 rw 0 0", vec![("/dev/sdb", "/r", "ext4", true)]),
            ("UUID='x' /r ext4", vec![("UUID='x'", "/r", "ext4", true)]),
            (
                "LABEL=\"my\\040disk\"\t/r\text4\tnoauto,user",
                vec![("LABEL=my disk", "/r", "ext4", false)],
            ),
            ("/dev/sdb /a\\040b/ auto", vec![("/dev/sdb", "/a b", "auto", true)]),
            (
                "/dev/sdb /r ext4\n/dev/sdc /r xfs _netdev,noauto",
                vec![("/dev/sdb", "/r", "ext4", true), ("/dev/sdc", "/r", "xfs", false)],
            ),
            ("/dev/sdb /r ext4 noauto,auto", vec![("/dev/sdb", "/r", "ext4", true)]),
            ("/dev/sdb /r ignore", vec![("/dev/sdb", "/r", "ignore", false)]),
            ("/dev/sda3 swap swap defaults", vec![("/dev/sda3", "swap", "swap", false)]),
            ("/dev/sda3 none swap defaults", vec![("/dev/sda3", "none", "swap", false)]),
        ] {
            let lines = parse(text).unwrap();
            let read: Vec<_> = lines
                .iter()
                .map(|l| (&*l.spec, &*l.path, &*l.fstype, l.is_mounted_at_boot()))
                .collect();
            assert_eq!(read, expected, "{text:?}");
        }
        for text in [
            "lonely\n/dev/sda1 / ext4",
            "/dev/sdb /r",
            "sh: show: command not found",
            "/dev/sda1 / ext4\n/dev/sdb mnt/retention ext4",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn options_are_read_in_their_order() {
        for (options, read_only, network) in [
            ("defaults", false, false),
            ("ro", true, false),
            ("rw,ro", true, false),
            ("ro,rw", false, false),
            ("defaults,errors=remount-ro", false, false),
            ("_netdev,ro", true, true),
            ("prot", false, false),
        ] {
            let line = &parse(&format!("/dev/sdb /r ext4 {options}\n")).unwrap()[0];
            assert_eq!((line.is_read_only(), line.is_network()), (read_only, network), "{options}");
        }
        for (path, covers) in [("/mnt", true), ("/", false), ("/mnt/r", false), ("/mn", false)] {
            let line = &parse(&format!("nas:/x {path} nfs4\n")).unwrap()[0];
            assert_eq!((line.covers("/mnt/r"), line.is_network()), (covers, true), "{path}");
        }
    }
}
