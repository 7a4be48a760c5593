#!/bin/bash
# test-image.sh OUT [--no-boot] - the proof of `preflight build image`: media customised by the release binary are read by
# programs nobody here wrote, booted in QEMU, and their kickstart is carried out. PREFLIGHT names the binary (default:
# target/release/preflight, built when absent).
. "$(dirname "$0")/lab.sh"
outdir "${1:-}"; . "$LAB/cases.sh"
boots=1; [ "${2:-}" != --no-boot ] || boots=
repo=$(cd "$LAB/../.." && pwd)
if [ -z "${PREFLIGHT:-}" ]; then
  PREFLIGHT=${CARGO_TARGET_DIR:-$repo/target}/release/preflight
  [ -x "$PREFLIGHT" ] || (cd "$repo" && cargo build --release --quiet)
fi
preflight() { timeout 120 "$PREFLIGHT" "$@"; }
image=$OUT/image; rm -rf "$image"; mkdir -p "$image"
base6=$OUT/el6/base.iso base7=$OUT/el7/base.iso
[ -s "$base6" ] && [ -s "$OUT/el6/base-isohybrid.iso" ] || good "el6 media built" "$LAB/el6/build.sh" "$OUT"
[ -s "$base7" ] || good "el7 medium built" "$LAB/el7/build.sh" "$OUT"
agent6=$("$LAB/agent/make-agent.sh" "$OUT/agent")
agent7=$("$LAB/agent/make-agent.sh" "$OUT/agent" Microsoft-ASR_UA_9.8.0.0_RHEL7-64_GA_10Feb2017_release.tar.gz)

# --- how each medium is built: one place to change when the command line does. Nothing is pinned here on purpose: the
# stand-in's and the media's digests change with the distribution's packages.
build6() { preflight build image centos-6.6 --agent "$agent6" --rpms "$OUT/el6/addon-rpms" --allow-unpinned "$@"; }
build7() { preflight build image centos-6.6 --set profile=centos-7 --agent "$agent7" --rpms "$OUT/el7/addon-rpms" --allow-unpinned "$@"; }

# --- el6: three kinds of base medium
for kind in base base-hybrid base-isohybrid; do
  made=$image/$kind.iso
  good "el6 $kind built and verified" build6 --base "$OUT/el6/$kind.iso" -o "$made"
  good "el6 $kind: independent readers agree" "$LAB/readers.sh" "$OUT" "$made" "$OUT/el6/$kind.iso"
done
made=$image/base.iso
good "check image says so again" preflight check image "$made"
good "inspect image reads it" preflight inspect image "$made"
twice() {
  build6 --base "$OUT/el6/base-isohybrid.iso" -o "$image/again.iso" > /dev/null
  cmp "$image/base-isohybrid.iso" "$image/again.iso" && rm "$image/again.iso"*; echo "bit-identical"
}
good "two builds are the same bytes" twice
refused() { # name, exit status, command: nothing may be left of OUT
  local name=$1 want=$2 rc=0; shift 2
  "$@" > "$OUT/case.log" 2>&1 || rc=$?
  if [ $rc = "$want" ] && grep -q '^preflight: ' "$OUT/case.log"; then note ok "$name" "$(head -1 "$OUT/case.log")"; else note FAIL "$name" "exit $rc, want $want: $(head -1 "$OUT/case.log")"; fi
}
before=$(sha256sum < "$made")
refused "an existing output is refused" 2 build6 --base "$base6" -o "$made"
cp "$base6" "$image/same.iso"
refused "output == input is refused" 2 build6 --base "$image/same.iso" -o "$image/same.iso" --overwrite
good "and was not touched" cmp "$base6" "$image/same.iso"
if [ "$before" = "$(sha256sum < "$made")" ]; then note ok "nor was the existing output" ""; else note FAIL "nor was the existing output" "$made changed"; fi
rc=0; preflight build image centos-6.6 --agent "$agent6" --allow-unpinned --base "$base6" -o "$image/incomplete.iso" > "$OUT/case.log" 2>&1 || rc=$?
if [ $rc != 0 ] && grep -q lsscsi "$OUT/case.log"; then note ok "a package no repository has is named" "$(grep -m1 lsscsi "$OUT/case.log")"; else note FAIL "a package no repository has is named" "exit $rc"; fi
rm -f "$image"/incomplete.iso*

