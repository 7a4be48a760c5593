#!/bin/sh
# rows.sh - sent on stdin of `sh -s` by verify.sh: the commands behind the checks of a master target, each as a person would type it
# and one line per row: "ID ok|FAIL|skip EVIDENCE". A plain oracle for the roots, not the product's judgement. Reads only.
# verify.sh puts NOW, CS and PS (versions) before it.
LC_ALL=C; export LC_ALL; PATH=/sbin:/usr/sbin:$PATH; P=/mnt/retention
say() { echo "$1 $2 $(echo "$3" | tr '\n' ';' | cut -c1-150)"; }
is() { id=$1 ev=$2; shift 2; if "$@"; then say "$id" ok "$ev"; else say "$id" FAIL "$ev"; fi; }
has() { echo "$1" | grep -Eq "$2"; }; all() { [ -n "$1" ] && ! echo "$1" | grep -Evq "$2"; }
later() { [ "$1" = "$2" ] || [ "$(printf '%s\n%s\n' "$1" "$2" | sed 's/\./ /g' | sort -n -k1,1 -k2,2 -k3,3 -k4,4 | tail -1 | tr ' ' .)" = "$2" ]; }   # $1 <= $2
e=$(for d in /sys/block/sd*; do echo "x$(/lib/udev/scsi_id --whitelisted --replace-whitespace --device=/dev/${d##*/})"; done)
is mt.disk-ids-visible "$e" eval 'all "$e" "^x36000c29" && [ -z "$(echo "$e" | sort | uniq -d)" ]'
e=$(cat /sys/class/dmi/id/sys_vendor /sys/class/dmi/id/product_name); is mt.is-vmware-vm "$e" has "$e" '^VMware, Inc\.'
e=$(awk '/MemTotal/{print $2}' /proc/meminfo); is mt.sizing-ram "$e" [ "$e" -ge 5800000 ]
e=$(grep -c ^processor /proc/cpuinfo); is mt.sizing-cpu "$e" [ "$e" -ge 4 ]
root=$(awk '$5=="/"{print $3}' /proc/self/mountinfo | tail -1); disk=$(cd -P "/sys/dev/block/$root/.." && pwd); e="${disk##*/} $(($(cat "$disk/size")*512))"; is mt.sizing-osdisk "$e" [ "${e#* }" -ge 100000000000 ]
e="$(cat /etc/redhat-release) $(uname -m)"; is mt.os-centos66 "$e" [ "$e" = 'CentOS release 6.6 (Final) x86_64' ]
e=$(grep -h '^exclude=.*kernel' /etc/yum.conf; service yum-cron status 2>&1); is mt.kernel-frozen "$e" has "$e" '^exclude='
e=$(awk '$5=="/"||$5=="/var/crash"||$5=="/home"' /proc/self/mountinfo); s=$(grep -c ^/dev /proc/swaps); is mt.partitions "$(echo "$e" | cut -d' ' -f5 | tr '\n' ' ')swap $s" eval '[ "$(echo "$e" | grep -c " - ext4 ")" = 3 ] && [ $s = 1 ]'
R=$(awk -v p="$P" '$5==p' /proc/self/mountinfo | tail -1); mm=$(echo "$R" | cut -d' ' -f3); part=$(echo "$R" | cut -d' ' -f4); flags=$(echo "$R" | cut -d' ' -f6); back=${R##* - }; set -- $back; fs=${1:-} src=${2:-} super=${3:-}; blk=/sys/dev/block/$mm
walk() { [ -e "$1" ] || return 0; [ ! -e "$1/dm/uuid" ] || cat "$1/dm/uuid"; for w in "$1"/slaves/*; do [ ! -e "$w" ] || walk "$w"; done; }
e=$(walk "/sys/dev/block/$root"; [ -z "$mm" ] || walk "$blk"); is mt.no-lvm "$e" eval '! has "$e" ^LVM-'
e=$(cat /etc/sysconfig/network-scripts/ifcfg-eth* | grep -i ONBOOT; ip -o -4 addr); is mt.static-ip "$e" eval 'has "$e" "^ONBOOT=yes" && has "$e" "eth0 +inet"'
e=$(hostname; grep ^nameserver /etc/resolv.conf); is mt.dns "$e" eval 'has "$e" ^nameserver && ! has "$e" ^localhost'
h=$(hostname) e=; for a in $(ip -o -4 addr | awk '$2!="lo"{sub("/.*","",$4); print $4}'); do awk -v a=$a -v h=$h '$1==a{for(i=2;i<=NF;i++)if($i==h)f=1}END{exit !f}' /etc/hosts || e="$e $a"; done; is mt.etc-hosts "without:$e" [ -z "$e" ]
e=$(($(date -u +%s)-NOW)); is mt.timezone-time "drift $e" [ "${e#-}" -lt 60 ]
e=$(id -u); is mt.root-access "$e" [ "$e" = 0 ]
p() { id=$1; shift; e=$(rpm -q "$@") && say $id ok "$e" || say $id FAIL "$e"; }
p mt.pkgs-base xfsprogs perl lsscsi rsync wget kexec-tools
e=$(rpm -q device-mapper-multipath; multipath -ll 2>&1; pidof multipathd); n=0
for d in /sys/block/sd*; do d=${d##*/}; [ "$d" = "${disk##*/}" ] || has "$e" " $d " || n=1; done      # the disk under / is blacklisted, every other is listed
is mt.pkg-multipath "$e" eval '[ $n = 0 ] && pidof multipathd >/dev/null'
p mt.pkg-reiserfs kmod-reiserfs reiserfs-utils; modprobe -n reiserfs 2>/dev/null || say mt.pkg-reiserfs FAIL modprobe
p mt.pkg-xfs xfsprogs; modprobe -n xfs 2>/dev/null || say mt.pkg-xfs FAIL modprobe
p mt.pkgs-74-variant device-mapper-multipath lsscsi kpartx python2-pyasn1 lvm2 iprutils
m=/etc/.appliedmtcustomchanges; e=$(grep -c COMPLETED /var/log/appliedmtcustomchanges.log 2>&1); is custom-changes.run-once "$e" eval 'test -e $m && [ "$e" = 1 ]'
if [ -e $m ]; then e="$(awk '/^btime/{print $2}' /proc/stat) $(stat -c %Y $m)"; is custom-changes.rebooted "$e" [ "${e% *}" -gt "${e#* }" ]; else say custom-changes.rebooted skip; fi
rid=$(/lib/udev/scsi_id --whitelisted --replace-whitespace --device=/dev/${disk##*/}); e=$(grep user_friendly_names /etc/multipath.conf; grep wwid /etc/multipath.conf; grep InMage /etc/multipath.conf)
is custom-changes.effects "$e" eval '[ -n "$rid" ] && has "$e" "user_friendly_names +no" && has "$e" "wwid +$rid" && has "$e" InMage'
e=$(cat /usr/local/.vx_version; ls /usr/local/ASR/Vx/bin/UnifiedAgentConfigurator.sh; grep -iE 'role|VmPlatform' /usr/local/ASR/Vx/etc/drscout.conf); is agent.installed "$e" eval 'has "$e" ^VERSION= && has "$e" MasterTarget'
e=$(grep VM_PLATFORM /usr/local/ASR/Vx/etc/drscout.conf; grep 'VM_PLATFORM value is either null' /var/log/ua_install.log); is agent.platform-value "$e" eval 'has "$e" "=(VmWare|Azure)$" && ! has "$e" null'
e=$(sed -n 's/^VERSION=//p' /usr/local/.vx_version); is agent.version-order "$e <= $CS, $PS" eval 'later $e $CS && later $e $PS'
e="$(pidof svagents) $(pidof appservice) $(service vxagent status 2>&1)"; is agent.services "$e" eval 'pidof svagents >/dev/null && pidof appservice >/dev/null'
if timeout 5 bash -c '</dev/tcp/cs01.example.test/443' 2>/dev/null; then say network.mt-to-cs-443 ok; else say network.mt-to-cs-443 skip "no listener"; fi
if timeout 5 bash -c '</dev/tcp/ps01.example.test/9443' 2>/dev/null; then say network.mt-to-ps-9443 ok; else say network.mt-to-ps-9443 skip "no listener"; fi
e="$(pidof waagent) $(rpm -q WALinuxAgent)"; is after.azure-agent "$e" has "$e" 'not installed'

# the retention volume: mountinfo first, the path only when its top row is a local block device
is retention.mounted "$R" [ -n "$R" ]; is retention.default-path "$P" true
if [ -z "$R" ]; then for i in fs-not-fat fs-local-block capacity-nonzero free-space not-cache not-in-use not-locked own-device multipath-device fstab; do say retention.$i skip "findmnt -M rc $(findmnt -M $P >/dev/null; echo $?), df says $(df -P $P | awk 'NR==2{print $6}')"; done; say mt.sizing-retention skip; exit 0; fi
e="$fs blkid $(blkid -p -o value -s TYPE "$src" 2>/dev/null) $(findmnt -n -M $P -o FSTYPE | tail -1)"; is retention.fs-not-fat "$e" eval '! has "$e" "vfat|msdos|exfat|fuseblk"'
is retention.fs-local-block "$fs $src" eval '! has "$fs" "^(tmpfs|ramfs|nfs4?|cifs|smb3|9p|overlay|squashfs|iso9660|autofs|fuse.*)$" && has "$src" ^/dev/'
e=$(awk -v p="$P" '$1!~/^#/ && $2==p' /etc/fstab); spec=$(echo "$e" | awk '{print $1}'); case $spec in UUID=*) spec=/dev/disk/by-uuid/${spec#UUID=};; esac
is retention.fstab "$e" eval '[ -n "$e" ] && [ "$(echo "$e" | wc -l)" = 1 ] && [ "$(readlink -f "$spec" || echo "$spec")" = "$(readlink -f "$src" || echo "$src")" ] && [ "$(echo "$e" | awk "{print \$3}")" = "$fs" ]'
if [ ! -e "$blk" ]; then for i in capacity-nonzero free-space not-cache not-in-use not-locked own-device multipath-device; do say retention.$i skip "no block device $mm"; done; say mt.sizing-retention skip; exit 0; fi
e=$(blockdev --getsize64 "$src"); is mt.sizing-retention "$e" [ "$e" -ge 1000000000000 ]
k=$(df -P -k $P | awk 'NR==2{print $2, $4}'); e="$(cat $blk/size) $k"; is retention.capacity-nonzero "$e" eval '[ "${e%% *}" -gt 0 ] && [ "${k% *}" -gt 0 ]'
is retention.free-space "$k inodes $(df -P -i $P | awk 'NR==2{print $2, $4}')" eval '[ "${k#* }" -gt 1048576 ] && [ $((${k#* }*10)) -ge ${k% *} ]'
c=$(sed -n 's/^[[:space:]]*CacheDirectory[[:space:]]*=[[:space:]]*//p' /usr/local/ASR/Vx/etc/drscout.conf); d=$(stat -L -c %d $P) e=; for q in "$c" /usr/local/ASR /usr/local/ASR/Vx /home/svsystems /; do [ ! -e "$q" ] || e="$e $(stat -L -c %d "$q")"; done; is retention.not-cache "$d in$e" eval '! has "$e " " $d "'
e=$(awk -v m="$mm" '$3==m{print $5}' /proc/self/mountinfo; grep -E "^(/dev/$(basename "$(readlink -f $blk)")|$src) " /proc/swaps; ls $blk/holders; cat $blk/dm/uuid 2>/dev/null | grep ^LVM-; lsof -w $P); is retention.not-in-use "$e" [ "$e" = "$P" ]
is retention.not-locked "$flags $super $(cat $blk/ro)" eval '! has ",$flags,$super," ",ro," && [ "$(cat $blk/ro)" = 0 ]'
s=$(readlink -f $blk); for q in $blk/slaves/*; do [ ! -e "$q" ] || s=$(readlink -f "$q"); done; is retention.own-device "$part ${s##*/}" eval '[ "$part" = / ] && ! has "$s" "/${disk##*/}(/|\$)"'
e=$(cat $blk/dm/uuid 2>/dev/null; echo "$src"); is retention.multipath-device "$e" has "$e" ^mpath-
