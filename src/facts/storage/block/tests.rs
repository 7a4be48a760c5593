//! The block devices of invented hosts, as `/sys` lists them.

use super::*;

/// A master target: `/` on sda1, a multipath device on sdb and sdc with a partition, a logical
/// volume on that, a RAID of two partitions.
const LISTING: &str = "\
device sda\ndev 8:0\nsize 209715200\nro 0
device sda1\nparent sda\ndev 8:1\nsize 125829120\nro 0
device sda2\nparent sda\ndev 8:2\nsize 1000\nro 0\nholder md0
device sdb\ndev 8:16\nsize 2147483648\nro 0\nholder dm-0
device sdc\ndev 8:32\nsize 2147483648\nro 1\nholder dm-0
device sdd\ndev 8:48\nsize 5000\nro 0
device sdd1\nparent sdd\ndev 8:49\nsize 4000\nro 0\nholder md0
device dm-0\ndev 253:0\nsize 2147483648\nro 0\nname 36000c290f0e\nuuid mpath-36000c290f0e\nslave sdb\nslave sdc\nholder dm-1
device dm-1\ndev 253:1\nsize 2147481600\nro 0\nname 36000c290f0ep1\nuuid part1-mpath-36000c290f0e\nslave dm-0\nholder dm-2
device dm-2\ndev 253:2\nsize 2147400000\nro 0\nname vg--a-lv_r\nuuid LVM-Qm3zV0\nslave dm-1
device md0\ndev 9:0\nsize 900\nro 0\nslave sda2\nslave sdd1
device cciss!c0d0\ndev 104:0\nsize 100\nro 0
device cciss!c0d0p1\nparent cciss!c0d0\ndev 104:1\nro 0
";

fn graph() -> BlockGraph {
    BlockGraph::parse(LISTING).unwrap()
}

fn mount(number: &str, fstype: &str, source: &str) -> Mount {
    let row = format!("9 1 {number} / /p rw - {fstype} {source} rw\n");
    mounts::MountTable::parse(&row).unwrap().rows()[0].clone()
}

#[test]
fn the_disks_below_are_found_through_every_layer() {
    let graph = graph();
    for (number, disks) in [
        ("8:0", vec!["sda"]),
        ("8:1", vec!["sda"]),
        ("253:0", vec!["sdb", "sdc"]),
        ("253:1", vec!["sdb", "sdc"]),
        ("253:2", vec!["sdb", "sdc"]),
        ("9:0", vec!["sda", "sdd"]),
        ("104:1", vec!["cciss!c0d0"]),
    ] {
        let device = graph.by_number(number).unwrap();
        let below = graph.disks_below(device).unwrap();
        let below: Vec<&str> = below.iter().map(|disk| disk.name.as_str()).collect();
        assert_eq!(below, disks, "{number}");
    }
    assert_eq!(graph.by_number("8:99"), None);
}

#[test]
fn a_path_is_told_by_its_name() {
    let graph = graph();
    for (path, name) in [
        ("/dev/sda1", Some("sda1")),
        ("/dev/dm-0", Some("dm-0")),
        ("/dev/mapper/36000c290f0e", Some("dm-0")),
        ("/dev/mapper/36000c290f0ep1", Some("dm-1")),
        ("/dev/disk/by-id/dm-name-36000c290f0e", Some("dm-0")),
        ("/dev/vg-a/lv_r", Some("dm-2")),
        ("/dev/mapper/vg--a-lv_r", Some("dm-2")),
        ("/dev/cciss/c0d0p1", Some("cciss!c0d0p1")),
        ("/dev/sdz", None),
        ("/dev/root", None),
        ("/dev/disk/by-uuid/0a-1", None),
        ("UUID=0a-1", None),
        ("nas:/export", None),
    ] {
        assert_eq!(graph.by_path(path).map(|device| device.name.as_str()), name, "{path}");
    }
}

