#!/bin/bash
# stand-ins.sh OUT NAME... - writes the named parts of debian-installer as udebs into OUT, for those that no archive at hand
# serves. Each does what an unattended installation of one disk on BIOS asks of that part, and nothing else: it reads the
# same answers of the preseed and is called by the real installer where the real part would be. The preseed keys that
# only they read are therefore not proven; docs/assurance.md names them.
. "$(dirname "$0")/../lab.sh"
outdir "${1:-}"; shift
need dpkg-deb
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT

# file PATH [MODE]: what is on standard input, in the udeb that is being made.
file() { mkdir -p "$tree/$(dirname "$1")"; cat > "$tree/$1"; chmod "${2:-644}" "$tree/$1"; }
script() { file "$1" 755; }
# control FIELD...: the control file beside name and version; then the udeb is built.
begin() { name=$1 tree=$T/$1; mkdir -p "$tree/DEBIAN"; }
control() {
  { printf 'Package: %s\nVersion: 9999\nArchitecture: all\nMaintainer: the lab\nSection: debian-installer\n' "$name"
    printf '%s\n' "$@"
    printf 'Description: stand-in for %s\n' "$name"; } > "$tree/DEBIAN/control"
  dpkg-deb -Zgzip --root-owner-group -b "$tree" "$OUT/${name}_9999_all.udeb" > /dev/null
}
question() { # NAME TYPE DEFAULT
  printf 'Template: %s\nType: %s\n%sDescription: %s\n\n' "$1" "$2" "${3:+Default: $3
}" "$1" >> "$tree/DEBIAN/templates"
}

stand_in_for_di_utils_mapdevfs() {
  script usr/bin/mapdevfs << 'END'
#!/bin/sh
[ -n "$1" ] && readlink -f "$1"
END
  control 'Priority: optional'
}

stand_in_for_disk_detect() {
  script DEBIAN/postinst << 'END'
#!/bin/sh
depmod -a
for module in sd_mod sr_mod isofs ext4; do modprobe -q $module; done
update-dev
END
  control 'Priority: standard' 'Installer-Menu-Item: 3500' 'Provides: harddrive-detection' 'Depends: di-utils'
  }

# On a CD its own kernel modules are in the first RAM disk, and it runs before anything is fetched.
stand_in_for_cdrom_detect() {
  question cdrom/codename string ''
  question cdrom/suite string ''
  question cdrom-detect/cdrom_device string ''
  question cdrom-detect/cdrom_fs string iso9660
  question cdrom-detect/hybrid boolean false
  question cdrom-detect/usb-hdd boolean false
  question cdrom-detect/eject boolean true
  script DEBIAN/postinst << 'END'
#!/bin/sh
. /usr/share/debconf/confmodule
mkdir -p /cdrom
for drive in /dev/sr*; do
  mount -t iso9660 -o ro,exec "$drive" /cdrom || continue
  if [ -f /cdrom/.disk/info ]; then
    release=$(ls -d /cdrom/dists/*/Release | head -n 1)
    db_set cdrom-detect/cdrom_device "$drive"
    db_set cdrom/codename "$(sed -n 's/^Codename: //p' "$release")"
    db_set cdrom/suite "$(sed -n 's/^Suite: //p' "$release")"
    exit 0
  fi
  umount /cdrom
done
exit 1
END
  control 'Priority: standard' 'Installer-Menu-Item: 3600' 'Depends: harddrive-detection'
}

stand_in_for_partman_utils() {
  script bin/parted_devices << 'END'
#!/bin/sh
for block in /sys/block/sd*; do
  [ -d "$block" ] || continue
  [ "$(cat "$block/ro")" = 0 ] || continue
  model=$(sed 's/ *$//' "$block/device/model" 2> /dev/null)
  printf '%s\t%s\t%s\t\n' "/dev/${block##*/}" "$(($(cat "$block/size") * 512))" "$model"
done
END
  control 'Priority: standard'
}

