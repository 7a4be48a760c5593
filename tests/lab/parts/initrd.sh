#!/bin/bash
# initrd.sh OUT - OUT/initrd.img: busybox, the drivers of a CD drive and a disk, and loader/init.
. "$(dirname "$0")/../lab.sh"
outdir "${1:-}"; need cpio busybox file
version=$(cat "$OUT/kernel/version"); tree=$OUT/initrd
rm -rf "$tree"; mkdir -p "$tree"/{bin,dev,proc,sys,tmp,mods,mnt/source,mnt/preflight,run/install/repo}
file -L "$(command -v busybox)" | grep -q 'statically linked' || { echo "busybox-static is needed" >&2; exit 2; }
cp "$(command -v busybox)" "$tree/bin/busybox"
# In load order. The cloud kernel has neither AHCI nor USB, so boot.sh attaches IDE (PIIX) drives.
for module in virtio virtio_ring virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci scsi_common scsi_mod cdrom \
              libata ata_piix virtio_scsi sd_mod sr_mod isofs; do
  found=$(find "$OUT/kernel/root/lib/modules/$version" \( -name "$module.ko*" -o -name "${module//_/-}.ko*" \) | head -1)
  case $found in
    '') continue;;                                     # built in, or not there
    *.zst) zstd -qdc "$found" > "$tree/mods/$module.ko";;
    *.xz) xz -dc "$found" > "$tree/mods/$module.ko";;
    *) cp "$found" "$tree/mods/$module.ko";;
  esac
  echo "$module"
done > "$tree/mods/order"
cp "$LAB/parts/loader/init" "$tree/init"; chmod 755 "$tree/init"
find "$tree" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
(cd "$tree" && find . -print0 | sort -z | cpio --null -o -H newc --quiet --reproducible) | gzip -9n > "$OUT/initrd.img"
echo "initrd $(stat -c %s "$OUT/initrd.img") bytes, $(wc -l < "$tree/mods/order") modules"
