#!/usr/bin/env python3
"""A machine of two disks under QEMU (TCG), watched by its serial port.

machine.py install DIR ISO   installs from ISO until the machine turns itself off; DIR/mirror is served on port 8912.
machine.py first-boot DIR    starts what was installed, lets the first-boot service reboot it, logs in as root at the
                             serial port with the password of the recipe, leaves the key DIR/key.pub there, and leaves
                             the machine running with SSH on the port that DIR/ssh.port names.
machine.py off DIR           turns it off.

Writes DIR/*.serial, DIR/*.syslog and DIR/*.qemu. Exits 1 as soon as a question appears or the time is over.
"""
import functools
import http.server
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

PASSWORD = "lab-only"
MIRROR_PORT = 8912
# One processor is emulated; on an idle machine an installation takes half an hour.
INSTALL_LIMIT = int(os.environ.get("INSTALL_LIMIT", 7200))
BOOT_LIMIT = int(os.environ.get("BOOT_LIMIT", 1800))
# How cdebconf's text frontend asks, and how it waits behind an error.
QUESTION = re.compile(rb"Prompt: '\?'|\[Press enter to continue\]")
STAGES = [
    ("the installer's programs run", rb"kernel: klogd started|syslogd started"),
    ("the preseed is read", rb"successfully loaded preseed file from file:///preseed.cfg"),
    ("the network is up, the mirror is asked", rb"Menu item 'choose-mirror' selected"),
    ("the installer's parts are fetched", rb"Menu item 'download-installer' selected"),
    ("the disks are looked for", rb"Menu item 'disk-detect' selected"),
    ("the disc is mounted", rb"Menu item 'cdrom-detect' selected"),
    ("partman starts", rb"Menu item 'partman-base' selected"),
    ("the guard has decided", rb"preflight: (Disk .* is the one|STOPPED)"),
    ("the base system is installed", rb"Menu item 'bootstrap-base' selected"),
    ("its packages are configured", rb"debootstrap: .*Configuring"),
    ("our pool is added", rb"in-target: .*usr/local/share/preflight/pool"),
    ("the kernel is installed", rb"Setting up linux-image-"),
    ("apt is set up", rb"Menu item 'apt-setup-udeb' selected"),
    ("packages are chosen", rb"Menu item 'pkgsel' selected"),
    ("the boot loader is installed", rb"Menu item 'grub-installer' selected"),
    ("the installation is finished", rb"Menu item 'finish-install' selected"),
    ("late_command runs", rb"running preseed command preseed/late_command"),
]


class Machine:
    def __init__(self, directory, name, *more):
        self.directory, self.name = directory, name
        self.began = time.monotonic()
        self.socket_path = directory / f"{name}.sock"
        self.socket_path.unlink(missing_ok=True)
        disk = lambda letter, number, boot: (
            "-drive", f"if=none,id={letter},file={directory / letter}.raw,format=raw,cache=unsafe",
            "-device", f"scsi-hd,bus=scsi0.0,scsi-id={number},drive={letter},serial=LAB{letter},"
                       f"wwn=0x5000c500a000000{number + 1}{boot}")
        command = [
            "nice", "-n", os.environ.get("LAB_NICE", "5"), "qemu-system-x86_64", "-machine", "pc", "-accel", "tcg,tb-size=768",
            "-cpu", "qemu64", "-smp", "1", "-m", "1024", "-display", "none", "-nodefaults", "-vga", "std",
            "-rtc", "base=utc", "-monitor", f"unix:{directory / name}.monitor,server=on,wait=off",
            "-chardev", f"socket,id=port,path={self.socket_path},server=on,wait=on,logfile={directory / name}.serial",
            "-serial", "chardev:port", "-serial", f"file:{directory / name}.syslog",
            "-device", "pvscsi,id=scsi0", *disk("other", 0, ""), *disk("system", 1, ",bootindex=2"), *more]
        for suffix in ("serial", "syslog"):
            (directory / f"{name}.{suffix}").write_bytes(b"")
        self.process = subprocess.Popen(command, stdout=open(directory / f"{name}.qemu", "wb"), stderr=subprocess.STDOUT)
        (directory / "pid").write_text(str(self.process.pid))
        self.port = socket.socket(socket.AF_UNIX)
        for _ in range(100):
            try:
                self.port.connect(str(self.socket_path))
                break
            except OSError:
                time.sleep(0.1)
        self.port.settimeout(1)

    def log(self, kind):
        return (self.directory / f"{self.name}.{kind}").read_bytes()

    def seconds(self):
        return int(time.monotonic() - self.began)

    def drain(self):
        try:
            return self.port.recv(65536)
        except (socket.timeout, TimeoutError):
            return None

    def say(self, text):
        print(f"{self.seconds():5} s  {text}", flush=True)

    def stop(self):
        self.process.kill()
        self.process.wait()

    def fail(self, why):
        self.say(why)
        for kind in ("serial", "syslog", "qemu"):
            print(f"--- the end of {self.name}.{kind}")
            print(self.log(kind)[-3000:].decode(errors="replace"))
        if os.environ.get("LAB_KEEP"):
            # For a look at it: the port's other end must be read, or the machine waits.
            print(f"process {self.process.pid} runs on, its monitor is {self.directory / self.name}.monitor", flush=True)
            while self.process.poll() is None:
                self.drain()
        self.stop()
        sys.exit(1)

    def wait_for(self, pattern, limit, start=0):
        """Waits for a pattern behind START on the serial port, and returns where it ends."""
        pattern = re.compile(pattern)
        while True:
            found = pattern.search(self.log("serial"), start)
            if found:
                return found.end()
            if self.process.poll() is not None or self.seconds() > limit:
                self.fail(f"no {pattern.pattern!r} on the serial port")
            self.drain()

    def type(self, text):
        self.port.sendall(text.encode() + b"\r")