stand_in_for_partman_partitioning() {
  question partman-partitioning/confirm_write_new_label boolean false
  script lib/partman/lib/disk-label.sh << 'END'
prepare_new_labels() {
  db_input critical partman-partitioning/confirm_write_new_label || true
  db_go || return 1
  db_get partman-partitioning/confirm_write_new_label
  [ "$RET" = true ]
}

create_new_label() {
  cd "$1" || return 1
  open_dialog NEW_LABEL msdos
  close_dialog
  rm -rf ./[0-9]*-[0-9]*
}
END
  control 'Priority: standard'
}

stand_in_for_partman_basicmethods() { control 'Priority: standard' 'Provides: partman-method'; }
stand_in_for_partman_ext3() { control 'Priority: standard' 'Depends: partman-basicfilesystems'; }

stand_in_for_partman_basicfilesystems() {
  file lib/partman/lib/lab.sh << 'END'
# each_partition COMMAND: calls it with the directory of each partition and its device.
each_partition() {
  for dev in $DEVICES/*; do
    [ -d "$dev" ] || continue
    cd "$dev"
    partitions=
    open_dialog PARTITIONS
    while { read_line num id size type fs path name; [ "$id" ]; }; do
      [ "$fs" = free ] || partitions="$partitions $id,$path"
    done
    close_dialog
    for partition in $partitions; do
      "$1" "$dev/${partition%%,*}" "${partition#*,}" || exit 1
    done
  done
}
END
  script lib/partman/commit.d/50format << 'END'
#!/bin/sh
. /lib/partman/lib/base.sh
. /lib/partman/lib/lab.sh

format() {
  [ -f "$1/method" ] && [ -f "$1/format" ] || return 0
  label=$(cat "$1/label" 2> /dev/null)
  case $(cat "$1/method") in
    swap) log-output -t partman mkswap "$2" ;;
    format) log-output -t partman "mkfs.$(cat "$1/filesystem")" -q -F ${label:+-L "$label"} "$2" ;;
  esac
}
each_partition format
END
  control 'Priority: standard' 'Provides: partman-filesystem' \
    'Depends: e2fsprogs-udeb, ext4-modules'
}

stand_in_for_partman_target() {
  question partman/mount_style select traditional
  printf 'Template: partman/mount_style\nType: select\nChoices: traditional, label, uuid\nDefault: traditional\nDescription: style\n\n' > "$tree/DEBIAN/templates"
  script lib/partman/finish.d/30target << 'END'
#!/bin/sh
. /lib/partman/lib/base.sh
. /lib/partman/lib/lab.sh

list=/tmp/lab-mounts
: > "$list"
note() {
  case $(cat "$1/method" 2> /dev/null) in
    swap) echo "none $2 swap" >> "$list" ;;
    format) [ ! -s "$1/mountpoint" ] || echo "$(cat "$1/mountpoint") $2 $(cat "$1/filesystem")" >> "$list" ;;
  esac
}
each_partition note
db_get partman/mount_style
style=$RET

mkdir -p /target
sort "$list" > "$list.sorted"
fstab=/tmp/lab-fstab
echo '# /etc/fstab, written by a stand-in for partman-target' > "$fstab"
while read -r at device fs; do
  name=$device pass=2 options=defaults
  if [ "$style" = uuid ]; then name=UUID=$(block-attr --uuid "$device"); fi
  if [ "$at" = / ]; then pass=1 options=errors=remount-ro; fi
  if [ "$fs" = swap ]; then
    swapon "$device" || exit 1
    pass=0 options=sw
  else
    mkdir -p "/target$at"
    mount -t "$fs" "$device" "/target${at%/}" || exit 1
  fi
  printf '%s\t%s\t%s\t%s\t0\t%s\n' "$name" "$at" "$fs" "$options" "$pass" >> "$fstab"
done < "$list.sorted"
printf '/dev/sr0\t/media/cdrom0\tudf,iso9660\tuser,noauto\t0\t0\n' >> "$fstab"
mkdir -p /target/etc /target/media/cdrom0
ln -sf cdrom0 /target/media/cdrom
cp "$fstab" /target/etc/fstab
END
  control 'Priority: standard' 'Depends: partman-basicfilesystems, partman-basicmethods'
}

stand_in_for_tzsetup_udeb() {
  question time/zone string Etc/UTC
  script usr/lib/post-base-installer.d/70timezone << 'END'
#!/bin/sh
. /usr/share/debconf/confmodule
db_get time/zone
echo "$RET" > /target/etc/timezone
ln -sf "/usr/share/zoneinfo/$RET" /target/etc/localtime
END
  control 'Priority: standard'
}

stand_in_for_clock_setup() {
  question clock-setup/utc boolean true
  script usr/lib/finish-install.d/10clock << 'END'
#!/bin/sh
. /usr/share/debconf/confmodule
db_get clock-setup/utc
if [ "$RET" = true ]; then kind=UTC; else kind=LOCAL; fi
printf '0.0 0 0.0\n0\n%s\n' "$kind" > /target/etc/adjtime
END
  control 'Priority: standard' 'Depends: tzsetup-udeb'
}

# grub-pc asks debconf, and would find the installer's.
stand_in_for_grub_installer() {
  question grub-installer/bootdev string ''
  question grub-installer/only_debian boolean true
  question grub-installer/with_other_os boolean true
  question debian-installer/add-kernel-opts string ''
  script DEBIAN/postinst << 'END'
#!/bin/sh
. /usr/share/debconf/confmodule
db_get grub-installer/bootdev
disk=$RET
db_get debian-installer/add-kernel-opts
arguments=$RET
inside() {
  log-output -t grub-installer env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C DEBIAN_FRONTEND=noninteractive \
    chroot /target "$@" < /dev/null
}
for directory in proc sys; do mount --bind /$directory /target/$directory; done
grep -q ' /target/dev ' /proc/mounts || mount --bind /dev /target/dev
code=1
if inside apt-get -q -y --no-install-recommends install grub-pc; then
  sed -i -e 's/^GRUB_TIMEOUT=.*/GRUB_TIMEOUT=1/' -e "s|^GRUB_CMDLINE_LINUX=.*|GRUB_CMDLINE_LINUX=\"$arguments\"|" /target/etc/default/grub
  inside grub-install "$disk" && inside update-grub && code=0
fi
for directory in sys proc; do umount /target/$directory; done
exit $code
END
  control 'Priority: standard' 'Installer-Menu-Item: 7400' 'Provides: bootable-system' 'Depends: kernel-installer'
}

stand_in_for_finish_install() {
  question finish-install/reboot_in_progress note ''
  question debian-installer/exit/poweroff boolean false
  script DEBIAN/postinst << 'END'
#!/bin/sh
. /usr/share/debconf/confmodule
for part in /usr/lib/finish-install.d/*; do
  [ -x "$part" ] || continue
  log-output -t finish-install "$part" || logger -t finish-install "warning: $part returned error code $?"
done
db_input critical finish-install/reboot_in_progress || true
db_go || true
db_get debian-installer/exit/poweroff
how=reboot
if [ "$RET" = true ]; then how=poweroff; fi
echo "installation is finished: $how" > /dev/console
cd /
swapoff -a
sync
for mounted in $(cut -d' ' -f2 /proc/mounts | grep '^/target' | sort -r); do
  umount "$mounted" || { mount -o remount,ro "$mounted"; umount -l "$mounted"; }
done
sync
$how -f
END
  control 'Priority: standard' 'Installer-Menu-Item: 7800' 'Depends: installed-base, bootable-system'
}

for wanted in "$@"; do
  begin "$wanted"
  "stand_in_for_${wanted//-/_}"
done
