#!/bin/bash
# archive.sh OUT - fetches what an installation of Debian 12 takes: OUT/netboot (kernel, initrd), OUT/base (the packages of a
# small system with kernel and GRUB), OUT/added (what a master target has beside it), OUT/udebs (the installer's own parts).
# apt compares all of it with Debian's signature. A part of the installer that the archive at hand does not serve is made from
# Debian's packages or sources when they are the same files, else by stand-ins.sh; OUT/udebs.list says which is which.
. "$(dirname "$0")/../lab.sh"
outdir "${1:-}"
need apt-get dpkg-deb dpkg-scanpackages tar
MIRROR=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -r "$keyring" ] || { echo "missing: $keyring (package debian-archive-keyring)" >&2; exit 2; }

# What debootstrap takes beside the packages of priority required, of those of priority important: enough for a system that
# starts, with a network. The rest of them would be unpacked for nothing.
important=(usr-is-merged adduser apt cpio debconf-i18n debian-archive-keyring gpgv ifupdown init iproute2 iputils-ping kmod less netbase procps
  readline-common sensible-utils systemd systemd-sysv udev whiptail)
kernel=(locales busybox linux-image-amd64 initramfs-tools zstd grub-pc)
added=(openssh-server multipath-tools lsscsi lvm2 kpartx)
# Whole, and then what is made from other packages, and what may have to be stood in for.
real=(partman-base partman-auto base-installer bootstrap-base pkgsel)
modules=(ata-modules sata-modules scsi-modules cdrom-core-modules isofs-modules ext4-modules)
made=(libparted2-udeb libparted-fs-resize0-udeb libdevmapper1.02.1-udeb e2fsprogs-udeb debootstrap-udeb user-setup-udeb
  apt-setup-udeb apt-mirror-setup apt-cdrom-setup)
stood_in=(di-utils-mapdevfs disk-detect cdrom-detect partman-utils partman-partitioning partman-basicmethods
  partman-basicfilesystems partman-ext3 partman-target tzsetup-udeb clock-setup grub-installer finish-install)

# An apt of its own, that knows of nothing installed.
mkdir -p "$OUT"/apt/{lists/partial,cache/archives/partial} "$OUT"/{netboot,base,added,udebs,parts}
: > "$OUT/apt/status"
printf 'deb [arch=amd64 signed-by=%s] %s bookworm main main/debian-installer\ndeb-src [signed-by=%s] %s bookworm main\n' \
  "$keyring" "$MIRROR" "$keyring" "$MIRROR" > "$OUT/apt/sources.list"
APT=(-q=2 -o "Dir::State=$OUT/apt" -o "Dir::State::status=$OUT/apt/status" -o "Dir::State::Lists=$OUT/apt/lists" -o "Dir::Cache=$OUT/apt/cache"
  -o "Dir::Etc::SourceList=$OUT/apt/sources.list" -o Dir::Etc::SourceParts=/dev/null -o Dir::Etc::Preferences=/dev/null
  -o Dir::Etc::PreferencesParts=/dev/null -o APT::Install-Recommends=0 -o APT::Architecture=amd64 -o APT::Architectures=amd64
  -o APT::Sandbox::User=root -o Acquire::Languages=none)
apt-get "${APT[@]}" update

# download DIR PACKAGE...
download() { (cd "$1" && shift && apt-get "${APT[@]}" download "$@"); }
# closure PACKAGE...: the names of what they need, and they.
closure() { apt-get "${APT[@]}" -s -y --no-remove install "$@" | sed -n 's/^Inst \([^ ]*\) .*/\1/p' | sort -u; }

list=$(find "$OUT/apt/lists" -name '*_main_binary-amd64_Packages*' | head -n 1)
mapfile -t required < <(apt-get indextargets "${APT[@]}" --format '$(FILENAME)' 'MetaKey: main/binary-amd64/Packages' | head -n 1 |
  xargs /usr/lib/apt/apt-helper cat-file | awk '/^Package: /{name=$2} /^Priority: required/{print name}')