# --- DVDs of EL 8 and 9, with somebody's own kickstart
own_ks() { preflight build image --base "$OUT/el$1/base.iso" --kickstart "$LAB/dvd/own.ks" -o "$image/el$1.iso"; }
for release in 8 9; do
  good "el$release medium built" "$LAB/dvd/build.sh" "$OUT" "$release"
  good "el$release: own kickstart put on it and verified" own_ks "$release"
  good "el$release: media md5" checkisomd5 "$image/el$release.iso"
done

# --- a kickstart disc, and el7
good "kickstart disc built" build6 -o "$image/ks-disc.iso"
good "el7 built and verified" build7 --base "$base7" -o "$image/el7.iso"
good "el7: independent readers agree" "$LAB/readers.sh" "$OUT" "$image/el7.iso" "$base7"
if python_with_pykickstart; then
  for pair in "RHEL6 base.iso" "RHEL6 ks-disc.iso" "RHEL7 el7.iso"; do
    set -- $pair
    isoinfo -R -x /ks.cfg -i "$image/$2" > "$OUT/ks.cfg"
    good "ksvalidator -v $1 accepts $2" "$PY" -c "
import sys; from pykickstart.parser import *; from pykickstart.version import *
KickstartParser(makeVersion($1)).readKickstart(sys.argv[1]); print('accepted')" "$OUT/ks.cfg"
  done
else skip "ksvalidator" "no pykickstart (PREFLIGHT_PYTHON)"; fi

# --- the kickstart carried out
if ! can_be_root; then skip "%post and first boot" "not root, no passwordless sudo, or no namespaces"
elif ! python_with_pykickstart; then skip "%post and first boot" "no pykickstart (PREFLIGHT_PYTHON)"
else
  carry_out() { # name, rounds, post.sh's arguments
    local name=$1 rounds=$2; shift 2
    good "$name: %post in a scratch root" as_root "$LAB/install/post.sh" "$OUT" "$@"
    SHOW_LINES=40 good "$name: first boot" as_root env PREFLIGHT="$PREFLIGHT" "$LAB/install/firstboot.sh" "$OUT" --rounds "$rounds"
    as_root rm -rf "$OUT/sysimage" "$OUT/fb"
  }
  carry_out "el6 medium" 30 "$made"
  carry_out "el6 kickstart disc" 2 "$base6" --ks-disc "$image/ks-disc.iso"
  carry_out "el7 medium" 10 "$image/el7.iso"
fi
if [ -z "$boots" ]; then finished "image"; exit; fi

# --- boots, one emulator at a time
boot() { "$LAB/boot.sh" "$@" --limit 150; }
good "el6 CD boots, BIOS" boot "$made" bios
good "el6 CD boots, UEFI" boot "$made" uefi
good "el6 isohybrid CD boots, BIOS" boot "$image/base-isohybrid.iso" bios
good "el6 isohybrid CD boots, UEFI" boot "$image/base-isohybrid.iso" uefi
caught "the unpatched el6 medium fails this test" 'FAIL no ks= or inst.ks=' boot "$base6" uefi
good "kickstart disc beside the vendor's medium" boot "$base6" bios --second "$image/ks-disc.iso" --direct "$OUT" ks=cdrom:/ks.cfg
good "el7 boots from CD, BIOS" boot "$image/el7.iso" bios
good "el7 boots from CD, UEFI" boot "$image/el7.iso" uefi
for release in 8 9; do
  good "el$release boots from CD, BIOS" boot "$image/el$release.iso" bios
  good "el$release boots from CD, UEFI" boot "$image/el$release.iso" uefi
done
good "el7 boots as a disk, BIOS" boot "$image/el7.iso" bios --as-disk
good "el7 boots as a disk, UEFI" boot "$image/el7.iso" uefi --as-disk
caught "the unpatched el7 medium fails this test" 'FAIL no ks= or inst.ks=' boot "$base7" uefi --as-disk
finished "image"
