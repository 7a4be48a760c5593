//! The script itself: every shell gives the same answers, and it writes nothing.

use super::*;

#[test]
fn every_shell_gives_the_same_answers() {
    if !may_mount() {
        return;
    }
    for shell in ["dash", "bash --posix", "busybox ash"] {
        let tool = shell.split(' ').next().unwrap();
        if !installed(&[tool]) {
            continue;
        }
        let chosen = [
            "a link to the mount point",
            "a blank, a backslash",
            "memory is mounted over",
            "a stranger has",
        ];
        let cases =
            CASES.iter().filter(|case| chosen.iter().any(|words| case.name.contains(words)));
        let wrong: Vec<String> = cases.chain(DEAD).flat_map(|case| judge(case, shell)).collect();
        assert!(wrong.is_empty(), "{shell}: {}", wrong.join("\n"));
    }
}

#[test]
fn the_script_writes_nothing() {
    if !may_mount() {
        return;
    }
    if !installed(&["strace", "dash", "bash", "busybox"]) {
        return;
    }
    for shell in ["dash", "bash --posix", "busybox ash"] {
        let dir = tempfile::tempdir().unwrap();
        // A root that cannot be written, in which the kernel's own file systems are the real ones.
        let setup = r#"
mount "$D" $P; fstab "$D $P ext4"
mkdir /mnt/root; mount --rbind / /mnt/root; mount -o remount,ro,bind /mnt/root
mount -o remount,ro $P
"#;
        let traced = format!(
            "strace -f -qq -o trace -e trace=file,ftruncate,fchmod,fchown chroot /mnt/root {shell}"
        );
        let answers = inside(dir.path(), setup, "/mnt/retention", &traced).unwrap();
        let text = fs::read_to_string(&answers).unwrap();
        assert!(text.trim_end().ends_with(" end"), "{shell}: {text}");
        assert!(judged(&answers)["retention.not-locked"].1.contains("read-only"), "{shell}");
        let trace = fs::read_to_string(dir.path().join("trace")).unwrap();
        assert!(trace.contains("execve("), "{shell}: {trace}");
        let writes: Vec<&str> = trace.lines().filter(|call| is_a_write(call)).collect();
        assert!(writes.is_empty(), "{shell}: {}", writes.join("\n"));
    }
}

/// Whether a traced call changes a file, or opens one so that it could.
fn is_a_write(call: &str) -> bool {
    let call = call.split_once(' ').map_or(call, |(_, call)| call.trim_start());
    let changes = [
        "creat(", "unlink", "rename", "mkdir", "rmdir(", "link(", "linkat(", "symlink", "chmod",
        "fchmod", "chown", "fchown", "lchown", "truncate", "ftruncate", "mknod", "utime",
        "futimesat", "setxattr", "lsetxattr", "removexattr", "mount(", "umount",
    ];
    let opens_for_writing = call.starts_with("open")
        && ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC"].iter().any(|flag| call.contains(flag))
        && !call.contains("\"/dev/null\"")
        && !call.contains("\"/dev/tty\"");
    changes.iter().any(|name| call.starts_with(name)) || opens_for_writing
}

#[test]
fn a_write_is_told_from_a_look() {
    for (call, expected) in [
        ("12 openat(AT_FDCWD, \"/etc/fstab\", O_RDONLY) = 3", false),
        ("12 openat(AT_FDCWD, \"/dev/null\", O_WRONLY|O_CREAT|O_TRUNC, 0666) = 3", false),
        ("12 access(\"/proc/1/fd\", R_OK) = 0", false),
        ("12 readlink(\"/mnt\", 0x1, 4096) = -1 EINVAL (Invalid argument)", false),
        ("12 openat(AT_FDCWD, \"/tmp/sh-thd\", O_RDWR|O_CREAT|O_EXCL, 0600) = 3", true),
        ("12  open(\"/mnt/retention/x\", O_WRONLY|O_CREAT, 0666) = -1 EROFS", true),
        ("12 unlinkat(AT_FDCWD, \"x\", 0) = 0", true),
        ("12 utimensat(0, NULL, NULL, 0) = 0", true),
        ("12 mkdir(\"/run/blkid\", 0755) = 0", true),
    ] {
        assert_eq!(is_a_write(call), expected, "{call}");
    }
}
