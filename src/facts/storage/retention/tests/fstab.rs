//! The retention path: where it comes from, and the lines of fstab for it.

use super::*;

#[test]
fn a_line_of_fstab_is_held_against_what_is_mounted() {
    let absent = |spec: &str| format!("absent: which device {spec} is could not be told");
    let touched = |line: &str| format!("{TOUCHED}{line}\n");
    for (line, extra, blkid, lines, device, ty) in [
        ("/dev/dm-0 /mnt/retention ext4", "", BLKID, "1", "true".to_owned(), "true"),
        ("/dev/sdb /mnt/retention ext4", "", BLKID, "1", "false".to_owned(), "true"),
        ("UUID=0A6C-10 /mnt/retention ext3", "", BLKID, "1", "true".to_owned(), "false"),
        ("UUID=0a6c-11 /mnt/retention auto", "", BLKID, "1", "false".to_owned(), "true"),
        ("LABEL=\"keep\" /mnt/retention/ ext4", "", BLKID, "1", "true".to_owned(), "true"),
        ("LABEL=other /mnt/retention ext4", "", BLKID, "1", "false".to_owned(), "true"),
        ("PARTUUID=9c-01 /mnt/retention ext4", "", BLKID, "1", absent("PARTUUID=9c-01"), "true"),
        // Without blkid the link tells.
        ("UUID=0a6c-10 /mnt/retention ext4", "fstab 1 same", "", "1", "true".to_owned(), "true"),
        ("UUID=0a6c-11 /mnt/retention ext4", "fstab 1 other", "", "1", "false".to_owned(), "true"),
        ("UUID=0a6c-10 /mnt/retention ext4", "", "", "1", absent("UUID=0a6c-10"), "true"),
        (
            "/dev/disk/by-path/x /mnt/retention ext4",
            "fstab 1 same",
            BLKID,
            "1",
            "true".to_owned(),
            "true",
        ),
        (
            "/dev/disk/by-path/x /mnt/retention ext4",
            "",
            BLKID,
            "1",
            absent("/dev/disk/by-path/x"),
            "true",
        ),
        ("/srv/r /mnt/retention none bind", "", BLKID, "1", "false".to_owned(), "true"),
        ("nas:/r /mnt/retention nfs", "", BLKID, "1", "false".to_owned(), "false"),
        (
            "/dev/dm-0 /mnt/retention ext4\n/dev/sdb /mnt/retention ext4",
            "",
            BLKID,
            "2",
            "true".to_owned(),
            "true",
        ),
        (
            "#/dev/dm-0 /mnt/retention ext4\n/dev/dm-0 /mnt/other ext4",
            "",
            BLKID,
            "0",
            "absent: no line of fstab is for it".to_owned(),
            "absent: no line of fstab is for it",
        ),
    ] {
        let fstab = &*format!("{line}\n");
        let extra = if extra.is_empty() { TOUCHED.to_owned() } else { touched(extra) };
        let replaced = [
            ("fstab", 0, fstab),
            ("retention", 0, &*extra),
            ("retention-blkid", if blkid.is_empty() { 127 } else { 0 }, blkid),
        ];
        assert_facts(
            fstab,
            &replaced,
            &[("fstab.lines", lines), ("fstab.same_device", &device), ("fstab.same_type", ty)],
        );
    }
    assert_facts(
        "no fstab",
        &[("fstab", 1, "")],
        &[("fstab", "absent: fstab exited with status 1")],
    );
    assert_facts(
        "noauto",
        &[("fstab", 0, "/dev/dm-0 /mnt/retention ext4 noauto,rw\n")],
        &[("fstab.at_boot", "false")],
    );
    let own = "/dev/dm-0 /mnt/retention ext4 rw\n";
    for (fstab, read_only, covered) in [
        (own.replace("rw", "ro"), "true", "[]"),
        (own.replace("rw", "rw,ro"), "true", "[]"),
        (own.replace("rw", "ro,rw"), "false", "[]"),
        (format!("{own}/dev/sdc1 /mnt ext4 defaults\n"), "false", r#"["/mnt"]"#),
        (format!("{own}/srv/x /mnt/ none bind\n"), "false", r#"["/mnt"]"#),
        (format!("/dev/sdc1 /mnt ext4 defaults\n{own}"), "false", "[]"),
        (format!("nas:/x /mnt nfs defaults\n{own}"), "false", r#"["/mnt"]"#),
        (format!("{own}/dev/sdc1 /mnt ext4 noauto\n"), "false", "[]"),
        (format!("{own}/dev/sdc1 /mnt/retention/a ext4\n"), "false", "[]"),
        (format!("{own}/dev/sda1 / ext4\n/dev/sda3 swap swap\n"), "false", "[]"),
    ] {
        assert_facts(
            &fstab,
            &[("fstab", 0, &fstab)],
            &[("fstab.read_only", read_only), ("fstab.covered_by.items", covered)],
        );
    }
}

#[test]
fn the_path_is_what_was_configured() {
    for (path, real, mounted, is_symlink) in [
        ("/mnt/retention/\n", "", "true", "false"),
        ("//mnt/./retention\n", "real /mnt/retention\n", "true", "false"),
        ("/data\n", "real /mnt/retention\n", "true", "true"),
        ("/data\n", "real /data\n", "false", "false"),
        (
            "/data\n",
            "",
            "absent: the probe did not say where the path leads",
            "absent: the probe did not say where the path leads",
        ),
        (
            "data\n",
            "",
            "absent: \"data\" is not an absolute path",
            "absent: \"data\" is not an absolute path",
        ),
        (
            "/mnt/retention\n/mnt/retention\n",
            "",
            "absent: \"/mnt/retention\\n/mnt/retention\" is not an absolute path",
            "absent: \"/mnt/retention\\n/mnt/retention\" is not an absolute path",
        ),
        ("/\n", "", "true", "false"),
    ] {
        let replaced = [("retention-path", 0, path), ("retention", 0, real)];
        assert_facts(path, &replaced, &[("mounted", mounted), ("is_symlink", is_symlink)]);
    }
}
