#!/bin/bash
# sosreport.sh ROOT OUT - a sosreport of a fake master target of mkroot.sh, made by this machine's sos (Debian's package `sosreport`) inside ROOT, as
# on CentOS: OUT/sosreport-*.tar.*. Root only. Python and sos come from this machine, which the report's commands do not see.
set -euo pipefail
root=$(cd "$1" && pwd)
mkdir -p "$2"; out=$(cd "$2" && pwd)
[ -n "${SOS_IN_NAMESPACE:-}" ] || exec env SOS_IN_NAMESPACE=1 unshare -m --propagation private "$0" "$root" "$out"
python=$(readlink -f /usr/bin/python3) libraries=$(dirname "$(ldconfig -p | sed -n 's/.*=> \(.*libc\.so\.6\)$/\1/p' | head -1)")
loader=$(readlink -f /lib64/ld-linux-x86-64.so.2) host=/.host
mkdir -p "$root$host" "$root/.sos" "$root/proc/1"
# The policy of sos 4 goes by os-release, which CentOS 6 has not.
[ -e "$root/etc/os-release" ] || printf 'NAME="CentOS"\nVERSION="6.6 (Final)"\nID="centos"\nVERSION_ID="6.6"\n' > "$root/etc/os-release"
mount --bind / "$root$host"; mount --bind /dev/null "$root/dev/null"; mount --bind "$out" "$root/.sos"
exec chroot "$root" /bin/env -i HOME=/root PATH=/sbin:/bin:/usr/sbin:/usr/bin LC_ALL=C PYTHONDONTWRITEBYTECODE=1 PYTHONHOME="$host/usr" \
  PYTHONPATH="$host/usr/lib/python3/dist-packages" LD_LIBRARY_PATH="$host$libraries" "$host$loader" "$host$python" "$host/usr/bin/sos" report --batch \
  --tmp-dir /.sos -o block,date,devicemapper,filesys,host,hardware,kernel,memory,multipath,networking,process,processor,release,rpm,services,yum,scsi,system
