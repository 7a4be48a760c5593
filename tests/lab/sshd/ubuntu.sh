# ubuntu.sh - sourced by mkroot.sh: Ubuntu master targets on which everything holds, and their faults. mt-ubuntu1604 is what the documents' steps give
# (guided partitioning, interfaces(5), a kernel of the window); mt-ubuntu2004 what preflight's own image gives (four partitions, netplan,
# systemd-resolved), with a snap mounted. What is the same on every Linux master target comes from the tables of centos6.sh.
# shellcheck shell=bash
ubuntu_good_roots='mt-ubuntu1604 mt-ubuntu2004'

# Faults of the CentOS machines that mean the same here, and those that only Ubuntu has. --fault applies one to a good root; what has nothing to do
# with the release is listed for 20.04 alone.
ubuntu_fault_names() { # release
  [ "$1" = 16.04 ] || echo mt-retention-none mt-retention-vfat mt-retention-exfat mt-retention-tmpfs mt-retention-nfs mt-retention-ro mt-retention-zero mt-retention-same-volume \
    mt-retention-bind mt-retention-stacked mt-retention-lvm mt-retention-encrypted mt-retention-in-use mt-retention-swap mt-retention-full mt-retention-not-in-fstab mt-no-ids \
    mt-double-ids mt-not-applied mt-not-rebooted ubuntu-other-marker ubuntu-part-applied ubuntu-no-pyasn1 ubuntu-root-on-lvm ubuntu-root-encrypted ubuntu-pinned-by-archive ubuntu-pins-unread
  echo ubuntu-old-agent ubuntu-new-agent ubuntu-kernel-free ubuntu-hwe-free ubuntu-kernel-pinned ubuntu-kernel-blacklisted ubuntu-no-name-server ubuntu-not-at-boot ubuntu-without-nofail ubuntu-1804
  case $1 in 16.04) echo ubuntu-newer-kernel;; 20.04) echo ubuntu-interfaces-without-ifup;; esac
}

