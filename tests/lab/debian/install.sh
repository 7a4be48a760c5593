#!/bin/bash
# install.sh OUT [--from STAGE] - Debian 12's installer installs one of our images under QEMU, from power-on to power-off and
# without a hand; then the machine it made is started and checked. Stages: fetch, medium, image, install, boot, check;
# --from begins later, with what an earlier run left in OUT/debian. PREFLIGHT names the binary (default: target/debug or
# release). An hour on two busy cores, half of it on idle ones. OUT/debian/*.syslog is the installer's own log.
. "$(dirname "$0")/../lab.sh"
outdir "${1:-}"; base_out=$OUT; outdir "$OUT/debian"
. "$LAB/cases.sh"
from=fetch; [ "${2:-}" != --from ] || from=${3:-fetch}
need qemu-system-x86_64 ssh ssh-keygen python3 xorriso
repo=$(cd "$LAB/../.." && pwd)
target=${CARGO_TARGET_DIR:-$repo/target}
if [ -z "${PREFLIGHT:-}" ]; then
  for PREFLIGHT in "$target/release/preflight" "$target/debug/preflight"; do [ ! -x "$PREFLIGHT" ] || break; done
fi
[ -x "$PREFLIGHT" ] || { echo "no $PREFLIGHT: cargo build" >&2; exit 2; }
preflight() { timeout 300 "$PREFLIGHT" "$@"; }
machine() { python3 "$LAB/debian/machine.py" "$@"; }
trap 'machine off "$OUT"' EXIT
image=$OUT/mt.iso
begin() { # STAGE: whether it is to be done
  local stages=(fetch medium image install boot check) stage seen=''
  for stage in "${stages[@]}"; do
    [ "$stage" != "$from" ] || seen=1
    [ "$stage" != "$1" ] || { [ -n "$seen" ]; return; }
  done
}
stop_if_failed() { [ "$failed" = 0 ] || { finished "an installation by Debian's installer"; exit 1; }; }

if begin fetch; then
  rm -rf "$OUT"/{base,added,udebs,netboot,apt}
  good "packages and the installer's parts are fetched" "$LAB/debian/archive.sh" "$OUT"
  sed 's/^/       /' "$OUT/udebs.list"
fi
if begin medium; then good "a medium is made of them" "$LAB/debian/medium.sh" "$OUT"; fi
stop_if_failed

if begin image; then
  agent=$("$LAB/agent/make-agent.sh" "$OUT" Microsoft-ASR_UA_9.10.0.0_DEBIAN12-64_GA_01Jan2018_release.tar.gz)
  build() {
    preflight build image debian-12 --assets "$LAB/debian/assets" --base "$OUT/base.iso" --debs "$OUT/added" \
      --sign-key "$OUT/sign.key" --agent "$agent" --allow-unpinned -o "$image" --overwrite
  }
  good "our image is built from it" build
  good "check image finds nothing that blocks" preflight check image "$image"
fi
stop_if_failed

if begin install; then
  for disk in other system; do rm -f "$OUT/$disk.raw"; done
  truncate -s 5G "$OUT/other.raw"; truncate -s 4G "$OUT/system.raw"
  dd if=/dev/urandom of="$OUT/other.raw" bs=1M count=8 conv=notrunc status=none
  sha256sum < "$OUT/other.raw" > "$OUT/other.sum"
  began=$SECONDS
  if machine install "$OUT" "$image"; then note ok "installed without a question" "$((SECONDS-began)) s"
  else note FAIL "installed without a question" "after $((SECONDS-began)) s"; fi
  untouched() { sha256sum < "$OUT/other.raw" | cmp - "$OUT/other.sum" && echo "$(cut -c1-16 "$OUT/other.sum")..."; }
  good "the other disk is byte-identical" untouched
fi
stop_if_failed

if begin boot; then
  rm -f "$OUT"/key "$OUT"/key.pub
  # A try must not spoil what the installation made.
  [ "$from" = boot ] && [ -f "$OUT/installed.raw" ] || cp --sparse=always "$OUT/system.raw" "$OUT/installed.raw"
  cp --sparse=always "$OUT/installed.raw" "$OUT/system.raw"
  ssh-keygen -q -t ed25519 -N '' -C lab -f "$OUT/key"
  if machine first-boot "$OUT"; then note ok "started, set up, logged in" ""; else note FAIL "started, set up, logged in" ""; fi
fi
stop_if_failed