#[test]
fn what_made_a_mapping_is_told_by_its_uuid() {
    for (uuid, multipath, lvm) in [
        (Some("mpath-36000c290f0e"), Some("36000c290f0e"), false),
        (Some("part12-mpath-36000c290f0e"), Some("36000c290f0e"), false),
        (Some("LVM-Qm3zV0"), None, true),
        (Some("CRYPT-LUKS1-mpath-1"), None, false),
        (Some("partition"), None, false),
        (None, None, false),
    ] {
        let device = BlockDevice { mapper_uuid: uuid.map(str::to_owned), ..BlockDevice::default() };
        assert_eq!((device.multipath_id(), device.is_lvm()), (multipath, lvm), "{uuid:?}");
    }
}

#[test]
fn lvm_is_found_below_a_mount_and_unknown_devices_stay_unknown() {
    let graph = graph();
    for (mount, lvm) in [
        (mount("253:2", "ext4", "/dev/mapper/vg--a-lv_r"), Some(true)),
        (mount("253:1", "ext4", "/dev/mapper/36000c290f0ep1"), Some(false)),
        (mount("0:40", "btrfs", "/dev/mapper/vg--a-lv_r"), Some(true)),
        (mount("0:40", "btrfs", "/dev/sda1"), Some(false)),
        (mount("0:40", "btrfs", "/dev/root"), None),
        (mount("0:41", "nfs", "nas:/export"), Some(false)),
        (mount("8:99", "ext4", "/dev/sdz"), None),
    ] {
        assert_eq!(graph.lies_on(&mount, BlockDevice::is_lvm), lvm, "{mount:?}");
    }
}

#[test]
fn the_disk_of_the_system_has_a_size_or_a_reason() {
    let graph = graph();
    let of = |number: &str, fstype: &str| graph.os_disk(&mount(number, fstype, "x"));
    let sda = of("8:1", "ext4").unwrap();
    assert_eq!((&*sda.name, sda.size_bytes), ("sda", Fact::Known(107_374_182_400)));
    assert_eq!(of("9:0", "ext4").unwrap().name, "sda, sdd");
    assert_eq!(
        of("0:30", "overlay").unwrap_err().to_string(),
        "/p is overlay from \"x\", on no block device that /sys lists"
    );
    let silent = BlockGraph::parse("device sda\ndev 8:0\nro 0\n").unwrap();
    let disk = silent.os_disk(&mount("8:0", "ext4", "x")).unwrap();
    assert_eq!(disk.size_bytes, Fact::unavailable("/sys does not tell the size of sda"));
}

#[test]
fn a_listing_that_is_none_or_goes_in_circles_does_no_harm() {
    for text in [
        "",
        "\n",
        "dev 8:0\n",
        "device\n",
        "device sda\nnonsense 1\n",
        "sh: read: command not found\n",
        "device sda\nsize 8\nro 0\n",
        "device sda\nro x\n",
        "device sda\nsize 1 2\n",
        "device sda\nkind something\n",
        // A first line is missing, or all of it came twice.
        "device sda\ndev 8:0\nparent sda\ndev 8:1\n",
        "device sda\ndev 8:0\ndevice sda\ndev 8:0\n",
        "device sda\ndev 8:0\ndevice sda1\ndev 8:1\npartition 1\n",
    ] {
        assert!(BlockGraph::parse(text).is_err(), "{text:?}");
    }
    let circle =
        BlockGraph::parse("device a\ndev 1:1\nslave b\ndevice b\ndev 1:2\nslave a\n").unwrap();
    assert_eq!(circle.chain(circle.by_name("a").unwrap()).len(), 2);
    assert!(circle.disks_below(circle.by_name("a").unwrap()).is_err());
    let huge = BlockGraph::parse("device a\ndev 1:0\nsize 9223372036854775807\n").unwrap();
    assert!(huge.by_name("a").unwrap().size_bytes().is_err());
    assert_eq!(huge.by_name("a").unwrap().read_only, None);
}

