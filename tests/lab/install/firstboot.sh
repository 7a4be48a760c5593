#!/bin/bash
# firstboot.sh OUT [--service NAME] [--rounds N] [--seed N] - the first-boot service, started and killed for real. Root only.
# Works on OUT/sysimage as post.sh left it, with the stand-in agent's ApplyCustomChanges.sh in it. NAME is the service
# (default: what %post gave to `chkconfig --add` or `systemctl enable`). Each case starts from a fresh copy of the root on
# a file system whose device is called /dev/sda1; each boot has its own process namespace, boot time and boot id.
# Reboots are recorded, not done. What counts is /var/log/standin-agent: how often the script was invoked and applied.
. "$(dirname "$0")/../lab.sh"
outdir "${1:-}"; shift
name='' rounds=40 seed=1
while [ $# -gt 0 ]; do
  case $1 in --service) name=$2; shift 2;; --rounds) rounds=$2; shift 2;; --seed) seed=$2; shift 2;; *) exit 2;; esac
done
need unshare chroot
: "${PREFLIGHT:=$LAB/../../target/release/preflight}"
[ "$(id -u)" = 0 ] || { echo "must be root" >&2; exit 2; }
golden=$OUT/sysimage; [ -d "$golden" ] || { echo "run post.sh first" >&2; exit 2; }
if [ -z "${LAB_IN_NAMESPACE:-}" ]; then
  exec env LAB_IN_NAMESPACE=1 timeout 540 unshare -m --propagation private "$0" "$OUT" --service "$name" --rounds "$rounds" --seed "$seed"
fi

# --- what the service is
calls=$golden/var/log/stub-calls
[ -n "$name" ] || name=$(sed -n 's/^chkconfig --add \([^ ]*\).*/\1/p; s/^systemctl .*enable \([^ -][^ ]*\).*/\1/p' "$calls" 2>/dev/null | head -1 || true)
name=${name%.service}
unit=$(find "$golden/etc/systemd/system" "$golden/usr/lib/systemd/system" -name "$name.service" 2>/dev/null | head -1 || true)
if [ -n "$unit" ]; then start=$(sed -n 's/^ExecStart=//p' "$unit" | head -1); service=${start%% *}
else service=/etc/rc.d/init.d/$name start="$service start"; fi
[ -n "$name" ] && [ -x "$golden$service" ] || { echo "FIRSTBOOT RESULT FAIL: no executable service ${name:-?}"; exit 1; }
echo "service $name: $start"

