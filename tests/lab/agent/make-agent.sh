#!/bin/bash
# make-agent.sh DIR [NAME] - the stand-in agent bundle, the same bytes every time. Prints its path.
. "$(dirname "$0")/../lab.sh"
outdir "${1:-}"; name=${2:-Microsoft-ASR_UA_9.8.0.0_RHEL6-64_GA_10Feb2017_release.tar.gz}
need tar gzip
tar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --format=gnu --mode=u=rwx,go=rx \
  -C "$LAB/agent" -cf - ApplyCustomChanges.sh install | gzip -9n > "$OUT/$name"
echo "$OUT/$name"
