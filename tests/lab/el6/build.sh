#!/bin/bash
# build.sh OUT - CentOS-6.6-shaped installer media: OUT/el6/base.iso (no boot record), base-hybrid.iso (xorriso's) and
# base-isohybrid.iso (`isohybrid --uefi`); with them OUT/el6/{base,addon}-rpms.
# The volume id is a guess: the real one is read from the user's medium. .discinfo and .treeinfo are those of a public
# derived 6.6 tree, BOOTX64.conf and isolinux.cfg follow the shape of the vendor's.
. "$(dirname "$0")/../lab.sh"
. "$LAB/parts/medium.sh"
outdir "${1:-}"
need rpmbuild createrepo_c cpio busybox xorriso genisoimage isohybrid grub-mkimage mformat mmd mcopy implantisomd5 checkisomd5 file
stamp=1414159991.958686 volid=CentOS_6.6_Final TREE=$OUT/el6/tree
prepare; "$LAB/parts/rpms.sh" "$OUT" el6
rm -rf "$TREE"; mkdir -p "$TREE"/{images,EFI/BOOT,Packages}
kernels; bios_loader
echo 'stand-in for the second stage' > "$TREE/images/install.img"
printf '%s\n6.6\nx86_64\nALL\n' "$stamp" > "$TREE/.discinfo"
cp "$LAB/el6/isolinux.cfg" "$TREE/isolinux/"
cp "$LAB/el6/BOOTX64.conf" "$TREE/EFI/BOOT/"
# Real media start GRUB legacy. Here GRUB 2's legacy_configfile parses the same file, so its grammar is exercised; it is
# told to read the copy INSIDE efiboot.img, because it sees an El Torito boot as the whole disc.
cat > "$OUT/el6/early.cfg" <<'CFG'
search --no-floppy --file --set=media /.discinfo
loopback esp ($media)/images/efiboot.img
set root=$media
legacy_configfile (esp)/EFI/BOOT/BOOTX64.conf
CFG
grub-mkimage -O x86_64-efi -p /EFI/BOOT -c "$OUT/el6/early.cfg" -o "$TREE/EFI/BOOT/BOOTX64.efi" \
  part_gpt part_msdos fat iso9660 search search_fs_file loopback legacycfg linux normal configfile echo test minicmd \
  gzio halt sleep all_video efi_gop terminal serial
stamped; efiboot BOOTX64.efi BOOTX64.conf
cp "$OUT"/el6/base-rpms/*.rpm "$TREE/Packages/"
comps "$OUT/el6/c6-minimal-x86_64.xml" bash coreutils kernel dracut grub device-mapper-libs
# The media id marks base packages, so that anaconda 13 installs add-on packages in a later transaction.
repodata "$OUT/el6/c6-minimal-x86_64.xml" "$stamp" -u "media://$stamp#1"
{
  printf '[general]\nfamily = CentOS\ntimestamp = %s\nvariant = \ntotaldiscs = 1\nversion = 6.6\n' "$stamp"
  printf 'discnum = 1\npackagedir = \narch = x86_64\n\n'
  printf '[images-x86_64]\nkernel = images/pxeboot/vmlinuz\ninitrd = images/pxeboot/initrd.img\n\n'
  printf '[stage2]\nmainimage = images/install.img\n\n[checksums]\n'
  cd "$TREE"
  for f in images/pxeboot/initrd.img images/pxeboot/vmlinuz images/install.img images/efiboot.img repodata/repomd.xml; do
    echo "$f = sha256:$(sha256sum < "$f" | cut -d' ' -f1)"
  done
} > "$TREE/.treeinfo"
write_iso "$OUT/el6/base.iso" "$volid" plain
write_iso "$OUT/el6/base-hybrid.iso" "$volid" hybrid
write_iso "$OUT/el6/base-isohybrid.iso" "$volid" isohybrid
