#!/bin/bash
# verify.sh VSIM PYTHON OUTDIR [scenario...] - start vsim on each scenario, ask it with oracle.py, compare with what the
# scenario promises. PYTHON needs pyvmomi. Writes OUTDIR/<scenario>.json; exit 1 when one promise is not kept.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd) vsim=$1 py=$2 out=$3
shift 3
mkdir -p "$out"
if [ $# -eq 0 ]; then
  for file in "$here"/scenarios/*.json; do file=${file##*/}; set -- "$@" "${file%.json}"; done
fi
bad=0
for s in "$@"; do
  "$vsim" -scenario "$here/scenarios/$s.json" -life 2m > "$out/$s.start" 2> "$out/$s.log" & pid=$!
  for _ in $(seq 100); do [ -s "$out/$s.start" ] && break; sleep 0.05; done
  if ! url=$("$py" -c 'import json,sys; print(json.load(open(sys.argv[1]))["url"])' "$out/$s.start"); then
    echo "FAIL $s: did not start"
    bad=1
    continue
  fi
  case $s in
    *esxi*) u=root p=root-Pass1 r=asr-mt-01;;
    *) u=asr@vsphere.local p=asr-Pass1 r=app-01;;
  esac
  rc=0
  timeout 60 "$py" "$here/oracle.py" "$url" "$u" "$p" --reconfig "$r" --out "$out/$s.json" 2> "$out/$s.err" || rc=$?
  timeout 10 "$py" "$here/expect.py" "$s" "$out/$s.json" "$rc" "$out/$s.err" || bad=1
  kill "$pid" 2> /dev/null
  wait "$pid" 2> /dev/null
done
exit $bad
