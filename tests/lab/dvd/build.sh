#!/bin/bash
# build.sh OUT 8|9 - an installer medium in the shape of a DVD of EL 8 or 9: OUT/el8/base.iso or OUT/el9/base.iso, which starts from CD
# under BIOS and UEFI. Two repositories, the second stage in images/, two copies of the menu for UEFI beside the one inside
# efiboot.img. Kernel, loaders and packages are those of the el7-shaped medium, which must be there; the menus are its, with
# the label and the title of a public DVD; they wait two seconds in place of a minute, which nobody's own kickstart shortens.
. "$(dirname "$0")/../lab.sh"
. "$LAB/parts/medium.sh"
outdir "${1:-}"
release=${2:-}
need createrepo_c mformat mmd mcopy xorriso implantisomd5 checkisomd5
case $release in
  8) version=8.4 volid=Rocky-8-4-x86_64-dvd title='Rocky Linux 8' ;;
  9) version=9.3 volid=Rocky-9-3-x86_64-dvd title='Rocky Linux 9.3' ;;
  *) echo "which release: 8 or 9?" >&2; exit 2 ;;
esac
stamp=1699900000.123456 TREE=$OUT/el$release/tree from=$OUT/el7/tree
[ -s "$from/EFI/BOOT/BOOTX64.EFI" ] || { echo "the el7-shaped medium is not built" >&2; exit 2; }
rm -rf "$TREE"; mkdir -p "$TREE/images"
cp -a "$from/isolinux" "$from/EFI" "$TREE/"
cp -a "$from/images/pxeboot" "$TREE/images/"
cp "$from/LiveOS/squashfs.img" "$TREE/images/install.img"
for menu in isolinux/isolinux.cfg EFI/BOOT/grub.cfg; do
  sed -e "s/CentOS\\\\x207\\\\x20x86_64/$volid/g; s/CentOS 7 x86_64/$volid/g; s/CentOS 7/$title/g; s/a CentOS system/a $title system/; s/ rescue quiet/ inst.rescue quiet/" \
    -e 's/^timeout 600$/timeout 20/; s/^set timeout=60$/set timeout=2/' \
    "$LAB/el7/$(basename "$menu")" > "$TREE/$menu"
  # A label that sed left would make the test prove nothing.
  if grep CentOS "$TREE/$menu" >&2; then exit 1; fi
done
cp "$TREE/EFI/BOOT/grub.cfg" "$TREE/EFI/BOOT/BOOT.conf"
printf '%s\n%s\nx86_64\n' "$stamp" "$version" > "$TREE/.discinfo"
comps "$OUT/el$release/comps.xml" bash coreutils systemd kernel dracut grub2 device-mapper-libs
# A repository of its own below TREE: NAME, its packages, and what createrepo_c gets besides.
repository() {
  local name=$1 packages=$2; shift 2
  mkdir -p "$TREE/$name/Packages"
  find "$packages" -name '*.rpm' -exec cp {} "$TREE/$name/Packages/" \;
  createrepo_c -q --checksum sha256 --general-compress-type gz --no-database --revision "${stamp%.*}" \
    --set-timestamp-to-revision "$@" "$TREE/$name"
}
repository BaseOS "$OUT/el7/base-rpms" -g "$OUT/el$release/comps.xml"
repository AppStream "$OUT/el7/addon-rpms"
stamped; efiboot BOOTX64.EFI grub.cfg BOOT.conf
{
  printf '[general]\nname = %s\nfamily = Rocky Linux\ntimestamp = %s\nvariant = BaseOS\nvariants = AppStream,BaseOS\nversion = %s\n' \
    "$title" "${stamp%.*}" "$version"
  printf 'packagedir = BaseOS/Packages\nrepository = BaseOS\narch = x86_64\nplatforms = x86_64,xen\n\n[stage2]\nmainimage = images/install.img\n\n'
  printf '[images-x86_64]\nkernel = images/pxeboot/vmlinuz\ninitrd = images/pxeboot/initrd.img\n\n'
  for name in AppStream BaseOS; do
    printf '[variant-%s]\nid = %s\nname = %s\npackages = %s/Packages\nrepository = %s\ntype = variant\nuid = %s\n\n' \
      $name $name $name $name $name $name
  done
  printf '[checksums]\n'
  cd "$TREE"
  for f in images/pxeboot/initrd.img images/pxeboot/vmlinuz images/install.img images/efiboot.img BaseOS/repodata/repomd.xml; do
    echo "$f = sha256:$(sha256sum < "$f" | cut -d' ' -f1)"
  done
} > "$TREE/.treeinfo"
write_iso "$OUT/el$release/base.iso" "$volid" hybrid
