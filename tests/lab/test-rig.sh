#!/bin/bash
# test-rig.sh OUT [--no-boot] - prove the lab itself: media customised by the reference pass, damaged ones are found out.
# One emulator at a time. What the lab cannot see here it would not see in preflight's media either.
. "$(dirname "$0")/lab.sh"
outdir "${1:-}"; . "$LAB/cases.sh"
boots=1; [ "${2:-}" != --no-boot ] || boots=
ref=$LAB/reference base6=$OUT/el6/base.iso base7=$OUT/el7/base.iso made=$OUT/rig.iso disc=$OUT/rig-ks.iso
trap 'rm -f "$made" "$disc" "$OUT/rig.ks" "$OUT/rig-hd.iso"' EXIT
[ -s "$base6" ] || good "el6 media built" "$LAB/el6/build.sh" "$OUT"
[ -s "$base7" ] || good "el7 medium built" "$LAB/el7/build.sh" "$OUT"
customise() { "$ref/customise.sh" "$OUT" "$@"; }
edited() { sed "$1" "$ref/el6.ks" > "$OUT/rig.ks"; KS=$OUT/rig.ks customise el6 "$base6" "$made" > /dev/null; }
boot() { "$LAB/boot.sh" "$@" --limit 150; }

good "el6 reference medium written" customise el6 "$base6" "$made"
caught "readers see what xorriso's replay moves and cuts" 'changed: /isolinux/isolinux.bin' "$LAB/readers.sh" "$OUT" "$made" "$base6"
good "descriptors kept" python3 "$LAB/disc-facts.py" "$made" --against "$base6"
if ! can_be_root; then skip "%post and first boot" "not root, no passwordless sudo, or no namespaces"
elif ! python_with_pykickstart; then skip "%post and first boot" "no pykickstart (PREFLIGHT_PYTHON)"
else
  good "%post in a scratch root" as_root "$LAB/install/post.sh" "$OUT" "$made"
  caught "a first-boot service that forgets" 'FAIL first boot applies' as_root "$LAB/install/firstboot.sh" "$OUT" --rounds 4
  cp "$OUT/case.log" "$OUT/rig-firstboot.log"
  missed=$(grep -c '^ok ' "$OUT/rig-firstboot.log" || true)
  if [ "$missed" = 0 ]; then note ok "it fails every case" "$(tail -1 "$OUT/rig-firstboot.log")"; else note FAIL "it fails every case" "$missed cases passed"; fi
  as_root rm -rf "$OUT/sysimage" "$OUT/fb"
fi
if [ -z "$boots" ]; then finished "rig"; exit; fi

good "el6 CD, BIOS" boot "$made" bios
good "el6 CD, UEFI" boot "$made" uefi
KSDISC=1 customise el6 "$base6" "$disc"
good "kickstart disc in the second drive" boot "$base6" bios --second "$disc" --direct "$OUT" ks=cdrom:/ks.cfg
good "kickstart disc in the first drive" boot "$disc" bios --second "$base6" --direct "$OUT" ks=cdrom:/ks.cfg
caught "kickstart disc without the medium" 'FAIL no drive holds an installation medium' boot "$disc" bios --direct "$OUT" ks=cdrom:/ks.cfg
KSARG=ks=hd:LABEL=CentOS_6.6_Final:/ks.cfg customise el6 "$OUT/el6/base-hybrid.iso" "$OUT/rig-hd.iso" > /dev/null
good "el6 hybrid as a disk, ks=hd:LABEL= (unconfirmed form)" boot "$OUT/rig-hd.iso" bios --as-disk

# One byte of one package.
lba=$(xorriso -indev "$made" -find /preflight/repo -name 'perl-5*' -exec report_lba -- 2>/dev/null | awk -F, '/data lba/{split($2,a," ");print a[1];exit}')
printf X | dd of="$made" bs=1 seek=$((lba*2048+3000)) conv=notrunc status=none
caught "one byte of one package changed" 'FAIL .*(digest|manifest)' boot "$made" bios
edited 's/^lsscsi$/lsscsi-ng/'; caught "a package no repository has" 'FAIL package lsscsi-ng' boot "$made" bios
edited '0,/^%end/{/^%end/d}'; caught "a section without %end" 'FAIL .*sections' boot "$made" bios
edited '/^bootloader/d'; caught "no bootloader command" 'FAIL command bootloader' boot "$made" bios
edited 's/$/\r/'; caught "DOS line ends" 'FAIL carriage' boot "$made" bios
KSARG=ks=cdrom:/other.cfg customise el6 "$base6" "$made" > /dev/null
caught "kickstart named wrongly" 'FAIL kickstart /other.cfg was found on no device' boot "$made" bios
KSARG=inst.ks=cdrom:/ks.cfg customise el6 "$base6" "$made" > /dev/null
caught "inst.ks= on an el6 medium" 'FAIL el6 does not read inst.ks' boot "$made" bios
SKIP_EFIBOOT=1 customise el6 "$base6" "$made" > /dev/null
caught "el6 UEFI, efiboot.img not changed" 'FAIL no ks= or inst.ks=' boot "$made" uefi
caught "el6 vendor medium, UEFI" 'FAIL no ks= or inst.ks=' boot "$base6" uefi
caught "el6 vendor medium, BIOS (waits for its menu)" 'FAIL no ks= or inst.ks=' boot "$base6" bios

label='inst.ks=hd:LABEL=CentOS\x207\x20x86_64:/ks.cfg'
KSARG=$label customise el7 "$base7" "$made" > /dev/null
good "el7 CD, UEFI (menu of the tree)" boot "$made" uefi
good "el7 as a disk, BIOS" boot "$made" bios --as-disk
good "el7 as a disk, UEFI (menu inside efiboot.img)" boot "$made" uefi --as-disk
KSARG=inst.ks=cdrom:/ks.cfg customise el7 "$base7" "$made" > /dev/null
good "el7 CD, BIOS" boot "$made" bios
SKIP_EFIBOOT=1 KSARG=$label customise el7 "$base7" "$made" > /dev/null
caught "el7 as a disk, UEFI, efiboot.img not changed" 'FAIL no ks= or inst.ks=' boot "$made" uefi --as-disk
SKIP_TREE=1 KSARG=$label customise el7 "$base7" "$made" > /dev/null
caught "el7 CD, UEFI, tree not changed" 'FAIL no ks= or inst.ks=' boot "$made" uefi
finished "rig"
