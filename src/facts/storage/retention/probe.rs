//! The shell text that looks at the retention volume.
//!
//! The kernel's table of mounts is read first, and nothing is touched whose file system may leave
//! whoever touches it waiting for ever, such as a dead NFS server's: the shell decides that itself,
//! for all is asked in one go. Nothing is ever written, not even as a test: on a frozen file system
//! a write never returns. Not for what the answers mean (`retention`, `answer`).

use crate::facts::agent::unified_agent::installation;
use crate::facts::probe::{Probe, ProbeName};
use crate::facts::storage::fstab::reading_fstab;

/// What both probes begin with: the path, what may hang, and what is mounted at the path.
///
/// `scan PATH` reads the table: `hang` becomes the list of mount points that are not to be touched,
/// `own` says whether what is on top at PATH is a file system on a local block device, `source`
/// which. `walk PATH` finds where a path really is: `real`, or the mount point it is `stuck` at.
macro_rules! walking {
    () => {
        r#"
nl='
'
path=$RETENTION
while :; do case $path in ?*/) path=${path%/};; *) break;; esac; done
case $path in /*) ;; *) exit 2;; esac
[ -r /proc/self/mountinfo ] || exit 1
plain() { case $1 in *\\*) plain=$(printf '%b.' "$1"); plain=${plain%.};; *) plain=$1;; esac; }
scan() {
  hang=$nl own= source=
  while read -r id parent number root point options rest; do
    plain "$point"; point=$plain
    rest=" $rest"; rest=${rest#* - }; type=${rest%% *}
    case $number:$type in
      0:*:btrfs) kind=local;;
      0:*:tmpfs|0:*:ramfs|0:*:rootfs|0:*:overlay) kind=memory;;
      0:*|*:fuse*|*:gfs2|*:ocfs2) kind=hang;;
      *) kind=local;;
    esac
    case $kind$hang in
      hang*) hang=$hang$point$nl;;
      *"$nl$point$nl"*) hang=${hang%%"$nl$point$nl"*}$nl${hang#*"$nl$point$nl"};;
    esac
    [ "$point" = "$1" ] || continue
    own=$kind
    source=${rest#* }; plain "${source%% *}"; source=$plain
  done < /proc/self/mountinfo
}
walk() {
  real= stuck= left=$1 links=0
  case $hang in *"$nl/$nl"*) stuck=/; return 1;; esac
  while [ -n "$left" ]; do
    part=${left%%/*}
    case $left in */*) left=${left#*/};; *) left=;; esac
    case $part in ''|.) continue;; ..) real=${real%/*}; continue;; esac
    case $hang in *"$nl$real/$part$nl"*) stuck=$real/$part; return 1;; esac
    if [ -h "$real/$part" ]; then
      links=$((links + 1)); stuck=$real/$part
      [ "$links" -le 16 ] && link=$(limit 2 readlink "$real/$part") && [ -n "$link" ] || return 1
      stuck=
      case $link in /*) real=;; esac
      left=$link/$left
    else
      real=$real/$part
    fi
  done
  [ -n "$real" ] || real=/
}
scan "$path"
if walk "$path"; then
  [ "$real" = "$path" ] || scan "$real"
  home=$real
else
  home=
fi
"#
    };
}

/// The path that the host was asked about.
pub const PATH: ProbeName = ProbeName::new("retention-path");
pub(super) const RETENTION: ProbeName = ProbeName::new("retention");
pub(super) const BLKID: ProbeName = ProbeName::new("retention-blkid");

/// The path itself, which no other answer may be needed for; what the path leads to; and last,
/// because it reads the device, what is on the device.
pub const PROBES: &[Probe] = &[
    Probe::new(PATH, r#"printf '%s\n' "$RETENTION""#),
    Probe::new(
        RETENTION,
        concat!(
            walking!(),
            installation!(),
            reading_fstab!(),
            r#"
if [ -z "$home" ]; then printf 'stuck %s\n' "$stuck"; exit 0; fi
printf 'real %s\n' "$home"
[ "$own" = local ] || exit 0

echo '= space'; limit 3 df -P -k "$home"; echo "= status $?"
echo '= inodes'; limit 3 df -P -i "$home"; echo "= status $?"

# Where the agent lives, or will, and where it keeps its cache: by its own configuration.
cache= usual=/usr/local/ASR
[ "$dir" = "$usual" ] && usual=
[ -n "$dir" ] && walk "$conf" && setting "$real" '[Cc][Aa][Cc][Hh][Ee][Dd][Ii][Rr][Ee][Cc][Tt][Oo][Rr][Yy]' && cache=$value
set --
for place in "$cache" "$dir" "${dir:+$dir/Vx}" "$usual" /home/svsystems /; do
  case $place in /*) ;; *) continue;; esac
  if ! walk "$place"; then printf 'place %s\nstuck-at %s\n' "$place" "$stuck"
  elif [ -e "$real" ]; then printf 'place %s\nis %s\n' "$place" "$real"; set -- "$@" "$real"
  elif [ "$place" != "$usual" ]; then printf 'place %s\nwill-be %s\n' "$place" "$real"
  fi
done
echo '= devices'; limit 3 stat -L -c '%d %n' -- "$home" "$@"; echo "= status $?"

# Lines of fstab for the path, by their place among those: whether they name the same device.
lines=0
compare() {
  plain "$point"; point=$plain
  while :; do case $point in ?*/) point=${point%/};; *) break;; esac; done
  [ "$point" = "$path" ] || [ "$point" = "$home" ] || return
  lines=$((lines + 1))
  value=${spec#*=}; value=${value#\"}; value=${value%\"}
  case $spec in
    UUID=*) link=/dev/disk/by-uuid/$value;;
    LABEL=*) link=/dev/disk/by-label/$value;;
    PARTUUID=*) link=/dev/disk/by-partuuid/$value;;
    /dev/*) link=$spec;;
    *) return;;
  esac
  [ -e "$link" ] && [ -e "$source" ] || return
  if [ "$link" -ef "$source" ]; then echo "fstab $lines same"; else echo "fstab $lines other"; fi
}
[ -r /etc/fstab ] && each_line compare

# Who has files open there. find tells that it understood by naming what it was given last.
case $home in *[]*?[\\]*) found=;; *)
  set +f
  found=$(limit 5 find /proc/[0-9]*/fd /proc/[0-9]*/cwd /proc/[0-9]*/root /proc/version \
    -maxdepth 1 \( -path /proc/version -o -lname "$home" -o -lname "$home/*" \) -printf '%p %l\n')
  set -f;;
esac
case $found in
*'/proc/version '*)
  last=
  while [ -n "$found" ]; do
    line=${found%%"$nl"*}
    case $found in *"$nl"*) found=${found#*"$nl"};; *) found=;; esac
    id=${line#/proc/}; id=${id%%/*}
    case $id in version*|"$last") continue;; esac
    last=$id name=
    read -r name < "/proc/$id/stat" && { name=${name#*\(}; name=${name%\)*}; }
    printf 'open %s (%s) %s\n' "$id" "$name" "${line#* }"
  done
  # Last, for an answer that was cut has not seen all.
  if [ -r /proc/1/fd ]; then echo 'seen all'; else echo 'seen some'; fi;;
*)
  echo '= lsof'
  if command -v lsof >/dev/null; then limit 10 lsof -w "$home"; else (exit 127); fi
  echo "= status $?";;
esac
exit 0
"#
        ),
    ),
    Probe::new(
        BLKID,
        concat!(
            walking!(),
            r#"
[ "$own" = local ] && [ -n "$home" ] || exit 3
command -v blkid >/dev/null || exit 127
[ -r "$source" ] || exit 126
limit 5 blkid -p "$source"
"#
        ),
    ),
];
