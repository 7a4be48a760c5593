#!/usr/bin/env python3
"""whole-site.py [--runs N] [--check] - what checking a whole site costs.

Starts the lab's vCenter simulator, a stub ESXi host, a stub master target and a process server, each behind a real server
on loopback, and runs `preflight check site` on them, beside each of them asked alone. Prints a Markdown table for
docs/benchmarks.md. --check exits 1 when the limit is exceeded. Needs root, openssh-server, busybox-static, Go and govmomi.
Standard library only.

PREFLIGHT   the binary (default: target/release/preflight)
"""
import argparse
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

REPO = pathlib.Path(__file__).resolve().parents[2]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", REPO / "target"))
PREFLIGHT = os.path.abspath(os.environ.get("PREFLIGHT", TARGET / "release" / "preflight"))
LAB = REPO / "tests" / "lab"
LIMIT = 2.0


def told(command):
    return json.loads(subprocess.run([str(word) for word in command], check=True, stdout=subprocess.PIPE, text=True).stdout)


def simulator(below):
    program = below / "vsim"
    environment = dict(os.environ, GO111MODULE="off", GOPATH="/usr/share/gocode")
    subprocess.run(["go", "build", "-o", program, "."], cwd=LAB / "vsim", env=environment, check=True)
    scenario = LAB / "vsim" / "scenarios" / "good.json"
    process = subprocess.Popen([program, "-scenario", scenario], stdout=subprocess.PIPE, text=True)
    return process, json.loads(process.stdout.readline())


def server(below, name, mode, root):
    machine = below / root
    if not machine.exists():
        subprocess.run([LAB / "sshd" / "mkroot.sh", root, machine], check=True, stdout=subprocess.DEVNULL)
    one = told([LAB / "sshd" / "sshlab.sh", "up", mode, below / name, "--root", machine])
    line = subprocess.run(["ssh-keygen", "-lf", below / name / "hk_ed25519.pub"], check=True, stdout=subprocess.PIPE, text=True)
    return dict(one, target=f"ssh://{one['user']}@{one['host']}:{one['port']}", host_key=line.stdout.split()[1])


def private(path, text):
    path.write_text(text)
    path.chmod(0o600)


def site(below, vcenter, esxi, mt, ps):
    authority = vcenter["url"].removeprefix("https://").split("/")[0]
    private(below / "vcenter.password", "asr-Pass1")
    private(below / "esxi.password", esxi["password"])
    parts = {
        "vcenter": {"url": f"vsphere://asr@vsphere.local@{authority}", "discovery_account": "asr@vsphere.local",
                    "thumbprint": vcenter["sha256"], "password_file": "vcenter.password"},
        "configuration_server": {"address": "cs01.example.test", "version": "9.8.9.0"},
        "process_servers": [{"name": "ps1", "address": "ps01.example.test", "version": "9.8.9.0", "ssh": ps["target"],
                             "identity": ps["key"], "host_key": ps["host_key"]}],
        "esxi": [{"name": "DC0_H0", "ssh": esxi["target"], "password_file": "esxi.password", "host_key": esxi["host_key"]}],
        "master_targets": [{"name": "mt1", "ssh": mt["target"], "vm": "asr-mt-01", "identity": mt["key"],
                            "host_key": mt["host_key"]}],
        "protected_vms": [{"name": "app-01", "master_target": "mt1", "filesystems": ["ext4"]}],
    }
    # JSON is YAML.
    (below / "site.yaml").write_text(json.dumps(parts))
    return f"vsphere://asr@vsphere.local@{authority}"


def measured(command, below):
    environment = {"HOME": str(below), "PATH": os.environ["PATH"]}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    done = subprocess.run([str(word) for word in command], cwd=below, env=environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 1, 3):
        sys.exit(f"{command}: {done.stderr}")
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="preflight-site") as directory:
        below = pathlib.Path(directory)
        below.chmod(0o755)
        process, vcenter = simulator(below)
        servers = {}
        try:
            for name, mode, root in (("esxi", "kbdint", "esxi-paid"), ("mt", "modern", "mt-good"), ("ps", "modern", "mt-good")):
                servers[name] = server(below, name, mode, root)
            url = site(below, vcenter, **servers)
            common = ["--format", "json"]
            esxi, mt = servers["esxi"], servers["mt"]
            commands = {
                "`preflight check site`: vCenter, ESXi, master target, process server": ["check", "site", "site.yaml", "--ssh-config", "none"],
                "`preflight check vcenter` alone": ["check", "vcenter", url, "--thumbprint", vcenter["sha256"], "--password-file",
                                                    "vcenter.password", "--vm", "asr-mt-01", "--protected-vm", "app-01",
                                                    "--discovery-account", "asr@vsphere.local"],
                "`preflight check esxi` alone, by its shell": ["check", "esxi", esxi["target"], "--host-key", esxi["host_key"],
                                                               "--password-file", "esxi.password", "--ssh-config", "none", "--vm", "asr-mt-01"],
                "`preflight check host` alone": ["check", "host", mt["target"], "--host-key", mt["host_key"], "--identity", mt["key"],
                                                 "--ssh-config", "none"],
            }
            times = {what: [] for what in commands}
            for _ in range(arguments.runs):
                for what, command in commands.items():
                    times[what].append(measured([PREFLIGHT, *command, *common], below))
        finally:
            for name in servers:
                subprocess.run([LAB / "sshd" / "sshlab.sh", "down", below / name], check=False)
            process.terminate()
            process.wait()
    print("| what | median | least | most | CPU, median |\n|---|---|---|---|---|")
    for what, pairs in times.items():
        walls = [wall for wall, _ in pairs]
        cpu = statistics.median(cpu for _, cpu in pairs)
        print(f"| {what} | {statistics.median(walls):.3f} s | {min(walls):.3f} s | {max(walls):.3f} s | {cpu:.3f} s |")
    whole = statistics.median(wall for wall, _ in next(iter(times.values())))
    holds = whole < LIMIT
    print(f"\n| claim | measured | limit | |\n|---|---|---|---|\n| a whole site | {whole:.2f} s | {LIMIT} s | {'holds' if holds else '**does not hold**'} |")
    if arguments.check and not holds:
        sys.exit(1)


if __name__ == "__main__":
    main()