# --- one machine
R=$OUT/fb; mkdir -p "$R"; state=/var/lib/preflight; events=/var/log/standin-agent; booted=0
new_machine() { # [LINE for standin-agent.conf]
  umount -l "$R" 2>/dev/null || true
  mount -t tmpfs -o mode=755 /dev/sda1 "$R"; cp -a "$golden/." "$R/"
  : > "$R/var/log/stub-calls"; rm -f "$R$events"; booted=0
  [ -z "${1:-}" ] || echo "$1" >> "$R/etc/standin-agent.conf"
}
# inside COMMANDS - run shell COMMANDS as the machine's first process and wait until nothing else is left running.
# `start` and `status` are the service's; `background &` is start with the service's own process id in $!.
inside() {
  cat > "$R/tmp/commands" <<X
start() { /bin/env -i PATH=/sbin:/bin:/usr/sbin:/usr/bin /bin/sh -c '$start'; }
status() { /bin/env -i PATH=/sbin:/bin:/usr/sbin:/usr/bin /bin/sh -c '$service status'; }
background() { exec /bin/env -i PATH=/sbin:/bin:/usr/sbin:/usr/bin /bin/sh $start; }
$1
rc=\$?; wait
n=0; while [ \$n -lt 100 ]; do set -- /proc/[0-9]*; [ \$# -gt 1 ] || break; sleep 0.1; n=\$((n+1)); done
exit \$rc
X
  timeout 60 unshare -p -m --fork --kill-child /bin/bash -c '
    mount -t proc proc "$0/proc"
    { grep -v ^btime /proc/stat; echo "btime $1"; } > "$0/tmp/stat"; echo "0.50 0.50" > "$0/tmp/uptime"; echo "$2" > "$0/tmp/boot_id"
    mount --bind "$0/tmp/stat" "$0/proc/stat"; mount --bind "$0/tmp/uptime" "$0/proc/uptime"
    mount --bind "$0/tmp/boot_id" "$0/proc/sys/kernel/random/boot_id"
    exec chroot "$0" /bin/env -i PATH=/sbin:/bin:/usr/sbin:/usr/bin /bin/sh /tmp/commands' \
    "$R" "$btime" "$bootid" >> "$OUT/firstboot.log" 2>&1
}
# boot COMMANDS - a new boot, later than everything the last one wrote.
boot() {
  local marker=$R/etc/.appliedmtcustomchanges
  if [ $booted = 0 ]; then btime=$(($(date +%s)-60))
  else
    if [ -e "$marker" ]; then while [ "$(date +%s)" -le "$(stat -c %Y "$marker")" ]; do sleep 0.1; done; fi
    btime=$(date +%s)
  fi
  bootid=$(cat /proc/sys/kernel/random/uuid); booted=$((booted+1))
  echo "--- boot $booted: $1" >> "$OUT/firstboot.log"
  inside "$1"
}
count() { local n; n=$(grep -cE "$2" "$R$1" 2>/dev/null) || true; echo "${n:-0}"; }
invoked() { count $events '^invoked'; }
reboots() { count /var/log/stub-calls '^(reboot|shutdown .*-r|init 6|systemctl reboot)'; }
state() { local s; for s in done failed started; do [ -e "$R$state/apply.$s" ] && { echo $s; return; }; done; echo pending; }
status() { local rc=0; inside status || rc=$?; echo $rc; }

# --- verdicts
bad=0; case_name=''
verdict() { if [ "$1" = ok ]; then printf 'ok   %-62s %s\n' "$case_name" "$2"; else printf 'FAIL %-62s %s\n' "$case_name" "$2"; bad=$((bad+1)); fi; }
# expect INVOKED REBOOTS STATE STATUS - STATUS is a number, or `attention` for neither done (0) nor pending (3)
expect() {
  local got want="invoked=$1 reboots=$2 state=$3 status=$4" code
  code=$(status); [ "$4" = attention ] && [ "$code" != 0 ] && [ "$code" != 3 ] && code=attention
  got="invoked=$(invoked) reboots=$(reboots) state=$(state) status=$code"
  if [ "$got" = "$want" ]; then verdict ok "$got"; else verdict FAIL "$got, want $want"; fi
}
: > "$OUT/firstboot.log"; t0=$EPOCHREALTIME

case_name='first boot applies and reboots once, the second verifies'
new_machine; boot start || true; boot start || true; expect 1 1 done 0
case_name='the answer Y arrives on stdin'
if [ "$(count $events '^answer Y$')" = 1 ]; then verdict ok 'answer Y'; else verdict FAIL "$(grep -a answer "$R$events" 2>/dev/null || echo 'no answer')"; fi
case_name='the started mark is flushed before the script runs'
flushed=$(sed '/^invoked/q' "$R$events" 2>/dev/null | grep -c '^sync .*apply\.started' || true)
if [ "${flushed:-0}" -gt 0 ]; then verdict ok "$flushed flush before the script"; else verdict FAIL 'no sync between the two'; fi
case_name='the state can be read in one file'
if [ -s "$R$state/status" ]; then verdict ok "$(head -1 "$R$state/status" | cut -c1-60)"; else verdict FAIL "$state/status is empty or missing"; fi

case_name='the self-check keeps a capture that is judged outside'
selfcheck=/usr/libexec/preflight-selfcheck; [ -x "$R$selfcheck" ] || selfcheck=/etc/rc.d/init.d/preflight-selfcheck
printf 'CentOS release 6.6 (Final)\n\n' > "$R/etc/issue"
[ -s "$R/dev/urandom" ] || head -c 4096 /dev/urandom > "$R/dev/urandom"
if [ ! -x "$R$selfcheck" ]; then verdict FAIL 'none installed'
else
  boot "$selfcheck run" || true
  kept=$(find "$R$state" -name 'selfcheck-*.capture' | sort | tail -1) rc=0
  report=$("$PREFLIGHT" check host "capture:$R$state" --format nagios 2>&1) || rc=$?
  if [ -n "$kept" ] && [ "$(stat -c %a "$kept")" = 600 ] && [ $rc = 2 ] && grep -q ' agent.installed: ' <<< "$report"; then verdict ok "$(basename "$kept")"
  else verdict FAIL "exit $rc: $(head -1 <<< "$report")"; fi
  case_name='and says on the login screen what is wrong'
  said=$(sed -n '/^--- preflight self-check/,/^--- end/p' "$R/etc/issue")
  if [ ! -x "$R/opt/preflight/preflight" ]; then want='no program here can evaluate'; else want='NOT READY for reprotect'; fi
  if grep -q "$want" <<< "$said"; then verdict ok "$(sed -n 2p <<< "$said")"; else verdict FAIL "${said:-nothing}, want $want"; fi
fi

case_name='five starts, in turn and at once'
new_machine; boot 'start; start; start & start & start &' || true; boot 'start & start & start &' || true; expect 1 1 done 0
case_name='eight starts at once'
new_machine; boot 'start & start & start & start & start & start & start & start &' || true; boot start || true; expect 1 1 done 0

case_name='eight starts at once where flock is missing'
new_machine; rm -f "$R/bin/flock"; boot 'start & start & start & start & start & start & start & start &' || true; boot start || true; boot start || true
expect 1 1 done 0

case_name='the script fails'
new_machine EXIT=7; boot start || true; boot start || true; boot start || true; expect 1 0 failed attention
case_name='the script is killed half way'
new_machine KILL=1; boot start || true; boot start || true; boot start || true
case $(state) in started|failed) expect 1 0 "$(state)" attention;; *) expect 1 0 'started or failed' attention;; esac
case_name='the script says FAILED and exits 0'
new_machine SAY_FAILED=1; boot start || true; boot start || true; expect 1 0 failed attention
case_name='the root disk is missing from the blacklist, exit 0'
new_machine OMIT_WWID=1; boot start || true; boot start || true; expect 1 0 failed attention
case_name='the script is missing'
new_machine; rm -f "$R/root/ApplyCustomChanges.sh" "$R"/root/*/ApplyCustomChanges.sh; boot start || true
if [ "$(invoked)" = 0 ] && [ "$(reboots)" = 0 ] && [ "$(state)" != done ] && [ "$(status)" != 0 ]; then verdict ok "state=$(state)"; else verdict FAIL "state=$(state) reboots=$(reboots)"; fi
case_name='a marker from elsewhere is no success'
new_machine; : > "$R/etc/.appliedmtcustomchanges"; boot start || true; boot start || true
if [ "$(reboots)" = 0 ] && [ "$(state)" != done ] && [ "$(status)" != 0 ]; then verdict ok "state=$(state) invoked=$(invoked)"; else verdict FAIL "state=$(state) reboots=$(reboots) status=$(status)"; fi

# gate NAME BREAK MEND - a gate that does not hold leaves everything pending; mended, the next boot goes on.
gate() {
  case_name="$1: pending"; new_machine; eval "$2"; boot start || true; boot start || true; expect 0 0 pending 3
  case_name="$1: mended, the next boot goes on"; eval "$3"; boot start || true; boot start || true; expect 1 1 done 0
}
gate 'no WWID (disk.EnableUUID is off)' ': > $R/etc/lab-wwid' 'cp $golden/etc/lab-wwid $R/etc/lab-wwid'
gate 'the wrong release' 'echo "CentOS release 6.9 (Final)" > $R/etc/redhat-release; cp $R/etc/redhat-release $R/etc/centos-release' \
  'cp $golden/etc/redhat-release $golden/etc/centos-release $R/etc/'
gate 'a missing package' 'chroot $R rpm -e --nodeps --justdb device-mapper-multipath 2>/dev/null' 'cp -a $golden/root/.rpmdb/. $R/root/.rpmdb/ 2>/dev/null; cp -a $golden/var/lib/rpm/. $R/var/lib/rpm/ 2>/dev/null || true'

# --- kill -9 of the service at random points, in turn the service alone and the whole machine; then two more boots
new_machine SLEEP=0.1; begin=$EPOCHREALTIME; boot start || true
whole=$(awk -v a="$begin" -v b="$EPOCHREALTIME" 'BEGIN{printf "%d", (b-a)*1000}')
RANDOM=$seed; declare -A ends=(); worst=0; early=0
for ((i=1; i<=rounds; i++)); do
  new_machine SLEEP=0.1
  ms=$((RANDOM * whole / 32768)); delay=$((ms/1000)).$(printf %03d $((ms%1000)))
  if [ $((i%2)) = 0 ]; then boot "background & service=\$!; sleep $delay; kill -9 \$service; true" || true
  else boot "background & sleep $delay; kill -9 -1; exit 1" || true; fi
  n=$(invoked); [ "$n" -gt 0 ] || early=$((early+1))
  boot start || true; boot start || true
  n=$(invoked); r=$(reboots); s=$(state); code=$(status)
  [ "$n" -le "$worst" ] || worst=$n
  ends[$s]=$((${ends[$s]:-0}+1))
  # Never twice; never one reboot too many; not pending once the script ran; done only when its work is there, which is
  # the case when the service alone died and the script came to its end.
  applied=$(count $events '^applied')
  if [ "$n" -gt 1 ] || [ "$r" -gt 1 ] || [ "$s" = pending ] || [ "$code" = 3 ] || { [ "$code" = 0 ] && [ "$applied" != 1 ]; }; then
    case_name="kill -9 of the service, round $i after $delay s"; verdict FAIL "invoked=$n applied=$applied reboots=$r state=$s status=$code"
  fi
done
case_name="kill -9 of the service at $rounds random points: never twice"
summary="most=$worst, $early before the script;"; for s in "${!ends[@]}"; do summary+=" $s=${ends[$s]}"; done
if [ "$worst" -le 1 ]; then verdict ok "$summary"; else verdict FAIL "$summary"; fi

umount -l "$R" 2>/dev/null || true; rmdir "$R" 2>/dev/null || true
took=$(awk -v a="$t0" -v b="$EPOCHREALTIME" 'BEGIN{printf "%.0f", b-a}')
if [ $bad = 0 ]; then echo "FIRSTBOOT RESULT PASS in $took s"; else echo "FIRSTBOOT RESULT FAIL: $bad in $took s (see $OUT/firstboot.log)"; exit 1; fi
