# shellcheck shell=bash
# medium.sh - the steps both media share (sourced after lab.sh). TREE is the file tree of the medium.

# prepare OUT - kernel and initrd once per output directory.
prepare() {
  [ -s "$OUT/kernel/vmlinuz" ] || "$LAB/parts/kernel.sh" "$OUT"
  "$LAB/parts/initrd.sh" "$OUT"
}

# kernels - where both installers look for kernel and initrd.
kernels() {
  local dir
  for dir in isolinux images/pxeboot; do
    mkdir -p "$TREE/$dir"; cp "$OUT/kernel/vmlinuz" "$OUT/initrd.img" "$TREE/$dir/"
  done
}

# bios_loader - el6 and el7 carry syslinux 4, whose vesamenu.c32 stands alone; Debian's syslinux 6 needs its libraries.
bios_loader() {
  cp /usr/lib/ISOLINUX/isolinux.bin "$TREE/isolinux/"
  cp /usr/lib/syslinux/modules/bios/{ldlinux,vesamenu,libcom32,libutil}.c32 "$TREE/isolinux/"
  echo 'boot message' > "$TREE/isolinux/boot.msg"
}

# efiboot FILE... - images/efiboot.img, a FAT file system labelled ANACONDA with FILEs (from EFI/BOOT) in /EFI/BOOT.
efiboot() {
  local image=$TREE/images/efiboot.img
  rm -f "$image"; truncate -s 4M "$image"
  mformat -i "$image" -v ANACONDA -N 66600001 ::
  mmd -i "$image" ::/EFI ::/EFI/BOOT
  (cd "$TREE/EFI/BOOT" && mcopy -m -i "$image" "$@" ::/EFI/BOOT/)
}

# stamped - give every file of the tree the lab's time.
stamped() { find "$TREE" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +; }

# comps FILE PACKAGE... - group data: @core with PACKAGEs, and the environment el7's @^minimal names.
comps() {
  local file=$1 name; shift
  {
    printf '<?xml version="1.0" encoding="UTF-8"?>\n'
    printf '<!DOCTYPE comps PUBLIC "-//CentOS//DTD Comps info//EN" "comps.dtd">\n<comps>\n'
    printf ' <group>\n  <id>core</id>\n  <name>Core</name>\n  <default>true</default>\n  <uservisible>false</uservisible>\n'
    printf '  <packagelist>\n'
    for name in "$@"; do printf '   <packagereq type="mandatory">%s</packagereq>\n' "$name"; done
    printf '  </packagelist>\n </group>\n'
    printf ' <environment>\n  <id>minimal</id>\n  <name>Minimal Install</name>\n'
    printf '  <grouplist>\n   <groupid>core</groupid>\n  </grouplist>\n </environment>\n</comps>\n'
  } > "$file"
}

# repodata COMPS STAMP [CREATEREPO-OPTION...] - sha256 and gzip, which is what yum 3.2 reads.
repodata() {
  local group=$1 stamp=$2; shift 2
  createrepo_c -q --checksum sha256 --general-compress-type gz --no-database --revision "${stamp%.*}" \
    --set-timestamp-to-revision -g "$group" "$@" "$TREE"
}

# write_iso ISO VOLID plain|hybrid|isohybrid - two El Torito images, Rock Ridge, Joliet, implanted media md5.
#   plain      no boot record
#   hybrid     isohybrid MBR and a GPT whose EFI system partition is efiboot.img, made by xorriso
#   isohybrid  the same made by genisoimage and `isohybrid --uefi`, as el6-era tools did (a backup GPT at the end)
write_iso() {
  local iso=$1 volid=$2 kind=$3 extra=()
  local eltorito=(-b isolinux/isolinux.bin -c isolinux/boot.cat -no-emul-boot -boot-load-size 4 -boot-info-table
                  -eltorito-alt-boot -e images/efiboot.img -no-emul-boot)
  rm -f "$iso"; stamped
  if [ "$kind" = isohybrid ]; then
    genisoimage -quiet -o "$iso" -V "$volid" -R -J -joliet-long -T "${eltorito[@]}" "$TREE" 2> "$OUT/write.log"
    isohybrid --uefi "$iso" 2>> "$OUT/write.log"
  else
    [ "$kind" = plain ] || extra=(-isohybrid-mbr /usr/lib/ISOLINUX/isohdpfx.bin)
    # -isohybrid-gpt-basdat belongs to the image named just before it: efiboot.img.
    [ "$kind" = plain ] || eltorito+=(-isohybrid-gpt-basdat)
    xorriso -as mkisofs -quiet -o "$iso" -V "$volid" -R -J -joliet-long "${extra[@]}" "${eltorito[@]}" "$TREE" \
      2> "$OUT/write.log" || { cat "$OUT/write.log" >&2; return 1; }
  fi
  implantisomd5 --force "$iso" > /dev/null
  checkisomd5 "$iso" < /dev/null > "$OUT/write.log" 2>&1
  echo "$(basename "$iso") $(stat -c %s "$iso") bytes, media md5 verified"
}
