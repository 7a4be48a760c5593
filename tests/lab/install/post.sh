#!/bin/bash
# post.sh OUT ISO [--ks-disc ISO] [--ks PATH] - install a kickstart's packages into a scratch root, OUT/sysimage, and run
# its %post scripts there, unmodified. Root only.
# In private mount and process namespaces, so that a stray reboot or kill cannot reach this machine: the medium where the
# installer mounts it (/mnt/source on el6, /run/install/repo on el7), a kickstart disc at /mnt/preflight, the root at
# /mnt/sysimage; packages by dnf from the discs' repositories only. The root gets a userland of bash and busybox;
# programs that start, stop or flush machines are stand-ins that write to /var/log/stub-calls. No real RPM scriptlets.
. "$(dirname "$0")/../lab.sh"
outdir "${1:-}"; iso=$(readlink -f "${2:-}"); shift 2
ksdisc='' ks=/ks.cfg
while [ $# -gt 0 ]; do
  case $1 in --ks-disc) ksdisc=$(readlink -f "$2"); shift 2;; --ks) ks=$2; shift 2;; *) exit 2;; esac
done
need unshare dnf rpm busybox createrepo_c xorriso
[ "$(id -u)" = 0 ] || { echo "must be root" >&2; exit 2; }
python_with_pykickstart || { echo "PREFLIGHT_PYTHON must name a Python with pykickstart" >&2; exit 2; }
if [ -z "${LAB_IN_NAMESPACE:-}" ]; then
  exec env LAB_IN_NAMESPACE=1 timeout 300 unshare -m --propagation private "$0" "$OUT" "$iso" ${ksdisc:+--ks-disc "$ksdisc"} --ks "$ks"
fi
case $OUT/ in /mnt/*) echo "$OUT: /mnt is hidden here, name another directory" >&2; exit 2;; esac
fail() { echo "POST RESULT FAIL: $*"; exit 1; }

# --- the discs. Where the kernel has no iso9660 they are extracted and bound.
disc() { # iso mount-point
  mkdir -p "$2"
  mount -o loop,ro "$1" "$2" 2>/dev/null && return
  local copy; copy=$OUT/disc-$(basename "$2"); rm -rf "$copy"
  xorriso -osirrox on -indev "$1" -extract / "$copy" > /dev/null 2>&1; mount --bind "$copy" "$2"
}
mount -t tmpfs lab /mnt          # what is below is made in the namespace only
disc "$iso" /mnt/medium
case $(sed -n 's/^version *= *//p' /mnt/medium/.treeinfo | head -1) in
  7*) el=7 source=/run/install/repo release='CentOS Linux release 7.5.1804 (Core)'; mkdir -p /run/install; mount -t tmpfs lab /run/install;;
  *) el=6 source=/mnt/source release='CentOS release 6.6 (Final)';;
esac
mkdir -p "$source"; mount --bind /mnt/medium "$source"; own=$source
[ -z "$ksdisc" ] || { own=/mnt/preflight; disc "$ksdisc" $own; }
R=$OUT/sysimage; rm -rf "$R" "$OUT/sections" "$OUT/basemd" "$OUT/dnfcache"; mkdir -p "$R" "$OUT/basemd" /mnt/sysimage
mount --bind "$R" /mnt/sysimage
"$PY" "$LAB/install/ks-sections.py" "RHEL$el" "$own$ks" "$OUT/sections"

# --- packages. The el6 medium's metadata says media://..., which only anaconda resolves: the same files indexed again.
group=$(find "$source/repodata" -name '*.xml' ! -name repomd.xml | head -1)
[ -n "$group" ] || { group=$OUT/comps.xml; gzip -dc "$source"/repodata/*comps*.xml.gz > "$group"; }
createrepo_c -q -o "$OUT/basemd" -u "file://$source/Packages/" -g "$group" "$source/Packages"
repos=(--repofrompath=base,"file://$OUT/basemd" --repo=base); n=0
for url in $(sed -n 's/^repo .*--baseurl="\{0,1\}\(file:[^ "]*\).*/\1/p' "$own$ks"); do
  n=$((n+1)); repos+=(--repofrompath="addon$n,$url" --repo="addon$n")
done
mapfile -t wanted < "$OUT/sections/packages.txt"
dnf -q -y --installroot="$R" --releasever=$el --setopt=reposdir=/dev/null --setopt=gpgcheck=0 --setopt=install_weak_deps=0 \
  --setopt=cachedir="$OUT/dnfcache" --setopt=zchunk=0 --forcearch=x86_64 "${repos[@]}" install "${wanted[@]}" > "$OUT/dnf.log" 2>&1 \
  || { tail -5 "$OUT/dnf.log"; fail "packages"; }
changed=$(rpm --root "$R" -Va 2>&1 | grep -vc '^$' || true)
echo "installed $(rpm --root "$R" -qa | wc -l) packages, rpm -Va differences: $changed"
for p in "${wanted[@]}"; do case $p in @*) ;; *) rpm --root "$R" -q "$p" > /dev/null || fail "$p is not installed";; esac; done