def serve(directory):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, form, *args):
            with open(directory / "http.log", "a") as log:
                log.write(form % args + "\n")

    handler = functools.partial(Quiet, directory=str(directory / "mirror"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", MIRROR_PORT), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def install(directory, iso):
    serve(directory)
    machine = Machine(
        directory, "install", "-no-reboot", "-netdev", "user,id=net", "-device", "vmxnet3,netdev=net",
        "-drive", f"if=none,id=cd,file={iso},format=raw,media=cdrom,readonly=on",
        "-device", "ide-cd,bus=ide.1,drive=cd,bootindex=1")
    ahead = list(STAGES)
    try:
        while machine.process.poll() is None:
            if machine.drain() is not None and machine.process.poll() is None:
                time.sleep(0.2)
            syslog, serial = machine.log("syslog"), machine.log("serial")
            for stage in list(ahead):
                if re.search(stage[1], syslog):
                    machine.say(stage[0])
                    ahead.remove(stage)
            if QUESTION.search(serial):
                machine.fail("the installer asks a question")
            if machine.seconds() > INSTALL_LIMIT:
                machine.fail("the time is over")
    except KeyboardInterrupt:
        machine.stop()
        raise
    if b"installation is finished: poweroff" not in machine.log("serial"):
        machine.fail("the machine went off before the installation was finished")
    machine.say("the machine has turned itself off: no question was asked")


def first_boot(directory):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (directory / "ssh.port").write_text(str(port))
    machine = Machine(directory, "boot", "-netdev", f"user,id=net,hostfwd=tcp:127.0.0.1:{port}-:22", "-device",
                      "vmxnet3,netdev=net")
    at = machine.wait_for(rb"preflight: applied: |rebooting once", BOOT_LIMIT)
    machine.say("the first-boot service has applied the custom changes and reboots")
    at = machine.wait_for(rb"preflight: done", BOOT_LIMIT, at)
    machine.say("after the reboot it says that all of them are there")
    machine.type("")
    at = machine.wait_for(rb"login: ", BOOT_LIMIT, at)
    time.sleep(1)
    machine.type("root")
    at = machine.wait_for(rb"[Pp]assword: ", BOOT_LIMIT, at)
    time.sleep(1)
    machine.type(PASSWORD)
    at = machine.wait_for(rb"root@[a-z0-9]+:~# ", BOOT_LIMIT, at)
    machine.say("root has logged in at the serial port")
    key = (directory / "key.pub").read_text().strip()
    time.sleep(3)
    # One line: what is typed ahead is lost when the shell starts a program.
    machine.type(f"umask 077; mkdir -p .ssh; echo '{key}' > .ssh/authorized_keys; cat /etc/ssh/ssh_host_ed25519_key.pub; echo writ''ten")
    at = machine.wait_for(rb"[\r\n]written", BOOT_LIMIT, at)
    host = re.findall(rb"ssh-ed25519 [A-Za-z0-9+/=]{60,}", machine.log("serial"))[-1].decode()
    (directory / "known_hosts").write_text(f"[127.0.0.1]:{port} {host}\n")
    machine.type("exit")
    # Somebody has to read the port while the machine runs, or it would wait.
    child = os.fork()
    if child:
        machine.say(f"it listens for SSH on port {port}")
        os._exit(0)
    os.setsid()
    with open(os.devnull, "r+b") as nothing:
        for number in (0, 1, 2):
            os.dup2(nothing.fileno(), number)
    while True:
        if machine.drain() == b"":
            os._exit(0)


def off(directory):
    try:
        os.kill(int((directory / "pid").read_text()), signal.SIGTERM)
    except (OSError, ValueError):
        pass


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    where = Path(sys.argv[2]).resolve()
    if sys.argv[1] == "install":
        install(where, Path(sys.argv[3]).resolve())
    elif sys.argv[1] == "first-boot":
        first_boot(where)
    elif sys.argv[1] == "off":
        off(where)
    else:
        sys.exit(__doc__)
