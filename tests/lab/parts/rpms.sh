#!/bin/bash
# rpms.sh OUT el6|el7 - stand-in packages in OUT/ELx/{base,addon}-rpms: real names and dependencies, one marker file each.
# They prove names, versions, digests, repodata and `rpm --root`; they prove nothing about the real programs.
. "$(dirname "$0")/../lab.sh"
outdir "${1:-}"; el=${2:-}; need rpmbuild
case $el in el6|el7) ;; *) echo "el6 or el7?" >&2; exit 2;; esac
dest=$OUT/$el; top=$OUT/$el/rpmbuild
rm -rf "$top" "$dest"/{base,addon}-rpms; mkdir -p "$top"/{SPECS,BUILD,RPMS} "$dest"/{base,addon}-rpms

# rpm 4.8 of el6 reads SHA-256 file digests (algorithm 8) and gzip or xz payloads, not zstd.
package() { # base|addon name version release arch provides requires
  local marker=/usr/share/standin/$2 spec=$top/SPECS/$2.spec
  {
    printf 'Name: %s\nVersion: %s\nRelease: %s\nSummary: stand-in for %s\n' "$2" "$3" "$4" "$2"
    printf 'License: Public Domain\nAutoReqProv: no\n'
    [ "$5" = noarch ] && echo 'BuildArch: noarch'
    [ -z "$6" ] || echo "Provides: $6"
    [ -z "$7" ] || echo "Requires: $7"
    printf '%%description\nStand-in package of the lab.\n'
    printf '%%install\nmkdir -p %%{buildroot}/usr/share/standin\necho %s > %%{buildroot}%s\n' "$2-$3-$4" "$marker"
    printf '%%files\n%s\n' "$marker"
  } > "$spec"
  rpmbuild --quiet -bb --target "$5" --define "_topdir $top" --define '_binary_payload w9.gzdio' \
    --define '_source_filedigest_algorithm 8' --define '_binary_filedigest_algorithm 8' --define '_build_id_links none' \
    --define 'debug_package %{nil}' --define '_buildhost lab' --define 'use_source_date_epoch_as_buildtime 1' \
    --define 'clamp_mtime_to_source_date_epoch 1' "$spec" > "$top/log" 2>&1 || { cat "$top/log" >&2; exit 1; }
  mv "$top"/RPMS/*/"$2-$3-$4.$5.rpm" "$dest/$1-rpms/"
}

# where|name|version|release|arch|provides|requires: base is on the medium; addon is what the master target needs besides.
# The el6 versions are the fifteen packages Microsoft's page lists as missing from a fresh 6.6 minimal, with elrepo's two; those
# of open-vm-tools are invented.
el6() { cat <<'L'
base|glibc|2.12|1.149.el6|x86_64|libc.so.6()(64bit) rtld(GNU_HASH)|
base|bash|4.1.2|29.el6|x86_64|/bin/sh /bin/bash|glibc
base|coreutils|8.4|37.el6|x86_64||bash
base|kernel|2.6.32|504.el6|x86_64|kernel-x86_64|bash
base|device-mapper-libs|1.02.90|2.el6|x86_64|libdevmapper.so.1.02()(64bit)|glibc
base|libaio|0.3.107|10.el6|x86_64|libaio.so.1()(64bit)|glibc
base|dracut|004|356.el6|noarch||bash
base|grub|0.97|93.el6|x86_64||bash
addon|xfsprogs|3.1.1|16.el6|x86_64||glibc
addon|perl|5.10.1|136.el6|x86_64|/usr/bin/perl perl(:MODULE_COMPAT_5.10.1)|perl-libs perl-Module-Pluggable perl-Pod-Simple perl-version
addon|perl-libs|5.10.1|136.el6|x86_64|libperl.so()(64bit)|glibc
addon|perl-Module-Pluggable|3.90|136.el6|x86_64||perl
addon|perl-Pod-Simple|3.13|136.el6|x86_64||perl-Pod-Escapes
addon|perl-Pod-Escapes|1.04|136.el6|x86_64||perl
addon|perl-version|0.77|136.el6|x86_64||perl
addon|lsscsi|0.23|2.el6|x86_64||glibc
addon|rsync|3.0.6|12.el6|x86_64||glibc
addon|wget|1.12|5.el6|x86_64||glibc
addon|kexec-tools|2.0.0|280.el6|x86_64||dracut busybox bc snappy lzo elfutils-libs
addon|busybox|1.15.1|20.el6|x86_64||glibc
addon|bc|1.06.95|1.el6|x86_64||glibc
addon|elfutils-libs|0.158|3.2.el6|x86_64||glibc
addon|lzo|2.03|3.1.el6_5.1|x86_64||glibc
addon|snappy|1.1.0|1.el6|x86_64||glibc
addon|device-mapper-multipath|0.4.9|80.el6|x86_64||device-mapper-multipath-libs device-mapper-libs
addon|device-mapper-multipath-libs|0.4.9|80.el6|x86_64||libaio
addon|open-vm-tools|9.10.2|1.el6|x86_64||glibc
addon|kmod-reiserfs|0.0|1.el6.elrepo|x86_64|reiserfs-kmod = 0.0-1.el6.elrepo|kernel
addon|reiserfs-utils|3.6.21|1.el6.elrepo|x86_64|reiserfs-progs|glibc
L
}
# Versions of 7.x from memory: only the names matter to what the lab proves.
el7() { cat <<'L'
base|glibc|2.17|222.el7|x86_64|libc.so.6()(64bit) rtld(GNU_HASH)|
base|bash|4.2.46|30.el7|x86_64|/bin/sh /bin/bash|glibc
base|coreutils|8.22|21.el7|x86_64||bash
base|systemd|219|57.el7|x86_64||bash
base|kernel|3.10.0|862.el7|x86_64|kernel-x86_64|bash
base|device-mapper-libs|1.02.146|4.el7|x86_64|libdevmapper.so.1.02()(64bit)|glibc
base|libaio|0.3.109|13.el7|x86_64|libaio.so.1()(64bit)|glibc
base|dracut|033|535.el7|x86_64||bash
base|grub2|2.02|0.65.el7.centos|x86_64||bash
base|xfsprogs|4.5.0|15.el7|x86_64||glibc
base|kexec-tools|2.0.15|13.el7|x86_64||dracut
addon|perl|5.16.3|292.el7|x86_64|/usr/bin/perl|glibc
addon|lsscsi|0.27|6.el7|x86_64||glibc
addon|rsync|3.1.2|4.el7|x86_64||glibc
addon|wget|1.14|15.el7|x86_64||glibc
addon|lvm2|2.02.177|4.el7|x86_64||glibc
addon|iprutils|2.4.15.1|1.el7|x86_64||glibc
addon|python2-pyasn1|0.1.9|7.el7|noarch||glibc
addon|kpartx|0.4.9|119.el7|x86_64||device-mapper-libs
addon|device-mapper-multipath|0.4.9|119.el7|x86_64||device-mapper-multipath-libs kpartx
addon|device-mapper-multipath-libs|0.4.9|119.el7|x86_64||libaio
addon|open-vm-tools|10.1.5|3.el7|x86_64||glibc
addon|kmod-reiserfs|0.0|2.el7.elrepo|x86_64|reiserfs-kmod = 0.0-2.el7.elrepo|kernel
addon|reiserfs-utils|3.6.25|1.el7.elrepo|x86_64|reiserfs-progs|glibc
L
}
while IFS='|' read -r where name version release arch provides requires; do
  package "$where" "$name" "$version" "$release" "$arch" "$provides" "$requires"
done < <("$el")
rm -rf "$top"
count() { find "$dest/$1-rpms" -name '*.rpm' | wc -l; }
echo "$el packages: $(count base) base, $(count addon) add-on"