# --- a userland
mkdir -p "$R"/{bin,sbin,usr/bin,usr/sbin,usr/lib/rpm,etc/rc.d/init.d,etc/init.d,etc/systemd/system,root,tmp,var/log,var/lib,dev,proc,sys,lib/udev,usr/lib/udev}
with_libraries() { # program path-in-root
  rm -f "$R$2"; cp -L "$1" "$R$2"
  local lib
  for lib in $(ldd "$1" 2>/dev/null | grep -o '/[^ ]*'); do [ -e "$R$lib" ] || { mkdir -p "$R$(dirname "$lib")"; cp -L "$lib" "$R$lib"; }; done
}
with_libraries "$(command -v busybox)" /bin/busybox
for applet in $(busybox --list); do
  case $applet in
    sh|ash|hush|reboot|poweroff|halt|init|rpm|rpm2cpio|sync|logger|install|useradd|flock) ;;
    *) [ -e "$R/bin/$applet" ] || ln -s /bin/busybox "$R/bin/$applet";;
  esac
done
# Programs that start others must be real: Debian's busybox runs its own applet of a name before it looks in PATH.
for program in bash env timeout xargs find nice nohup setsid rpm stat date flock; do with_libraries "$(command -v $program)" "/bin/$program"; done
ln -sf bash "$R/bin/sh"
cp -r /usr/lib/rpm/{rpmrc,macros} "$R/usr/lib/rpm/"; [ ! -d /usr/lib/rpm/platform ] || cp -r /usr/lib/rpm/platform "$R/usr/lib/rpm/"
for stub in chkconfig reboot shutdown poweroff halt init service systemctl logger; do
  printf '#!/bin/sh\necho "%s $*" >> /var/log/stub-calls\n' $stub > "$R/sbin/$stub"; chmod 755 "$R/sbin/$stub"
done
# What had been written when a flush was asked for goes where the stand-in agent writes what it did: the order counts.
cat > "$R/bin/sync" <<'STUB'
#!/bin/sh
echo "sync $(ls /var/lib/preflight 2>/dev/null | tr '\n' ' ')" >> /var/log/standin-agent
STUB
chmod 755 "$R/bin/sync"
# The WWID of the disk this root pretends to be on; a partition has none of its own.
cat > "$R/lib/udev/scsi_id" <<'STUB'
#!/bin/sh
for word in "$@"; do case $word in --device=*) device=${word#*=};; /dev/*) device=$word;; esac; done
[ "$device" = /dev/sda ] || exit 1
cat /etc/lab-wwid
STUB
chmod 755 "$R/lib/udev/scsi_id"; [ $el = 6 ] || { mv "$R/lib/udev/scsi_id" "$R/usr/lib/udev/scsi_id"; rmdir "$R/lib/udev"; }
echo 36000c29f3a5d7e1b2c4d6e8f0a1b2c3d > "$R/etc/lab-wwid"
echo "$release" > "$R/etc/redhat-release"; cp "$R/etc/redhat-release" "$R/etc/centos-release"
printf 'root:x:0:0:root:/root:/bin/bash\n' > "$R/etc/passwd"; printf 'root:x:0:\n' > "$R/etc/group"; touch "$R/etc/bashrc" "$R/etc/fstab"
echo '127.0.0.1 localhost localhost.localdomain' > "$R/etc/hosts"
[ $el = 6 ] || echo "RELEASE='CentOS Linux release 7'" > "$R/etc/standin-agent.conf"
[ -e "$R/dev/null" ] || mknod -m 666 "$R/dev/null" c 1 3
[ -e "$R/dev/console" ] || { : > "$R/dev/console"; }        # a file: what is printed there can be read afterwards
# Numbers no driver has (LANANA: local use), in case something opens them.
mknod -m 600 "$R/dev/sda" b 250 0; mknod -m 600 "$R/dev/sda1" b 250 1
mkdir -p "$R/sys/block/sda/sda1" "$R/sys/class/block"
ln -s ../../block/sda "$R/sys/class/block/sda"; ln -s ../../block/sda/sda1 "$R/sys/class/block/sda1"; echo 1 > "$R/sys/block/sda/sda1/partition"

# --- the scripts
for script in "$OUT"/sections/*post*.sh; do
  [ -e "$script" ] || continue
  case $script in
    *nochroot*) timeout 60 unshare -p --fork --kill-child bash "$script" > "$script.log" 2>&1;;
    *) cp "$script" "$R/tmp/ks-script"
       timeout 60 unshare -p --fork --kill-child --mount-proc="$R/proc" chroot "$R" /bin/env -i PATH=/sbin:/bin:/usr/sbin:/usr/bin \
         /bin/sh /tmp/ks-script > "$script.log" 2>&1;;
  esac || { tail -5 "$script.log"; fail "$(basename "$script")"; }
  echo "ran $(basename "$script")"
done
rm -f "$R/tmp/ks-script"; cat "$R/var/log/stub-calls" 2>/dev/null || true
echo "POST RESULT PASS"
