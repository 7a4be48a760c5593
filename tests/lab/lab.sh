# shellcheck shell=bash
# lab.sh - what every script of the lab starts with (sourced): strict mode, where things are, what is needed.
# Every product goes below the output directory the caller names.
set -euo pipefail
LAB=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# The release day of CentOS 6.6's tree: every time stamp in the lab is this one, so that its media are reproducible.
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-1414159991}
export LC_ALL=C TZ=UTC
PATH=$PATH:/usr/sbin:/sbin

# need TOOL... - exit 2, naming what is missing.
need() {
  local tool missing=()
  for tool in "$@"; do command -v "$tool" >/dev/null || missing+=("$tool"); done
  [ ${#missing[@]} = 0 ] || { echo "missing: ${missing[*]} (tests/run installs what the lab needs)" >&2; exit 2; }
}

# outdir DIR - make it and set OUT to its absolute path.
outdir() {
  [ -n "${1:-}" ] || { echo "name an output directory" >&2; exit 2; }
  mkdir -p "$1"; OUT=$(cd "$1" && pwd)
}

# python_with_pykickstart - sets PY, or returns 1.
python_with_pykickstart() {
  for PY in "${PREFLIGHT_PYTHON:-}" python3; do
    [ -n "$PY" ] && "$PY" -c 'import pykickstart' 2>/dev/null && return 0
  done
  return 1
}