#[test]
fn whole_disks_are_those_of_every_bus_and_nothing_else() {
    let names = |text: &str| -> Vec<String> {
        BlockGraph::parse(text).unwrap().disks().map(|disk| disk.name.clone()).collect()
    };
    // By what the probe says.
    assert_eq!(
        names(
            "device sda\nkind disk\ndev 8:0\ndevice sda1\nparent sda\ndev 8:1\npartition 1\n\
             device hdb\nkind disk\ndev 3:64\ndevice vda\nkind disk\ndev 254:0\n\
             device nvme0n1\nkind disk\ndev 259:0\ndevice sr0\nkind rom\ndev 11:0\n\
             device loop0\nkind virtual\ndev 7:0\ndevice md0\nkind virtual\ndev 9:0\n\
             device zram0\nkind virtual\ndev 252:0\ndevice dm-0\nkind virtual\ndev 253:0\n"
        ),
        ["sda", "hdb", "vda", "nvme0n1"]
    );
    // By the numbers, in a listing of old.
    assert_eq!(
        names(
            "device sda\ndev 8:0\ndevice sda1\nparent sda\ndev 8:1\ndevice hdb\ndev 3:64\n\
             device nvme0n1\ndev 259:0\ndevice sr0\ndev 11:0\ndevice loop0\ndev 7:0\n\
             device md0\ndev 9:0\ndevice dm-0\ndev 253:0\nname a\nuuid mpath-a\n"
        ),
        ["sda", "hdb", "nvme0n1"]
    );
}

#[test]
fn a_loop_device_lies_where_its_file_is() {
    let table = mounts::MountTable::parse(
        "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n21 20 253:2 / /srv/lv rw - ext4 /dev/vg-a/lv_r rw\n\
         22 20 0:40 / /shm rw - tmpfs tmpfs rw\n23 20 7:0 / /in rw - ext4 /dev/loop0 rw\n",
    )
    .unwrap();
    for (file, disks, lvm) in [
        (Some("/srv/ret.img"), Some(&["sda"][..]), Some(false)),
        (Some("/srv/lv/ret.img"), Some(&["sdb", "sdc"]), Some(true)),
        (Some("/srv/ret.img (deleted)"), Some(&["sda"]), Some(false)),
        (Some("/dev/sdb"), Some(&["sdb"]), Some(false)),
        // In memory, at nobody knows where, on itself, or not told: no disk is known.
        (Some("/shm/ret.img"), None, None),
        (Some("ret.img"), None, None),
        (Some("/in/ret.img"), None, None),
        (None, None, None),
    ] {
        let line = file.map(|file| format!("file {file}\n")).unwrap_or_default();
        let text = format!("{LISTING}device loop0\nkind virtual\ndev 7:0\nsize 8\nro 0\n{line}");
        let graph = BlockGraph::parse(&text).unwrap().with_backing_files(&table);
        let found = graph.disks_below(graph.by_name("loop0").unwrap()).ok();
        let names = found.map(|disks| disks.iter().map(|d| d.name.clone()).collect::<Vec<_>>());
        let expected = disks.map(|disks| disks.iter().map(|d| (*d).to_owned()).collect::<Vec<_>>());
        assert_eq!(names, expected, "{file:?}");
        assert_eq!(
            graph.lies_on(&mount("7:0", "ext4", "/dev/loop0"), BlockDevice::is_lvm),
            lvm,
            "{file:?}"
        );
    }
}

#[test]
fn what_lies_on_a_device_is_told_from_either_side() {
    for text in [
        "device sdb\ndev 8:16\nholder dm-0\ndevice dm-0\ndev 253:0\nname a\nuuid mpath-a\n",
        "device sdb\ndev 8:16\ndevice dm-0\ndev 253:0\nname a\nuuid mpath-a\nslave sdb\n",
    ] {
        let graph = BlockGraph::parse(text).unwrap();
        let map = graph.by_name("dm-0").unwrap();
        assert_eq!(graph.disks_below(map).unwrap()[0].name, "sdb", "{text}");
        assert_eq!(graph.by_name("sdb").unwrap().holders, ["dm-0"], "{text}");
    }
}