[ ${#required[@]} -gt 20 ] || { echo "no packages of priority required in $list" >&2; exit 1; }
mapfile -t base < <(closure "${required[@]}" "${important[@]}" "${kernel[@]}")
mapfile -t all < <(closure "${required[@]}" "${important[@]}" "${kernel[@]}" "${added[@]}")
mapfile -t beside < <(comm -13 <(printf '%s\n' "${base[@]}") <(printf '%s\n' "${all[@]}"))
download "$OUT/base" "${base[@]}"
download "$OUT/added" "${beside[@]}"
# debootstrap takes names without an epoch.
for package in "$OUT"/{base,added}/*%3a*.deb; do [ ! -e "$package" ] || mv "$package" "${package/_*%3a/_}"; done

download "$OUT/parts" debian-installer-12-netboot-amd64
image=usr/lib/debian-installer/images/12/amd64/text/debian-installer/amd64
dpkg-deb --fsys-tarfile "$OUT"/parts/debian-installer-12-netboot-amd64_*.deb | tar -x -C "$OUT/parts" "./$image"
cp "$OUT/parts/$image/linux" "$OUT/netboot/vmlinuz"
cp "$OUT/parts/$image/initrd.gz" "$OUT/netboot/initrd.gz"
release=$(zcat "$OUT/netboot/initrd.gz" | cpio -t --quiet 2> /dev/null | sed -n 's#^lib/modules/\([^/]*\)/kernel$#\1#p' | head -n 1)

# part NAME VERSION FIELD...: an udeb of the tree $OUT/parts/NAME.
part() {
  local name=$1 version=$2 tree=$OUT/parts/$1
  shift 2
  mkdir -p "$tree/DEBIAN"
  { printf 'Package: %s\nVersion: %s\nArchitecture: amd64\nMaintainer: the lab\nSection: debian-installer\n' "$name" "$version"
    printf '%s\n' "$@" "Description: $name, from Debian's other packages"; } > "$tree/DEBIAN/control"
  dpkg-deb -Zgzip --root-owner-group -b "$tree" "$OUT/udebs/${name}_${version#*:}_amd64.udeb" > /dev/null
}
# unpack NAME DEB...: the files of packages, without their documentation.
unpack() {
  local tree=$OUT/parts/$1 deb
  shift; mkdir -p "$tree"
  for deb in "$@"; do
    compgen -G "$OUT/parts/${deb}_*.deb" > /dev/null || download "$OUT/parts" "$deb"
    dpkg-deb -x "$OUT"/parts/"${deb}"_*.deb "$tree"
  done
  rm -rf "$tree"/usr/share/{doc,man,lintian,locale,bug,initramfs-tools}
}
source_of() { # NAME: unpacks its source and prints where
  (cd "$OUT/parts" && apt-get "${APT[@]}" source --download-only "$1" > /dev/null && mkdir -p "$1.src" &&
    tar --strip-components=1 -C "$1.src" -xf "$1"_*.tar.*z)
  echo "$OUT/parts/$1.src"
}
# question files of a source, without their translations
english() { sed -e '/^#/d' -e 's/^_\(.*\):/\1:/' -e 's/^_*\(Description\|Choices\)/\1/' "$@"; }

make_libparted2_udeb() { unpack "$1" libparted2; part "$1" 3.5 'Priority: optional' 'Depends: libdevmapper1.02.1-udeb'; }
make_libparted_fs_resize0_udeb() { unpack "$1" libparted-fs-resize0; part "$1" 3.5 'Priority: optional'; }
make_libdevmapper1_02_1_udeb() { unpack "$1" libdevmapper1.02.1; part "$1" 2:1.02.185 'Priority: optional'; }
make_e2fsprogs_udeb() {
  unpack "$1" e2fsprogs libext2fs2 libcom-err2
  # Only what makes and checks file systems.
  find "$OUT/parts/$1" -path '*bin/*' ! -name 'mke2fs' ! -name 'mkfs.ext*' ! -name 'e2fsck' -delete
  part "$1" 1.47.0 'Priority: optional'
}
make_debootstrap_udeb() {
  unpack "$1" debootstrap
  find "$OUT/parts/$1/usr/share/debootstrap/scripts" \( -type f -o -type l \) ! -name 'debian-common' ! -name sid ! -name bookworm -delete
  part "$1" 1.0.128 'Priority: optional' 'Depends: mounted-partitions'
}
make_user_setup_udeb() {
  unpack "$1" user-setup
  local tree=$OUT/parts/$1
  mkdir -p "$tree/DEBIAN" "$tree/usr/lib/finish-install.d"
  # Without the translations: a field of one goes on in lines that begin with a blank.
  dpkg-deb -I "$OUT"/parts/user-setup_*.deb templates |
    awk '/^[^ ]/ {drop = /^[A-Za-z]+-[^ :]*:/} /^$/ {drop = 0} !drop' > "$tree/DEBIAN/templates"
  printf '#!/bin/sh\nexec /usr/lib/user-setup/user-setup-ask\n' > "$tree/DEBIAN/postinst"
  printf '#!/bin/sh\nexec /usr/lib/user-setup/user-setup-apply /target\n' > "$tree/usr/lib/finish-install.d/06user-setup"
  chmod 755 "$tree/DEBIAN/postinst" "$tree/usr/lib/finish-install.d/06user-setup"
  part "$1" 1.95 'Priority: standard' 'Installer-Menu-Item: 2400'
}
make_apt_setup() { # NAME FIELD...: as debian/NAME.install says
  local source tree=$OUT/parts/$1 from to name=$1
  source=$(source_of apt-setup); shift
  mkdir -p "$tree/DEBIAN"
  while read -r from to; do mkdir -p "$tree/$to"; cp -r "$source/$from" "$tree/$to/"; done < "$source/debian/$name.install"
  english "$source/debian/$name.templates" | sed 's/@MULTIARCH@//' > "$tree/DEBIAN/templates"
  [ ! -f "$source/debian/$name.postinst" ] || install -m 755 "$source/debian/$name.postinst" "$tree/DEBIAN/postinst"
  find "$tree/usr" -type f -exec chmod 755 {} +
  part "$name" 1:0.182 "$@"
}
make_apt_setup_udeb() { make_apt_setup "$1" 'Priority: standard' 'Installer-Menu-Item: 7000' 'Depends: apt-mirror-setup, installed-base'; }
make_apt_mirror_setup() { make_apt_setup "$1" 'Priority: standard'; }
make_apt_cdrom_setup() { make_apt_setup "$1" 'Priority: standard' 'Depends: cdrom-detect'; }

served() { download "$OUT/udebs" "$1" 2> /dev/null && compgen -G "$OUT/udebs/${1}_*.udeb" > /dev/null; }
: > "$OUT/udebs.list"
for name in "${real[@]}" "${modules[@]/%/-$release-di}"; do
  served "$name" || { echo "the archive does not serve $name" >&2; exit 1; }
  echo "$name from the archive" >> "$OUT/udebs.list"
done
for name in "${made[@]}"; do
  if served "$name"; then echo "$name from the archive" >> "$OUT/udebs.list"
  else function=make_${name//[-.]/_}; "$function" "$name"; echo "$name made of Debian's packages or sources" >> "$OUT/udebs.list"; fi
done
missing=()
for name in "${stood_in[@]}"; do
  if served "$name"; then echo "$name from the archive" >> "$OUT/udebs.list"
  else missing+=("$name"); echo "$name STAND-IN" >> "$OUT/udebs.list"; fi
done
[ ${#missing[@]} = 0 ] || "$LAB/debian/stand-ins.sh" "$OUT/udebs" "${missing[@]}"
rm -rf "$OUT/parts"
echo "$(find "$OUT/base" -name '*.deb' | wc -l) packages of the base system, $(find "$OUT/added" -name '*.deb' | wc -l) beside it, $(find "$OUT/udebs" -name '*.udeb' | wc -l) parts of the installer:"
sed 's/^/  /' "$OUT/udebs.list"
