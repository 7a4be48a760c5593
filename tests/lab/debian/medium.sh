#!/bin/bash
# medium.sh OUT - of what archive.sh fetched: OUT/base.iso, a medium in the shape of Debian 12's own, whose kernel, first RAM
# disk and packages are Debian's; OUT/mirror, from where its installer gets its own parts; OUT/sign.key, that signs the lists.
# The first RAM disk is Debian's with a second archive behind it, as whoever has an archive of his own makes it: the key of
# that archive, a script that gives it to the installed system, and one that writes the installer's log to the second port.
. "$(dirname "$0")/../lab.sh"
outdir "${1:-}"
need dpkg-scanpackages gpg xorriso cpio
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT
export GNUPGHOME=$T/gnupg; mkdir -m 700 "$GNUPGHOME"

# --- the archive's key
then=$(date -u -d "@$((SOURCE_DATE_EPOCH - 86400))" '+%Y%m%dT%H%M%S')
gpg --batch -q --faked-system-time "$then" --passphrase '' --quick-generate-key 'The lab <lab@example.test>' rsa3072 sign 0
(umask 077; gpg --batch -q --export-secret-keys > "$OUT/sign.key")
gpg --batch -q --export > "$OUT/archive.gpg"
gpgconf --homedir "$GNUPGHOME" --kill gpg-agent 2> /dev/null || true

# lists DIR FILE...: Release over those lists, signed twice: as net-retriever reads it, and as apt does.
lists() {
  local dir=$1 file
  shift
  { printf 'Origin: Debian\nLabel: Debian\nSuite: stable\nVersion: 12\nCodename: bookworm\nDate: %s\nArchitectures: all amd64\nComponents: main\nSHA256:\n' \
      "$(date -u -d "@$SOURCE_DATE_EPOCH" '+%a, %d %b %Y %H:%M:%S UTC')"
    for file in "$@"; do printf ' %s %s %s\n' "$(sha256sum < "$dir/$file" | cut -d' ' -f1)" "$(stat -c %s "$dir/$file")" "$file"; done
  } > "$dir/Release"
  gpg --batch -q --yes -a --detach-sign -o "$dir/Release.gpg" "$dir/Release"
  gpg --batch -q --yes --clearsign -o "$dir/InRelease" "$dir/Release"
}

# --- the installer's parts, over HTTP
mirror=$OUT/mirror/debian
rm -rf "$OUT/mirror"; mkdir -p "$mirror/dists/bookworm/main/debian-installer/binary-amd64" "$mirror/dists/bookworm/main/binary-amd64" "$mirror/pool"
cp "$OUT"/udebs/*.udeb "$mirror/pool/"
(cd "$mirror" && dpkg-scanpackages -t udeb -m pool 2> /dev/null) > "$mirror/dists/bookworm/main/debian-installer/binary-amd64/Packages"
printf 'Archive: stable\nComponent: main\nOrigin: Debian\nArchitecture: amd64\n' > "$mirror/dists/bookworm/main/binary-amd64/Release"
gzip -9nk "$mirror/dists/bookworm/main/debian-installer/binary-amd64/Packages"
lists "$mirror/dists/bookworm" main/debian-installer/binary-amd64/Packages.gz main/debian-installer/binary-amd64/Packages
ln -s bookworm "$mirror/dists/stable"

# --- the medium
tree=$T/tree
mkdir -p "$tree"/{.disk,isolinux,install.amd,pool,dists/bookworm/main/binary-amd64}
echo 'Debian GNU/Linux 12 "Bookworm" - the lab amd64 20141024' > "$tree/.disk/info"
echo main > "$tree/.disk/base_components"
echo full_cd/single > "$tree/.disk/cd_type"
: > "$tree/.disk/base_installable"
cp "$OUT"/base/*.deb "$tree/pool/"
(cd "$tree" && dpkg-scanpackages -m pool 2> /dev/null) > "$tree/dists/bookworm/main/binary-amd64/Packages"
gzip -9nk "$tree/dists/bookworm/main/binary-amd64/Packages"
printf 'Archive: stable\nComponent: main\nOrigin: Debian\nArchitecture: amd64\n' > "$tree/dists/bookworm/main/binary-amd64/Release"
lists "$tree/dists/bookworm" main/binary-amd64/Packages main/binary-amd64/Packages.gz main/binary-amd64/Release
ln -s bookworm "$tree/dists/stable"

more=$T/more
mkdir -p "$more"/usr/share/keyrings "$more"/usr/lib/base-installer.d "$more"/lib/debian-installer-startup.d
cp "$OUT/archive.gpg" "$more/usr/share/keyrings/archive.gpg"
cat > "$more/usr/lib/base-installer.d/30archive-key" << 'END'
#!/bin/sh
cp /usr/share/keyrings/archive.gpg /target/etc/apt/trusted.gpg.d/lab.gpg
# An emulated processor compresses slowly.
mkdir -p /target/etc/initramfs-tools/conf.d
echo COMPRESSLEVEL=1 > /target/etc/initramfs-tools/conf.d/lab
END
cat > "$more/lib/debian-installer-startup.d/S11log" << 'END'
(tail -n +1 -f /var/log/syslog > /dev/ttyS1 2> /dev/null < /dev/null &)
END
chmod 755 "$more/usr/lib/base-installer.d/30archive-key"
cp "$OUT/netboot/vmlinuz" "$tree/install.amd/vmlinuz"
{ cat "$OUT/netboot/initrd.gz"; (cd "$more" && find . | sort | cpio -o -H newc --quiet | gzip -9n); } > "$tree/install.amd/initrd.gz"

cp /usr/lib/ISOLINUX/isolinux.bin "$tree/isolinux/"
cp /usr/lib/syslinux/modules/bios/{ldlinux,vesamenu,libcom32,libutil}.c32 "$tree/isolinux/"
cat > "$tree/isolinux/isolinux.cfg" << 'END'
# D-I config version 2.0
path 
include menu.cfg
default vesamenu.c32
prompt 0
timeout 0
END
printf 'menu title Installer boot menu\ninclude txt.cfg\n' > "$tree/isolinux/menu.cfg"
cat > "$tree/isolinux/txt.cfg" << 'END'
label install
	menu label ^Install
	kernel /install.amd/vmlinuz
	append vga=788 initrd=/install.amd/initrd.gz console=ttyS0,115200n8 DEBIAN_FRONTEND=text TERM=dumb mitigations=off no5lvl --- quiet
END
(cd "$tree" && find . -type f ! -name md5sum.txt ! -name isolinux.bin | sort | xargs md5sum) > "$T/md5sum.txt"
cp "$T/md5sum.txt" "$tree/md5sum.txt"
xorriso -as mkisofs -quiet -V 'Debian 12 lab' -r -J -joliet-long -b isolinux/isolinux.bin -c isolinux/boot.cat \
  -no-emul-boot -boot-load-size 4 -boot-info-table -isohybrid-mbr /usr/lib/ISOLINUX/isohdpfx.bin -o "$OUT/base.iso" "$tree"
echo "$(stat -c %s "$OUT/base.iso") bytes, $(find "$tree/pool" -name '*.deb' | wc -l) packages: $OUT/base.iso"
