#!/bin/bash
# verify.sh DIR [ROOT...] - build every master target below DIR, start an SSH server on each, send rows.sh, and compare the rows that fail with
# the root's EXPECT and MAY. One line per root; the answers are DIR/ROOT.out. Exit status 1 when a root does not say what it should.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd); O=${1:?directory}; shift; mkdir -p "$O"; O=$(cd "$O" && pwd); rc=0
# shellcheck disable=SC2046 # names without blanks
[ $# -gt 0 ] || set -- $("$here/mkroot.sh" --list | grep ^mt-)
field() { sed -n "s/.*\"$1\":\"\{0,1\}\([^\",]*\).*/\1/p" "$O/s.json"; }
trap '[ ! -d "$O/s" ] || "$here/sshlab.sh" down "$O/s"' EXIT
for n; do
  "$here/mkroot.sh" "$n" "$O/$n"; "$here/sshlab.sh" up modern "$O/s" --root "$O/$n" --life 120 > "$O/s.json"
  { echo "NOW=$(date +%s)"; sed 's/cs_version/CS/; s/ps_version/PS/' "$O/$n/fixture/site"; cat "$here/rows.sh"; } |
    ssh -F none -i "$(field key)" -o UserKnownHostsFile="$(field known_hosts)" -o IdentitiesOnly=yes -o BatchMode=yes -p "$(field port)" "$(field user)@$(field host)" 'sh -s' > "$O/$n.out" 2> "$O/$n.err" || true
  "$here/sshlab.sh" down "$O/s"
  failed=$(awk '$2=="FAIL"{print $1}' "$O/$n.out" | LC_ALL=C sort -u); f=$O/$n/fixture
  missing=$(LC_ALL=C comm -13 <(echo "$failed") "$f/EXPECT" | tr '\n' ' '); extra=$(LC_ALL=C comm -23 <(echo "$failed" | grep . || true) <(LC_ALL=C sort -u "$f/EXPECT" "$f/MAY") | tr '\n' ' ')
  skipped=$(LC_ALL=C comm -23 <(awk '$2=="skip"&&$1!~/^network/{print $1}' "$O/$n.out" | LC_ALL=C sort -u) <(LC_ALL=C sort -u "$f/EXPECT" "$f/MAY") | tr '\n' ' ')
  rows=$(cut -d' ' -f1 "$O/$n.out" | sort -u | wc -l)
  if [ -z "$missing$extra$skipped" ] && [ "$rows" = 42 ] && [ ! -s "$O/$n.err" ]; then echo "as expected  $n ($rows rows): $(echo $failed)"; else rc=1; echo "DIFFERS      $n ($rows rows): missing [$missing] extra [$extra] skipped [$skipped] $(head -3 "$O/$n.err")"; fi
done; exit $rc
