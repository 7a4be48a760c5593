#!/bin/bash
# make.gen.sh PREFLIGHT [DIR] - asks the fake machines of tests/lab and saves what they answer below DIR [here].
# Needs root, and what tests/run installs: openssh-server, busybox-static, python3, golang-go and govmomi's libraries.
# Every server listens on loopback and ends with this script.
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$0")/../../lab/lab.sh"
need python3 go busybox unshare ssh-keygen
preflight=$(realpath "${1:?PREFLIGHT}"); outdir "${2:-$(dirname "$0")}"
work=$(mktemp -d "${TMPDIR:-/tmp}/golden.XXXXXX"); chmod 755 "$work"
servers=() simulators=()
down() {
  for server in "${servers[@]}"; do "$LAB/sshd/sshlab.sh" down "$server" || true; done
  for simulator in "${simulators[@]}"; do kill "$simulator" || true; done
  rm -rf "$work"
}
trap down EXIT
export HOME=$work; unset SSH_AUTH_SOCK
(cd "$LAB/vsim" && GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE=$work/go go build -o "$work/vsim" .)

member() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$1" "$2"; }

# server NAME MODE ROOT - sets NAME's way, key and host key: way[NAME], key[NAME], host_key[NAME], password[NAME]
declare -A way key host_key password
server() {
  [ -d "$work/$3" ] || "$LAB/sshd/mkroot.sh" "$3" "$work/$3" > /dev/null
  mkdir -p "$work/empty"
  "$LAB/sshd/sshlab.sh" up "$2" "$work/server-$1" --root "$work/$3" --life 300 --home "$work/empty" > "$work/$1.json"
  servers+=("$work/server-$1")
  way[$1]="ssh://$(member "$work/$1.json" user)@127.0.0.1:$(member "$work/$1.json" port)"
  key[$1]=$(member "$work/$1.json" key)
  password[$1]=$(member "$work/$1.json" password)
  host_key[$1]=$(ssh-keygen -lf "$work/server-$1/hk_ed25519.pub" | cut -d' ' -f2)
}

# simulator NAME SCENARIO - sets way[NAME] to host and port, and key[NAME] to the thumbprint
simulator() {
  "$work/vsim" -scenario "$LAB/vsim/scenarios/$2.json" -life 5m > "$work/$1.json" 2> /dev/null &
  simulators+=($!)
  until [ -s "$work/$1.json" ]; do sleep 0.1; done
  way[$1]=$(member "$work/$1.json" url | sed 's,^https://\([^/]*\).*,\1,')
  key[$1]=$(member "$work/$1.json" sha256)
}

# site NAME VCENTER ESXI MT PS - asks a site; the tests replay it with sites of their own, good.yaml and broken.yaml
site() {
  cat > "$work/$1.yaml" <<END
scenario: vmware-classic
vcenter:
  url: vsphere://asr@vsphere.local@${way[$2]}
  discovery_account: asr@vsphere.local
  thumbprint: '${key[$2]}'
  password_file: vcenter.password
configuration_server: { address: cs01.example.test, version: 9.8.9.0 }
process_servers:
  - { name: ps1, address: ps01.example.test, version: 9.8.9.0, ssh: '${way[$5]}', identity: ${key[$5]}, host_key: '${host_key[$5]}' }
esxi:
  - { name: DC0_H0, ssh: '${way[$3]}', password_file: esxi.password, host_key: '${host_key[$3]}' }
master_targets:
  - { name: mt1, ssh: '${way[$4]}', vm: asr-mt-01, identity: ${key[$4]}, host_key: '${host_key[$4]}' }
protected_vms:
  - { name: app-01, master_target: mt1, filesystems: [ext4] }
END
  (umask 077; echo asr-Pass1 > "$work/vcenter.password"; echo "${password[$3]}" > "$work/esxi.password")
  "$preflight" collect site "$work/$1.yaml" -o "$work/$1" --ssh-config none --timeout 120
}

# The ESXi host's master target is the machine that is asked by its shell.
"$LAB/sshd/mkroot.sh" esxi-paid "$work/esxi-paid" > /dev/null
sed -i -e 's/6000C290-0000-0000-0000-000000000007/6000C29a-0b1c-2d3e-4f50-617283940516/' \
  -e 's/6000C291-0000-0000-0000-000000000007/6000C29f-3a1b-5d7e-9001-12233445566a/' "$work/esxi-paid/fixture/config.11"

server mt modern mt-good; server ps modern mt-good; server esxi kbdint esxi-paid; simulator vcenter good
site good vcenter esxi mt ps
server bad-mt modern mt-bad; server free-esxi kbdint esxi-free; simulator snapshot snapshot-on-mt
site broken snapshot free-esxi bad-mt ps
simulator paid paid-esxi; simulator free free-esxi
for of in paid free; do
  PREFLIGHT_PASSWORD=root-Pass1 "$preflight" collect vcenter "vsphere://root@${way[$of]}" --thumbprint "${key[$of]}" \
    --vm ha-host_VM0 -o "$work/esxi-$of.json"
done
simulator poor read-only-account
PREFLIGHT_PASSWORD=asr-Pass1 "$preflight" collect vcenter "vsphere://asr@vsphere.local@${way[poor]}" \
  --thumbprint "${key[poor]}" --vm asr-mt-01 --protected-vm app-01 -o "$work/read-only.json"
# Nobody listens at port 1.
"$preflight" collect host ssh://root@127.0.0.1:1 --ssh-config none -o "$work/unreachable.json" || [ $? = 3 ]

"$LAB/../golden/captures/tidy.py" "$work" "$OUT"
