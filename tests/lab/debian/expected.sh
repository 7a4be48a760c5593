# shellcheck shell=bash
# expected.sh - what is true of the machine of the lab, and what `check host` must therefore find (sourced by install.sh): a
# Debian 12 with one processor, 1 GiB, a system disk of 4 GiB, no agent and no retention volume, on a
# hypervisor that is not VMware's, that is otherwise set up.
for check in mt.partitions mt.no-lvm mt.pkgs-base mt.kernel-frozen mt.etc-hosts mt.dns mt.static-ip \
  mt.multipath-runs mt.pkg-multipath mt.root-access custom-changes.run-once custom-changes.effects custom-changes.rebooted; do
  found $check pass
done
for check in mt.os-centos66 mt.sizing-cpu mt.sizing-ram mt.sizing-osdisk agent.installed retention.mounted \
  mt.is-vmware-vm mt.disk-ids-visible; do
  found $check fail
done
