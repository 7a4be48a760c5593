# shellcheck shell=bash
# cases.sh - how the lab's tests report (sourced after lab.sh and outdir): one line per case, a count at the end.
passed=0 failed=0 cases_began=$SECONDS
note() { # ok|FAIL NAME DETAIL
  printf '%-4s %-66s %s\n' "$1" "$2" "${3:0:110}"
  if [ "$1" = ok ]; then passed=$((passed+1)); else failed=$((failed+1)); fi
}
# good NAME COMMAND... - COMMAND must succeed; its last line is shown, all of it when it fails.
good() {
  local name=$1; shift
  if "$@" > "$OUT/case.log" 2>&1; then note ok "$name" "$(tail -1 "$OUT/case.log")"
  else note FAIL "$name" "$(tail -1 "$OUT/case.log")"; sed 's/^/     | /' "$OUT/case.log" | tail -${SHOW_LINES:-25}; fi
}
# caught NAME PATTERN COMMAND... - COMMAND must fail and say what PATTERN (extended regular expression) means.
caught() {
  local name=$1 pattern=$2; shift 2
  if "$@" > "$OUT/case.log" 2>&1; then note FAIL "$name" "was not found out"
  elif grep -aqE "$pattern" "$OUT/case.log"; then note ok "$name" "$(grep -aE "$pattern" "$OUT/case.log" | head -1)"
  else note FAIL "$name" "wrong finding: $(tail -1 "$OUT/case.log")"; fi
}
skip() { # NAME REASON - loudly; a failure in CI
  printf 'SKIP %-66s %s\n' "$1" "$2"
  [ "${CI:-}" != true ] || failed=$((failed+1))
}
finished() { # TITLE
  echo "$1: $passed passed, $failed failed in $((SECONDS-cases_began)) s"
  [ "$failed" = 0 ]
}
# as_root COMMAND... - directly, or with passwordless sudo. A container may lack the namespaces all the same.
can_be_root() { { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; } && as_root unshare -m -p --fork true 2>/dev/null; }
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n env PREFLIGHT_PYTHON="${PREFLIGHT_PYTHON:-}" "$@"; fi
}
