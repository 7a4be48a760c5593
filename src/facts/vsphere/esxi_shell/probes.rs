//! What an ESXi host's shell is asked: BusyBox's ash, `vim-cmd` and `esxcli`, nothing that writes.
//!
//! What is nobody's business stays on the host: of a licence's serial number all but the last five
//! characters, the notes of machines, and every setting of theirs that is not checked, for it is
//! there that guests are handed passwords. Not for what the answers mean.

use std::borrow::Cow;

use crate::facts::probe::{Probe, ProbeName};
use crate::facts::vsphere::query_scope::QueryScope;
use crate::shell;

/// How many machines are asked about in detail when nobody says which.
pub const MAX_MACHINES: usize = 20;

pub(super) const ASKED: ProbeName = ProbeName::new("asked");
pub(super) const TIME: ProbeName = ProbeName::new("esxi-time");
pub(super) const VERSION: ProbeName = ProbeName::new("esxi-version");
/// The host's own name.
pub const HOSTNAME: ProbeName = ProbeName::new("esxi-hostname");
pub(super) const LICENCE: ProbeName = ProbeName::new("esxi-licence");
pub(super) const HOST: ProbeName = ProbeName::new("esxi-host");
pub(super) const VOLUMES: ProbeName = ProbeName::new("esxi-volumes");
pub(super) const EXTENTS: ProbeName = ProbeName::new("esxi-extents");
pub(super) const NFS: ProbeName = ProbeName::new("esxi-nfs");
pub(super) const NFS41: ProbeName = ProbeName::new("esxi-nfs41");
pub(super) const MOUNTS: ProbeName = ProbeName::new("esxi-mounts");
pub(super) const MACHINES: ProbeName = ProbeName::new("esxi-machines");
pub(super) const CONFIG: MachineProbe = MachineProbe("esxi-config");
pub(super) const SUMMARY: MachineProbe = MachineProbe("esxi-summary");
pub(super) const SNAPSHOTS: MachineProbe = MachineProbe("esxi-snapshots");
pub(super) const VMX: MachineProbe = MachineProbe("esxi-vmx");

/// A question that is asked about each machine, in a frame of its own.
#[derive(Clone, Copy)]
pub(super) struct MachineProbe(&'static str);

impl MachineProbe {
    /// The name of the probe about the machine of this number.
    pub(super) fn name(self, id: &str) -> String {
        format!("{}-{id}", self.0)
    }
}

/// The last five characters of a serial number are what people tell licences apart by.
const FIXED: &[Probe] = &[
    Probe::new(TIME, "date -u +%Y-%m-%dT%H:%M:%SZ"),
    Probe::new(VERSION, "limit 10 vmware -v"),
    Probe::new(HOSTNAME, "limit 5 hostname"),
    Probe::new(
        LICENCE,
        r#"text=$(limit 15 vim-cmd vimsvc/license --show 2>&1); status=$?
printf '%s\n' "$text" |
  sed -e 's/[0-9A-Za-z]\{5\}-[0-9A-Za-z]\{5\}-[0-9A-Za-z]\{5\}-[0-9A-Za-z]\{5\}-\([0-9A-Za-z]\{5\}\)/*****-*****-*****-*****-\1/g' \
      -e 's/^\([[:space:]]*serial: *\)[^[:space:]*].*\(.....\)$/\1*****-\2/'
exit "$status""#,
    ),
    Probe::new(HOST, "limit 15 vim-cmd hostsvc/hostsummary 2>&1"),
    Probe::new(VOLUMES, "limit 15 esxcli storage filesystem list 2>&1"),
    Probe::new(EXTENTS, "limit 15 esxcli storage vmfs extent list 2>&1"),
    Probe::new(NFS, "limit 15 esxcli storage nfs list"),
    Probe::new(NFS41, "limit 15 esxcli storage nfs41 list"),
    Probe::new(MOUNTS, "limit 15 vim-cmd hostsvc/storage/fs_info"),
];

/// The list of machines without their notes, then frames of their own for each that is asked
/// about in detail. `$WANTED` has their names, one a line; `$MOST` how many there may be.
const LIST_MACHINES: &str = r#"
list=$(limit 20 vim-cmd vmsvc/getallvms 2>&1); status=$?
list=$(printf '%s\n' "$list" | sed -n -e '/^Vmid/p' -e '/^(/p' -e '/^Skipping/p' -e '/^ *msg = /p' \
  -e 's/^\([0-9][0-9]* .*\[.*\.vmx\)[[:space:]].*$/\1/p' -e '/^[0-9][0-9]* .*\[.*\.vmx$/p')
printf '%s\n' "$list"
printf '\n%s status %s\n' "$FRAME" "$status"
tell() {
  printf '%s probe %s\n' "$FRAME" "$1"
  shift
  "$@" </dev/null 2>&1
  printf '\n%s status %s\n' "$FRAME" "$?"
}
object() {
  limit 10 vim-cmd "$1" "$2" 2>&1 | awk '
    /^ *annotation = "/ { notes = 1 }
    notes { if ($0 ~ /",? *$/) notes = 0; next }
    !rows && /^ *extraConfig = .*\[ *$/ { rows = 1; match($0, /^ */); deep = RLENGTH; print; next }
    rows { match($0, /^ */)
      if (RLENGTH == deep && $0 ~ /^ *\]/) { rows = 0; print; next }
      if (kept) { print; print "}," ; kept = 0; next }
      if (tolower($0) ~ /^ *key = "(disk|snapshot)\./) { print "(vim.option.OptionValue) {"; print; kept = 1 }
      next }
    { print }'
}
wanted() {
  [ -n "$WANTED" ] || return 0
  printf '%s\n' "$WANTED" | {
    while IFS= read -r name; do case $1 in "$name "*\[*) exit 0;; esac; done
    exit 1
  }
}
printf '%s\n' "$list" | {
  count=0
  while read -r id rest; do
    case $id in ''|*[!0-9]*) continue;; esac
    wanted "$rest" || continue
    [ "$count" -lt "$MOST" ] || break
    count=$((count + 1))
    tell "esxi-config-$id" object vmsvc/get.config "$id"
    tell "esxi-summary-$id" object vmsvc/get.summary "$id"
    tell "esxi-snapshots-$id" limit 10 vim-cmd vmsvc/snapshot.get "$id"
    store=${rest#*\[}; file=${store#*\] }; store=${store%%\]*}
    tell "esxi-vmx-$id" grep -i '^ *disk\.enableuuid' "/vmfs/volumes/$store/$file"
  done
}
"#;

/// Every probe of an ESXi host. The answers keep what was asked, so that a capture can be checked
/// later.
pub fn probes(scope: &QueryScope, user: &str) -> Vec<Probe> {
    let asked = serde_json::json!({ "question": scope, "user": user });
    let asked = Cow::Owned(format!("printf '%s\\n' {}", shell::quote(&asked.to_string())));
    let names: Vec<&str> = scope.machines().filter(|name| !name.contains('\n')).collect();
    let most = if names.is_empty() { MAX_MACHINES } else { 10 * names.len().max(MAX_MACHINES) };
    let wanted = shell::quote(&names.join("\n"));
    let machines = Cow::Owned(format!("WANTED={wanted}\nMOST={most}\n{}", LIST_MACHINES.trim()));
    let mut all =
        vec![Probe { name: Cow::Borrowed(ASKED.as_str()), shell: asked, is_quick: false }];
    all.extend_from_slice(FIXED);
    let name = Cow::Borrowed(MACHINES.as_str());
    all.push(Probe { name, shell: machines, is_quick: false });
    all
}
