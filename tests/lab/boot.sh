#!/bin/bash
# boot.sh ISO bios|uefi [OPTION...] - boot a medium headless in QEMU (TCG) and show what its loader reported.
#   --as-disk       attach ISO as a hard disk (hybrid media); the cloud kernel has no USB driver, so it is an IDE disk
#   --second ISO    another optical drive beside it
#   --direct DIR ARGS   start DIR/kernel/vmlinuz and DIR/initrd.img with ARGS, not the medium's boot loader
#   --log FILE  --limit SECONDS  --memory MIB  --quiet
# Exit 0 when the loader said PASS, 1 when it said FAIL or nothing or the limit ran out, 2 for a wrong call.
. "$(dirname "$0")/lab.sh"
usage() { sed -n '2,7p' "$0" >&2; exit 2; }
iso=${1:-}; firmware=${2:-}
[ -r "$iso" ] && shift 2 || usage
limit=240 log='' as_disk='' second='' memory=512 quiet='' direct='' args=''
while [ $# -gt 0 ]; do
  case $1 in
    --as-disk) as_disk=1; shift;;
    --second) second=$2; shift 2;;
    --direct) direct=$2 args=$3; shift 3;;
    --log) log=$2; shift 2;;
    --limit) limit=$2; shift 2;;
    --memory) memory=$2; shift 2;;
    --quiet) quiet=1; shift;;
    *) usage;;
  esac
done
need qemu-system-x86_64
T=$(mktemp -d); qemu=
trap '[ -z "$qemu" ] || kill "$qemu" 2>/dev/null; rm -rf "$T"' EXIT
trap 'exit 1' INT TERM
: > "$T/serial"
# TCG on purpose: the boot must not depend on /dev/kvm.
machine=(-machine pc,accel=tcg -m "$memory" -smp 1 -display none -nodefaults -vga std -no-reboot
         -serial "file:$T/serial" -monitor none -nic none)
case $firmware in
  bios) ;;
  uefi) # a private variable store for every boot
    cp /usr/share/OVMF/OVMF_VARS_4M.fd "$T/vars.fd"
    machine+=(-drive if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd
              -drive "if=pflash,format=raw,file=$T/vars.fd");;
  *) usage;;
esac
if [ -n "$as_disk" ]; then machine+=(-drive "file=$iso,format=raw,snapshot=on,if=ide,index=0" -boot c)
else machine+=(-drive "file=$iso,format=raw,media=cdrom,readonly=on,if=ide,index=2" -boot d); fi
[ -z "$second" ] || machine+=(-drive "file=$second,format=raw,media=cdrom,readonly=on,if=ide,index=3")
[ -z "$direct" ] || machine+=(-kernel "$direct/kernel/vmlinuz" -initrd "$direct/initrd.img" -append "$args")
start=$EPOCHREALTIME
TMPDIR=$T timeout -k 5 "$limit" qemu-system-x86_64 "${machine[@]}" 2> "$T/err" & qemu=$!
rc=0; wait "$qemu" || rc=$?; qemu=
wall=$(awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN{printf "%.1f", b-a}')
tr -d '\r' < "$T/serial" > "$T/report"
[ -z "$log" ] || cp "$T/report" "$log"
if [ -z "$quiet" ]; then
  grep -a '^RIG ' "$T/report" || { echo "nothing from the loader; last serial output:"; tail -c 400 "$T/report"; head -3 "$T/err"; }
fi
how="$firmware${as_disk:+ as a disk}${second:+ with a second drive}"
case $rc in 124|137) echo "limit of $limit s reached";; esac
if grep -aq '^RIG RESULT PASS' "$T/report" && ! grep -aq '^RIG FAIL' "$T/report"; then echo "boot $how PASS in $wall s"; exit 0; fi
echo "boot $how FAIL in $wall s (qemu exit $rc)"; exit 1
