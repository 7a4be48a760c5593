#!/bin/bash
# build.sh OUT - a CentOS-7-shaped installer medium: OUT/el7/base.iso, which starts from CD and as a disk, BIOS and UEFI;
# with it OUT/el7/{base,addon}-rpms. Menus, volume id and layout follow public 7.x media; the content is the lab's.
. "$(dirname "$0")/../lab.sh"
. "$LAB/parts/medium.sh"
outdir "${1:-}"
need rpmbuild createrepo_c cpio busybox genisoimage isohybrid grub-mkimage mformat mmd mcopy implantisomd5 checkisomd5 file
stamp=1525640243.508425 volid='CentOS 7 x86_64' TREE=$OUT/el7/tree
prepare; "$LAB/parts/rpms.sh" "$OUT" el7
rm -rf "$TREE"; mkdir -p "$TREE"/{images,LiveOS,EFI/BOOT,Packages}
kernels; bios_loader
echo 'stand-in for the second stage' > "$TREE/LiveOS/squashfs.img"
printf '%s\n7.5\nx86_64\nALL\n' "$stamp" > "$TREE/.discinfo"
cp "$LAB/el7/isolinux.cfg" "$TREE/isolinux/"
cp "$LAB/el7/grub.cfg" "$TREE/EFI/BOOT/"
# Started from a disk, the vendor's GRUB reads the grub.cfg of the EFI system partition, which is efiboot.img; started from
# a CD it sees the whole disc and reads the one in the tree. So the two boots prove the two copies. OVMF starts an
# isohybrid disk through its El Torito catalog, because the partitions of such media overlap; hence the look for a second
# partition, which on a CD lies elsewhere (its sectors have 2048 bytes) and is no FAT file system.
# The vendor's GRUB has the commands linuxefi and initrdefi; functions of those names keep the file's grammar. The
# configuration linked into the image is read by a parser that knows no functions, hence this one in a memory disk.
cat > "$OUT/el7/lab.cfg" <<'CFG'
function linuxefi { linux "$@"; }
function initrdefi { initrd "$@"; }
regexp --set=1:home '^\(([^)]*)\)' "$cmdpath"
for partition in gpt2 msdos2; do
  if [ -f ($home,$partition)/EFI/BOOT/grub.cfg ]; then set home=$home,$partition; fi
done
set root=$home
configfile ($home)/EFI/BOOT/grub.cfg
CFG
echo 'normal (memdisk)/lab.cfg' > "$OUT/el7/early.cfg"
tar --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --format=ustar -C "$OUT/el7" -cf "$OUT/el7/memdisk.tar" lab.cfg
grub-mkimage -O x86_64-efi -p /EFI/BOOT -c "$OUT/el7/early.cfg" -m "$OUT/el7/memdisk.tar" -o "$TREE/EFI/BOOT/BOOTX64.EFI" \
  memdisk tar part_gpt part_msdos fat iso9660 ext2 search search_label regexp linux normal configfile echo test minicmd \
  gzio halt sleep all_video efi_gop efi_uga video_bochs video_cirrus terminal serial
stamped; efiboot BOOTX64.EFI grub.cfg
cp "$OUT"/el7/base-rpms/*.rpm "$TREE/Packages/"
comps "$OUT/el7/c7-minimal-x86_64-comps.xml" bash coreutils systemd kernel dracut grub2 device-mapper-libs
repodata "$OUT/el7/c7-minimal-x86_64-comps.xml" "$stamp"
{
  printf '[general]\nname = CentOS-7\nfamily = CentOS\ntimestamp = %s\nvariant = \nversion = 7\n' "$stamp"
  printf 'packagedir = \narch = x86_64\n\n[stage2]\nmainimage = LiveOS/squashfs.img\n\n'
  printf '[images-x86_64]\nkernel = images/pxeboot/vmlinuz\ninitrd = images/pxeboot/initrd.img\n\n[checksums]\n'
  cd "$TREE"
  for f in images/pxeboot/initrd.img images/pxeboot/vmlinuz LiveOS/squashfs.img images/efiboot.img repodata/repomd.xml; do
    echo "$f = sha256:$(sha256sum < "$f" | cut -d' ' -f1)"
  done
} > "$TREE/.treeinfo"
# The vendor's are made by genisoimage and `isohybrid --uefi`.
write_iso "$OUT/el7/base.iso" "$volid" isohybrid
