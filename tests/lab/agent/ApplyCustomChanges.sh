#!/bin/bash
# STAND-IN for the replication agent's ApplyCustomChanges.sh, written from a description of what that script does.
# It exists so that a first-boot service can be tried against every way the real one is known to behave.
#
# /etc/standin-agent.conf (shell, optional) makes it misbehave:
#   EXIT=N          stop half way with exit status N         KILL=1      kill -9 itself half way
#   SAY_FAILED=1    print a FAILED line, go on, exit 0       OMIT_WWID=1 leave the root disk out of the blacklist, exit 0
#   SLEEP=SECONDS   how long the work takes                  RELEASE=TEXT, PACKAGES="..."  what it insists on
# /var/log/standin-agent gets a line per event: invoked, answer, applied. The tests count them.
RELEASE='CentOS release 6.6 (Final)' PACKAGES='device-mapper-multipath lsscsi' SLEEP=0.2
EXIT='' KILL='' SAY_FAILED='' OMIT_WWID=''
RELEASE_FILE=/etc/redhat-release product='*'
has_package() { rpm -q "$1"; }
if [ -e /etc/debian_version ] && [ ! -e /etc/redhat-release ]; then
  RELEASE='Debian GNU/Linux 12 (bookworm)' RELEASE_FILE=/etc/os-release PACKAGES='multipath-tools lsscsi'
  # multipath-tools of this age reads this as a regular expression, and nothing at all when it is none.
  product='.*'
  has_package() { dpkg-query -W -f '${db:Status-Status}' "$1" | grep -qx installed; }
fi
[ -r /etc/standin-agent.conf ] && . /etc/standin-agent.conf
EVENTS=/var/log/standin-agent LOG=/var/log/appliedmtcustomchanges.log MARKER=/etc/.appliedmtcustomchanges
event() { echo "$*" >> $EVENTS; }
say() { echo "$*" | tee -a $LOG; }
event "invoked pid=$$"

if [ -e $MARKER ]; then say 'ApplyCustomChanges was already invoked on this machine.'; exit 0; fi

# No answer means no.
while :; do
  printf 'Apply the master target changes to this machine? (Y/N) [N] '
  if ! read -r answer; then answer=; event 'answer end-of-file'; else event "answer $answer"; fi
  case $answer in Y|y) break;; N|n|'') say 'Nothing was changed.'; exit 1;; esac
done

[ "$(id -u)" = 0 ] || { say 'FAILED: this must be run by root.'; exit 1; }
grep -qF "$RELEASE" "$RELEASE_FILE" || { say "FAILED: this is not $RELEASE."; exit 1; }
[ "$(uname -m)" = x86_64 ] || { say 'FAILED: this is not x86_64.'; exit 1; }
: > /var/log/missing-packages.log
for package in $PACKAGES; do has_package "$package" > /dev/null 2>&1 || echo "$package" >> /var/log/missing-packages.log; done
[ -s /var/log/missing-packages.log ] && { say 'FAILED: packages are missing, see /var/log/missing-packages.log.'; exit 1; }

for file in /etc/bashrc /etc/bash.bashrc; do [ ! -f $file ] || echo 'ulimit -c unlimited' >> $file; done
sleep "$SLEEP"
[ -z "$EXIT" ] || exit "$EXIT"
[ -z "$KILL" ] || kill -9 $$

# The device on /, without its partition digits, is asked for its WWID; an empty answer goes unnoticed.
partition=$(awk '$2 == "/" && $1 ~ /^\/dev\// {device = $1} END {print device}' /proc/mounts)
disk=${partition%%[0-9]*}
scsi_id=/lib/udev/scsi_id; [ -x $scsi_id ] || scsi_id=/usr/lib/udev/scsi_id
wwid=$($scsi_id --whitelisted --replace-whitespace --device="$disk" 2>/dev/null)
[ -z "$OMIT_WWID" ] || wwid=''
{
  printf 'defaults {\n\tuser_friendly_names no\n\tfind_multipaths no\n}\n'
  printf 'blacklist {\n\tdevice {\n\t\tvendor "InMage"\n\t\tproduct "%s"\n\t}\n\tdevnode "^cciss!c[0-9]d[0-9]*"\n' "$product"
  [ -z "$wwid" ] || printf '\twwid %s\n' "$wwid"
  printf '}\n'
} > /etc/multipath.conf
printf '#!/bin/sh\n# stand-in\n' > /usr/sbin/blacklistrootdev.sh
echo "$wwid" > /.blacklistrootdev
[ -z "$SAY_FAILED" ] || say 'Rebuilding the initial ramdisk: FAILED'
: > $MARKER
event applied
say 'COMPLETED'