ubuntu_tables() { # release
  centos6_tables; rm "$D/fixture/rpms"
  sed -i 's/ DEV rw$/ DEV rw,nofail/; s/,barrier=1,data=ordered//' "$D/fixture/mounts"; echo yes | put fixture/shared-mounts
  echo mt01 | put fixture/hostname; sed -i 's/centos\.//' "$D/fixture/hostname"; rm "$D/fixture/selinux"
  printf 'cron cron on\nmultipath-tools multipathd on\nrsyslog rsyslogd on\nssh sshd on\nopen-vm-tools vmtoolsd on\nvxagent svagents on\n' | put fixture/services
  sed -i 's/^1 init .*/1 systemd \/sbin\/init/; s/crond/cron/g' "$D/fixture/processes"
  printf 'APT::Architecture "amd64";\nAPT::Periodic "";\nAPT::Periodic::Update-Package-Lists "0";\nAPT::Periodic::Unattended-Upgrade "0";\n' | put fixture/apt
  case $1 in
    16.04) echo 4.4.0-62-generic | put fixture/kernel
      # guided: / and swap
      sed -i '/^sda[2345] /d; s/^sda1 8:1 [0-9]*/sda1 8:1 201324544/' "$D/fixture/block"; row block 'sda2 8:2 2 0 extended - sda - -'; row block 'sda5 8:5 8384512 0 swap 0a6c1e52-3d0f-4b7e-9a41-000000000005 sda - -'
      sed -i '/ \/home \| \/var\/crash /d; s#^/dev/sda1 / ext4 [^ ]* 8:1 [0-9]*#/dev/sda1 / ext4 rw,relatime,errors=remount-ro 8:1 98952156#' "$D/fixture/mounts"; echo '/dev/sda5 partition 4192252 0 -1' | put fixture/swaps
      debs 2.02.133-1ubuntu10 0.5.0+git1.656f8865-5ubuntu2.5 0.27-3 0.1.9-1 4.3.0+nmu1ubuntu1.1 1:3.6.24-3.1 4.3-14ubuntu1.4 linux-image-4.4.0-62-generic 4.4.0-62.83 4.4.0.62.65;;
    20.04) echo 5.4.0-42-generic | put fixture/kernel
      row block 'loop0 7:0 113384 1 squashfs - - - -'; row mounts '/dev/loop0 /snap/core18/1880 squashfs ro,nodev,relatime 7:0 56704 56704 / 10756 10756 - -'
      debs 2.03.07-1ubuntu1 0.8.3-1ubuntu2 0.30-0.1 0.4.2-3build1 5.3.0-1ubuntu2 1:3.6.27-3 5.0-6ubuntu1.1 linux-image-5.4.0-42-generic 5.4.0-42.46 5.4.0.42.46;;
  esac
}
# lvm2 multipath lsscsi pyasn1 xfsprogs reiserfsprogs bash kernel-package kernel-version metapackages-version
debs() { local release=${8#linux-image-}
  put fixture/debs <<T
bash $7 amd64 install ok installed
kpartx $2 amd64 install ok installed
linux-generic ${10} amd64 hold ok installed
linux-headers-$release $9 amd64 hold ok installed
linux-headers-generic ${10} amd64 hold ok installed
$8 $9 amd64 hold ok installed
linux-image-generic ${10} amd64 hold ok installed
lsof 4.89+dfsg-0.1 amd64 install ok installed
lsscsi $3 amd64 install ok installed
lvm2 $1 amd64 install ok installed
multipath-tools $2 amd64 install ok installed
open-vm-tools 2:11.0.5-4 amd64 install ok installed
openssh-server 1:7.2p2-4ubuntu2.8 amd64 install ok installed
python-pyasn1 $4 all install ok installed
reiserfsprogs $6 amd64 install ok installed
xfsprogs $5 amd64 install ok installed
T
}

ubuntu_files() { # release
  AGENT_BUILD=UBUNTU-$1-64; centos6_files
  rm -rf "$D"/etc/{redhat-release,centos-release,sysconfig,selinux,yum.conf,bashrc}; : | put var/lib/dpkg/status
  printf '127.0.0.1\tlocalhost\n127.0.1.1\tmt01.example.test\tmt01\n192.0.2.10\tmt01.example.test\tmt01\n127.0.0.60\tcs01.example.test cs01\n127.0.0.61\tps01.example.test ps01\n' | put etc/hosts
  case $1 in
    16.04) echo stretch/sid | put etc/debian_version; release_file 16.04 'Xenial Xerus' 16.04.2; agent_version 9.30.5407.1
      printf 'source /etc/network/interfaces.d/*\n\nauto lo\niface lo inet loopback\n\nauto eth0\niface eth0 inet static\n\taddress 192.0.2.10/24\n\tgateway 192.0.2.1\n\tdns-nameservers 192.0.2.1\n' | put etc/network/interfaces
      printf '# made by resolvconf(8)\nnameserver 192.0.2.1\nsearch example.test\n' | put etc/resolv.conf;;
    20.04) echo bullseye/sid | put etc/debian_version; release_file 20.04 'Focal Fossa' 20.04.1; agent_version 9.55.6595.1; rm "$D/sbin/ifup"
      printf 'network:\n  version: 2\n  ethernets:\n    eth0:\n      addresses: [192.0.2.10/24]\n      gateway4: 192.0.2.1\n      nameservers: {addresses: [192.0.2.1]}\n' | put etc/netplan/01-netcfg.yaml
      printf '[Match]\nName=eth0\n\n[Network]\nLinkLocalAddressing=ipv6\nAddress=192.0.2.10/24\nGateway=192.0.2.1\nDNS=192.0.2.1\n' | put run/systemd/network/10-netplan-eth0.network
      printf 'nameserver 127.0.0.53\noptions edns0 trust-ad\nsearch example.test\n' | put run/systemd/resolve/stub-resolv.conf; ln -sf ../run/systemd/resolve/stub-resolv.conf "$D/etc/resolv.conf"
      printf 'nameserver 192.0.2.1\nsearch example.test\n' | put run/systemd/resolve/resolv.conf;;
  esac
}
release_file() { printf 'NAME="Ubuntu"\nVERSION="%s LTS (%s)"\nID=ubuntu\nID_LIKE=debian\nPRETTY_NAME="Ubuntu %s LTS"\nVERSION_ID="%s"\n' "$3" "$2" "$3" "$1" | put etc/os-release; }

