#!/bin/bash
# customise.sh OUT el6|el7 BASE RESULT - what a customiser has to do to a medium, with xorriso: for the lab's self-test only.
# Adds /ks.cfg and /preflight/{repo,payload,manifest.sha256}; adds an entry to isolinux.cfg and to the UEFI menu, in the
# tree and inside efiboot.img; keeps boot images, volume id, Rock Ridge and Joliet; implants the media md5 again.
#   KS=FILE another kickstart   KSARG=TEXT another kernel argument
#   SKIP_EFIBOOT=1, SKIP_TREE=1 leave one copy of the UEFI menu as it is (negative cases)
#   KSDISC=1 write a kickstart disc beside BASE: no boot files, only what was added
. "$(dirname "$0")/../lab.sh"
outdir "${1:-}"; el=$2 base=$3 result=$4
ks=${KS:-$LAB/reference/$el.ks}
arg=${KSARG:-$([ "$el" = el6 ] && echo ks=cdrom:/ks.cfg || echo inst.ks=cdrom:/ks.cfg)}
need xorriso createrepo_c mcopy implantisomd5 checkisomd5
work=$OUT/custom; rm -rf "$work" "$result"; mkdir -p "$work"/preflight/{repo,payload}
volid=$(xorriso -indev "$base" -pvd_info 2>/dev/null | sed -n 's/^Volume Id *: *//p')

# Payload, add-on repository, manifest.
cp "$OUT/$el"/addon-rpms/*.rpm "$work/preflight/repo/"
createrepo_c -q --checksum sha256 --general-compress-type gz --no-database --revision "$SOURCE_DATE_EPOCH" \
  --set-timestamp-to-revision "$work/preflight/repo"
"$LAB/agent/make-agent.sh" "$work/preflight/payload" > /dev/null
cp "$LAB/reference/every-boot" "$work/preflight/payload/"
if [ -n "${KSDISC:-}" ]; then sed 's|/mnt/source/preflight|/mnt/preflight/preflight|' "$ks" > "$work/ks.cfg"; else cp "$ks" "$work/ks.cfg"; fi
(cd "$work" && find preflight ks.cfg -type f ! -name manifest.sha256 -print0 | sort -z | xargs -0 sha256sum) > "$OUT/manifest"
mv "$OUT/manifest" "$work/preflight/manifest.sha256"
find "$work" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
if [ -n "${KSDISC:-}" ]; then
  xorriso -as mkisofs -quiet -o "$result" -V PREFLIGHT -R -J -joliet-long "$work" 2>/dev/null
  exit
fi

# Menus: a new default entry in front, a short time-out, everything else as it was.
menu=$([ "$el" = el6 ] && echo BOOTX64.conf || echo grub.cfg)
mkdir "$OUT/custom.boot.$$"; boot=$OUT/custom.boot.$$; trap 'rm -rf "$boot"' EXIT
xorriso -osirrox on -indev "$base" -extract /isolinux/isolinux.cfg "$boot/isolinux.cfg" \
  -extract "/EFI/BOOT/$menu" "$boot/$menu" -extract /images/efiboot.img "$boot/efiboot.img" > /dev/null 2>&1
chmod -R u+w "$boot"
stage2=; [ "$el" = el6 ] || stage2="inst.stage2=hd:LABEL=${volid// /\\x20}"
export ENTRY_ARGS="$stage2 $arg"
awk '/^timeout /{print "timeout 10";next} /^  menu default/{next}
  /^label linux/ && !done {
    print "label preflight\n  menu label ^Install the master target\n  menu default\n  kernel vmlinuz"
    print "  append initrd=initrd.img " ENVIRON["ENTRY_ARGS"]; done=1 } {print}' "$boot/isolinux.cfg" > "$boot/isolinux.new"
case $menu in
  BOOTX64.conf) awk '/^timeout/{print "timeout 1";next} /^default=/{print "default=0";next}
    /^title / && !done { print "title Install the master target\n\tkernel /images/pxeboot/vmlinuz " ENVIRON["ENTRY_ARGS"]
      print "\tinitrd /images/pxeboot/initrd.img"; done=1 } {print}' "$boot/$menu" > "$boot/menu.new";;
  grub.cfg) awk '/^set timeout/{print "set timeout=1";next} /^set default/{print "set default=\"0\"";next}
    /^menuentry / && !done { print "menuentry \"Install the master target\" {\n\tlinuxefi /images/pxeboot/vmlinuz " ENVIRON["ENTRY_ARGS"]
      print "\tinitrdefi /images/pxeboot/initrd.img\n}"; done=1 } {print}' "$boot/$menu" > "$boot/menu.new";;
esac
# A copy that is left out gets the short time-out all the same, so that a boot test need not wait for it.
sed 's/^set timeout=.*/set timeout=1/; s/^timeout .*/timeout 1/' "$boot/$menu" > "$boot/menu.old"
mcopy -o -i "$boot/efiboot.img" "$boot/menu.$([ -n "${SKIP_EFIBOOT:-}" ] && echo old || echo new)" "::/EFI/BOOT/$menu"
cp "$boot/menu.$([ -n "${SKIP_TREE:-}" ] && echo old || echo new)" "$boot/$menu"
find "$boot" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
xorriso -indev "$base" -outdev "$result" -volid "$volid" -joliet on -rockridge on -boot_image any replay \
  -map "$work/ks.cfg" /ks.cfg -map "$work/preflight" /preflight -update "$boot/isolinux.new" /isolinux/isolinux.cfg \
  -update "$boot/$menu" "/EFI/BOOT/$menu" -update "$boot/efiboot.img" /images/efiboot.img \
  -chown_r 0 / -- -chgrp_r 0 / -- -commit > "$OUT/custom.log" 2>&1 || { cat "$OUT/custom.log" >&2; exit 1; }
implantisomd5 --force "$result" > /dev/null
checkisomd5 "$result" < /dev/null > "$OUT/custom.log" 2>&1
echo "$(basename "$result") $(stat -c %s "$result") bytes"