port=$(cat "$OUT/ssh.port")
on() { ssh -F none -i "$OUT/key" -o IdentitiesOnly=yes -o UserKnownHostsFile="$OUT/known_hosts" -o BatchMode=yes -p "$port" root@127.0.0.1 "$@"; }
# is NAME WANTED COMMAND: what the installed machine says
is() {
  local found
  found=$(on "$3" 2>&1) || true
  if [ "$found" = "$2" ]; then note ok "$1" "$(echo "$found" | head -1)"; else note FAIL "$1" "$(echo "$found" | tr '\n' ' ')"; fi
}
shown() { echo "--- $1"; on "$2" 2>&1 | sed 's/^/       /'; }
shown partitions 'lsblk -o NAME,SIZE,FSTYPE,LABEL,MOUNTPOINT; cat /etc/fstab'
shown packages 'dpkg-query -W -f "\${db:Status-Status}\n" | sort | uniq -c; dpkg-query -W openssh-server multipath-tools lsscsi lvm2 kpartx linux-image-amd64 grub-pc; cat /etc/apt/sources.list /etc/apt/sources.list.d/*'
shown holds 'apt-mark showhold'
shown services 'systemctl list-unit-files "preflight*" ssh.service multipathd.service; systemctl --failed; cat /var/lib/preflight/status; cat /var/log/standin-agent'
is "every package is configured" 'installed' 'dpkg-query -W -f "\${db:Status-Status}\n" | sort -u'
is "what was asked for is there" 'kpartx lsscsi lvm2 multipath-tools openssh-server' 'dpkg-query -W -f "\${Package}\n" openssh-server multipath-tools lsscsi lvm2 kpartx | sort | tr "\n" " " | sed "s/ $//"'
is "apt takes our signed pool, and it has the packages" '' 'apt-get update 2>&1 | grep -E "^(W|E):" | grep -v cdrom; for p in openssh-server multipath-tools lsscsi; do apt-cache policy $p | grep -q "file:/usr/local/share/preflight/pool" || echo "$p is not"; done'
is "/, swap, /var/crash and /home are in fstab, by UUID" '/ /home /var/crash none' 'awk "\$1 ~ /^UUID=/ {print \$2}" /etc/fstab | LC_ALL=C sort | tr "\n" " " | sed "s/ $//"'
# The kernel's names of the two may swap whenever it starts: the disk is told by its id.
is "they are mounted from the disk that was chosen" 'same same same' 'disk=$(readlink -f /dev/disk/by-id/wwn-0x5000c500a0000002); for at in / /var/crash /home; do case $(findmnt -n -o SOURCE $at) in "$disk"[0-9]) echo same;; *) findmnt -n -o SOURCE $at;; esac; done | tr "\n" " " | sed "s/ $//"'
is "labels" 'mtcrash mthome mtroot' 'lsblk -n -o LABEL /dev/disk/by-id/wwn-0x5000c500a0000002 | grep . | LC_ALL=C sort | tr "\n" " " | sed "s/ $//"'
is "swap is on" '1' 'grep -c partition /proc/swaps'
is "static address as preseeded" '10.0.2.15/24' 'ip -4 -o addr show eth0 | awk "{print \$4}"'
is "gateway" '10.0.2.2' 'ip -4 route show default | awk "{print \$3}"'
is "host name" 'mt12.example.test' 'hostname -f'
is "hosts beside it" '10.0.2.2 cs12.example.test cs12' 'grep cs12 /etc/hosts'
is "time zone" '/usr/share/zoneinfo/Europe/Vienna' 'readlink -f /etc/localtime'
is "the kernel's arguments" '1' 'grep -c "net.ifnames=0.*biosdevname=0" /proc/cmdline'
is "kernels are held" 'linux-image-amd64' 'apt-mark showhold | grep -x linux-image-amd64'
is "and the one that runs" '1' 'apt-mark showhold | grep -cx "linux-image-$(uname -r)"'
is "nothing updates by itself" '4' 'grep -c "^APT::Periodic.*\"0\"" /etc/apt/apt.conf.d/99preflight'
is "no other account" '' 'awk -F: "\$3 >= 1000 && \$3 < 60000 {print \$1}" /etc/passwd'
is "no unit failed" '' 'systemctl --failed --no-legend --plain | cut -d" " -f1'
is "ApplyCustomChanges ran once" '1' 'grep -c "^applied" /var/log/standin-agent'
is "and was answered once" '1' 'grep -c "^answer Y" /var/log/standin-agent'
is "the first-boot service is done" 'done' 'sed -n "s/^state: //p" /var/lib/preflight/status'
is "and does not start again" 'disabled' 'systemctl is-enabled preflight-firstboot.service'
is "the payload is whole" '0' 'cd /root/preflight && sha256sum -c --quiet payload.sha256 > /dev/null; echo $?'
is "the installer's log was kept" '1' 'grep -c "preflight: Disk sdb is the one that is meant" /var/log/installer/syslog | head -1'

# --- what check host says of it, over SSH
check() {
  preflight check host "ssh://root@127.0.0.1:$port" --identity "$OUT/key" --known-hosts "$OUT/known_hosts" --ssh-config none \
    --timeout 240 "$@"
}
rc=0; check > "$OUT/report.txt" 2>&1 || rc=$?
echo "--- check host (exit $rc)"; sed 's/^/       /' "$OUT/report.txt"
check --format json > "$OUT/report.json" 2> /dev/null || true
found() { # CHECK OUTCOME: in the report
  local outcome
  outcome=$(python3 -c 'import json, sys; print(next((r["outcome"] for r in json.load(open(sys.argv[1]))["results"] if r["check"] == sys.argv[2]), "none"))' "$OUT/report.json" "$1")
  if [ "$outcome" = "$2" ]; then note ok "check host: $1" "$outcome"; else note FAIL "check host: $1" "$outcome, not $2"; fi
}
. "$LAB/debian/expected.sh"
machine off "$OUT"
echo "all of it is below $base_out/debian"
finished "an installation by Debian's installer"