ubuntu_faults() {
  local release; release=$(sed -n 's/^VERSION_ID="\(.*\)"/\1/p' "$D/etc/os-release")
  case $N in mt-ubuntu*) : > "$D/fixture/EXPECT"; : > "$D/fixture/MAY";; mt-*) AGENT_BUILD=UBUNTU-$release-64; centos6_faults;; *) : > "$D/fixture/EXPECT"; : > "$D/fixture/MAY";; esac
  case $N in
    mt-not-applied) printf 'defaults {\n    user_friendly_names yes\n}\n' | put etc/multipath.conf;;      # as the package brings it
    # What the script for Ubuntu leaves behind is not known: its effects count where the marker is another, and a part of them proves nothing.
    ubuntu-other-marker) rm "$D"/etc/.appliedmtcustomchanges; may custom-changes.rebooted;;
    ubuntu-part-applied) rm "$D"/etc/.appliedmtcustomchanges; multipath_conf without-wwid; must custom-changes.effects; may custom-changes.run-once custom-changes.rebooted;;
    ubuntu-old-agent) case $release in 16.04) agent_version 9.28.0.0;; *) agent_version 9.44.0.0;; esac;;
    ubuntu-new-agent) case $release in 16.04) agent_version 9.30.54070.1;; *) agent_version 9.55.65950.1;; esac; must agent.version-order;;
    ubuntu-no-pyasn1) sed -i '/^python-pyasn1/d' "$D/fixture/debs"; must mt.pkgs-base;;
    ubuntu-kernel-free) sed -i 's/ hold ok / install ok /' "$D/fixture/debs"; must mt.kernel-frozen;;
    ubuntu-hwe-free) row debs "linux-generic-hwe-$release 4.15.0.45.66 amd64 install ok installed"; must mt.kernel-frozen;;
    # Pinned below zero a kernel is never taken; by its archive it is refused as long as no other has it, which nobody here can know.
    ubuntu-kernel-pinned) sed -i 's/ hold ok / install ok /' "$D/fixture/debs"; printf '# frozen\nPackage: linux-image-*\nPin: release *\nPin-Priority: -1\n' | put etc/apt/preferences.d/kernel;;
    ubuntu-kernel-blacklisted) sed -i 's/ hold ok / install ok /' "$D/fixture/debs"; sed -i 's/Upgrade "0"/Upgrade "1"/' "$D/fixture/apt"; echo 'Unattended-Upgrade::Package-Blacklist:: "linux-";' >> "$D/fixture/apt"; must mt.kernel-frozen;;
    ubuntu-pinned-by-archive) sed -i 's/ hold ok / install ok /' "$D/fixture/debs"; printf 'Package: linux-image-*\nPin: release o=Ubuntu\nPin-Priority: -1\n' | put etc/apt/preferences; undecided mt.kernel-frozen;;
    ubuntu-pins-unread) sed -i 's/ hold ok / install ok /' "$D/fixture/debs"; echo 'no record' | put etc/apt/preferences.d/broken.pref; undecided mt.kernel-frozen;;
    ubuntu-no-name-server) sed -i '/^nameserver/d' "$D/etc/resolv.conf"; [ "$release" = 16.04 ] || { echo 'nameserver 127.0.0.53' > "$D/run/systemd/resolve/stub-resolv.conf"; sed -i '/^nameserver/d' "$D/run/systemd/resolve/resolv.conf"; ln -sf ../run/systemd/resolve/stub-resolv.conf "$D/etc/resolv.conf"; }; must mt.dns;;
    ubuntu-not-at-boot) case $release in 16.04) sed -i '/^auto eth0/d' "$D/etc/network/interfaces";; *) rm "$D"/etc/netplan/*;; esac; must mt.static-ip;;
    ubuntu-interfaces-without-ifup) rm "$D"/run/systemd/network/*; printf 'auto eth0\niface eth0 inet dhcp\n' | put etc/network/interfaces; must mt.static-ip;;
    ubuntu-without-nofail) ret 's/,nofail$//'; must retention.nofail;;
    ubuntu-root-on-lvm) sed -i 's#^/dev/sda1 / ext4 \([^ ]*\) 8:1#/dev/mapper/ubuntu--vg-ubuntu--lv / ext4 \1 253:5#' "$D/fixture/mounts"; sed -i '/^sda1 /s/ - 0a6c[^ ]* / LVM2_member - /' "$D/fixture/block"
      row block 'dm-5 253:5 125820928 0 - 0a6c1e52-3d0f-4b7e-9a41-000000000015 sda1 ubuntu--vg-ubuntu--lv LVM-0mZ3zV0aYb1Kc2Ld3Me4Nf5Pg6Qh7Ri8SjTk9UlVm0WnXo1YpZq2Ar3Bs4Ct5Du6'; must mt.no-lvm;;
    ubuntu-root-encrypted) sed -i 's#^/dev/sda1 / ext4 \([^ ]*\) 8:1#/dev/mapper/sda1_crypt / ext4 \1 253:5#' "$D/fixture/mounts"; sed -i '/^sda1 /s/ - 0a6c[^ ]* / crypto_LUKS - /' "$D/fixture/block"
      row block 'dm-5 253:5 125825024 0 - 0a6c1e52-3d0f-4b7e-9a41-000000000015 sda1 sda1_crypt CRYPT-LUKS2-1a2b3c4d5e6f708192a3b4c5d6e7f809-sda1_crypt'; must mt.not-encrypted;;
    ubuntu-1804) release_file 18.04 'Bionic Beaver' 18.04.6; must mt.os-centos66; may mt.kernel-window;;
    ubuntu-newer-kernel) echo 4.4.0-210-generic > "$D/fixture/kernel"; must mt.kernel-window;;
  esac
  case $release in 16.04) printf 'cs_version=9.30.5407.1\nps_version=9.30.5407.1\n';; *) printf 'cs_version=9.55.6595.1\nps_version=9.55.6595.1\n';; esac > "$D/fixture/site"
}

ubuntu() { # release
  real bash; real dash; ln -sf dash "$D/bin/sh"; stubs centos6; stubs ubuntu; rm "$D"/bin/rpm "$D"/sbin/chkconfig "$D"/usr/sbin/getenforce
  ubuntu_tables "$1"; ubuntu_files "$1"; ubuntu_faults; derive
}
