#!/bin/bash
# kernel.sh OUT - Debian's cloud kernel stands in for the distribution's: OUT/kernel/{vmlinuz,version,root}.
# KERNEL_DEB=FILE uses a package that is already here. Nothing is installed: the package is only unpacked.
. "$(dirname "$0")/../lab.sh"
outdir "${1:-}"; need apt-get apt-cache dpkg
mkdir -p "$OUT/kernel"; cd "$OUT/kernel"
[ -z "${KERNEL_DEB:-}" ] || cp "$KERNEL_DEB" .
have() { compgen -G 'linux-image-*.deb' >/dev/null; }
if ! have; then
  # Debian's name first, then Ubuntu's: both are small kernels with IDE, SCSI disk and ISO 9660 as modules or built in.
  for meta in linux-image-cloud-amd64 linux-image-virtual; do
    package=$(apt-cache depends "$meta" 2>/dev/null | awk '/Depends: linux-image-[0-9]/{print $2; exit}')
    [ -n "$package" ] && apt-get -qq download "$package" 2>/dev/null && break
  done
  # Ubuntu keeps the modules in a package of their own.
  case ${package:-} in linux-image-*-generic) apt-get -qq download "${package/image/modules}" 2>/dev/null || true;; esac
fi
have || { echo "no kernel package could be fetched; name one in KERNEL_DEB" >&2; exit 2; }
rm -rf root; for deb in ./*.deb; do dpkg -x "$deb" root; done
cp root/boot/vmlinuz-* vmlinuz; chmod 644 vmlinuz; ls root/lib/modules > version
echo "kernel $(cat version)"
