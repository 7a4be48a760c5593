#!/usr/bin/env python3
"""ask-hosts.py [--runs N] [--check] - what asking hosts over SSH costs, as ratios.

Starts the lab's fifty OpenSSH servers on loopback and measures, in one run and in turn, preflight's transport and what it
is compared with: the OpenSSH client, xargs with eight of them, Ansible with pipelining and fifty forks, and handshake and
authentication alone. Prints Markdown tables for docs/benchmarks.md. --check exits 1 when a limit is exceeded.

A round measures every pair back to back, in one order and in the next round in the other; a ratio is taken in each round
and the median of the rounds counts. Needs openssh-server, openssh-client, xargs and, for its lines, ansible-playbook
(ANSIBLE_PLAYBOOK names it). Standard library only.

PREFLIGHT             the binary (default: target/release/preflight)
PREFLIGHT_ASK_ALONE   carries one script to hosts through preflight's transport (default: target/release/examples/ask_alone)
"""
import argparse
import json
import os
import pathlib
import resource
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

REPO = pathlib.Path(__file__).resolve().parents[2]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", REPO / "target"))
PREFLIGHT = os.environ.get("PREFLIGHT", str(TARGET / "release" / "preflight"))
ASK_ALONE = os.environ.get("PREFLIGHT_ASK_ALONE", str(TARGET / "release" / "examples" / "ask_alone"))
ANSIBLE = os.environ.get("ANSIBLE_PLAYBOOK", shutil.which("ansible-playbook") or "")
LAB = REPO / "tests" / "lab" / "sshd" / "sshlab.sh"

# Twelve facts of a host, as an administrator would collect them.
TWELVE = """\
cat /etc/os-release
uname -a
cat /proc/meminfo
nproc
df -P -k
cat /proc/self/mountinfo
ls -l /dev/disk/by-id
ip route
ss -ltn
cat /sys/class/dmi/id/sys_vendor
cat /etc/fstab
date -u +%s
"""


def run(command, stdin=None, allowed=(0,)):
    """Wall and CPU seconds of one command, its children included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    done = subprocess.run([str(word) for word in command], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, env=ENVIRONMENT)
    seconds = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in allowed:
        sys.exit(f"{shlex.join(map(str, command))} exited {done.returncode}:\n{done.stdout[-1000:]}{done.stderr[-1000:]}")
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


ENVIRONMENT = {**os.environ, "ANSIBLE_PIPELINING": "True", "ANSIBLE_FORKS": "50", "ANSIBLE_HOST_KEY_CHECKING": "True",
               "ANSIBLE_NOCOWS": "1", "NO_COLOR": "1"}


class Fleet:
    """Fifty servers on 127.0.0.2 to 127.0.0.51."""

    def __init__(self, work, life):
        self.directory = work / "fleet"
        # A start file of the account's own, run at every login, would be most of what is measured.
        home = work / "empty-home"
        home.mkdir()
        own = ["--home", home] if os.getuid() == 0 else []
        up = subprocess.run([LAB, "up", "fleet", self.directory, "--life", str(life), *own], stdout=subprocess.PIPE, text=True)
        if up.returncode:
            sys.exit("the lab's servers did not start")
        told = json.loads(up.stdout)
        self.port, self.user, self.key, self.known_hosts = told["port"], told["user"], told["key"], told["known_hosts"]
        self.hosts = [f"127.0.0.{n}" for n in range(2, 52)]

    def down(self):
        subprocess.run([LAB, "down", self.directory], check=False)

    def ssh(self):
        return ["ssh", "-F", "none", "-i", self.key, "-o", f"UserKnownHostsFile={self.known_hosts}", "-o", "IdentitiesOnly=yes",
                "-o", "BatchMode=yes", "-o", "LogLevel=ERROR", "-p", str(self.port), "-l", self.user]

    def targets(self, count):
        return [f"ssh://{self.user}@{host}:{self.port}" for host in self.hosts[:count]]


class Bench:
    def __init__(self, work, fleet):
        self.work, self.fleet = work, fleet
        self.script = work / "twelve.sh"
        self.script.write_text(TWELVE)
        self.hosts = work / "hosts"
        self.hosts.write_text("\n".join(fleet.hosts) + "\n")
        self.inventory = work / "inventory.ini"
        common = shlex.join(["-F", "none", "-o", f"UserKnownHostsFile={fleet.known_hosts}", "-o", "IdentitiesOnly=yes",
                             "-o", "ControlMaster=no"])
        self.inventory.write_text("[all]\n" + "\n".join(fleet.hosts) + f"\n[all:vars]\nansible_port={fleet.port}\n"
                                  f"ansible_user={fleet.user}\nansible_ssh_private_key_file={fleet.key}\n"
                                  f"ansible_ssh_common_args='{common}'\nansible_python_interpreter={sys.executable}\n")
        self.play = work / "play.yml"
        self.play.write_text("- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.shell:\n"
                             f"        cmd: \"{{{{ lookup('ansible.builtin.file', '{self.script}') }}}}\"\n")

    def alone(self, count, *more):
        return run([ASK_ALONE, "--key", self.fleet.key, "--known-hosts", self.fleet.known_hosts, *more, self.script,
                    *self.fleet.targets(count)])

    def ours_one(self):
        return self.alone(1)

    def ours_fifty(self):
        return self.alone(50)

    def login_fifty(self):
        return self.alone(50, "--login-only")

    def ssh_one(self):
        return run([*self.fleet.ssh(), self.fleet.hosts[0], "sh", "-s"], stdin=TWELVE)

    def xargs_fifty(self):
        line = shlex.join(self.fleet.ssh()) + f" {{}} sh -s < {shlex.quote(str(self.script))}"
        return run(["xargs", "-a", self.hosts, "-P8", "-I{}", "sh", "-c", line])

    def ansible_fifty(self):
        return run([ANSIBLE, "-i", self.inventory, self.play])

    def product(self, count):
        # The machine below is no master target: findings are expected, and exit status 1 with them.
        return run([PREFLIGHT, "check", "host", "--identity", self.fleet.key, "--known-hosts", self.fleet.known_hosts,
                    "--format", "json", *self.fleet.targets(count)], allowed=(0, 1, 3))

    def product_one(self):
        return self.product(1)

    def product_fifty(self):
        return self.product(50)

    def product_script(self):
        text = subprocess.run([PREFLIGHT, "collect", "script"], stdout=subprocess.PIPE, text=True, check=True).stdout
        return run(["sh", "-s"], stdin=text)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    work = pathlib.Path(tempfile.mkdtemp(prefix="preflight-bench."))
    fleet = Fleet(work, 900)
    try:
        return bench(args, Bench(work, fleet))
    finally:
        fleet.down()
        shutil.rmtree(work)


def bench(args, it):
    subjects = {
        "one host, twelve commands: preflight's transport": it.ours_one,
        "one host, twelve commands: ssh host sh -s < script": it.ssh_one,
        "fifty hosts, handshake and authentication alone": it.login_fifty,
        "fifty hosts, twelve commands: preflight's transport": it.ours_fifty,
        "fifty hosts, twelve commands: xargs -P8 ssh": it.xargs_fifty,
        "the product's script, run by sh on this machine": it.product_script,
        "one host: preflight check host": it.product_one,
        "fifty hosts: preflight check host": it.product_fifty,
    }
    if ANSIBLE:
        subjects["fifty hosts, twelve commands: ansible, one task, pipelining, 50 forks"] = it.ansible_fifty
    for name in list(subjects)[:2]:
        subjects[name]()                        # one that is not counted: caches and logins
    taken = {name: [] for name in subjects}
    for number in range(args.runs):
        order = list(subjects.items())
        for name, measure in order if number % 2 == 0 else reversed(order):
            taken[name].append(measure())
    print(f"{args.runs} rounds, {os.cpu_count()} CPUs for both ends, Linux {os.uname().release}.\n")
    print("| what | median | least | CPU, median |\n|---|---|---|---|")
    for name, runs in taken.items():
        wall, cpu = [s for s, _ in runs], [c for _, c in runs]
        print(f"| {name} | {statistics.median(wall):.3f} s | {min(wall):.3f} s | {statistics.median(cpu):.3f} s |")
    print("\n| claim | measured | least to most | limit | |\n|---|---|---|---|---|")
    within = True

    def claim(title, ratios, limit, at_least=False):
        nonlocal within
        value = statistics.median(ratios)
        holds = value >= limit if at_least else value <= limit
        within &= holds
        word = "at least" if at_least else "at most"
        print(f"| {title} | {value:.2f} x | {min(ratios):.2f} to {max(ratios):.2f} | {word} {limit} x "
              f"| {'holds' if holds else '**does not hold**'} |")

    wall = {name: [s for s, _ in runs] for name, runs in taken.items()}
    names = list(subjects)
    each = lambda a, b: [x / y for x, y in zip(wall[a], wall[b])]
    claim("one host: preflight's transport / ssh", each(names[0], names[1]), 1.0)
    claim("fifty hosts: preflight's transport / handshake and authentication alone", each(names[3], names[2]), 1.8)
    claim("fifty hosts: xargs -P8 ssh / preflight's transport", each(names[4], names[3]), 5, at_least=True)
    if ANSIBLE:
        claim("fifty hosts: ansible / preflight's transport", each(names[8], names[3]), 4, at_least=True)
    else:
        within = False
        print("| fifty hosts: ansible / preflight's transport | not measured: no ansible-playbook | | at least 4 x | |")
    expected = [ours + script for ours, script in zip(wall[names[0]], wall[names[5]])]
    claim("one host: check host / (preflight's transport + the product's script on this machine)",
          [x / y for x, y in zip(wall[names[6]], expected)], 1.2)
    cores = os.cpu_count() or 1
    expected = [ours + 50 * script / cores for ours, script in zip(wall[names[3]], wall[names[5]])]
    claim(f"fifty hosts: check host / (preflight's transport + 50 of that script on {cores} CPUs)",
          [x / y for x, y in zip(wall[names[7]], expected)], 1.2)
    if not within:
        print("\nA limit was exceeded or not measured.", file=sys.stderr)
    return 1 if args.check and not within else 0


if __name__ == "__main__":
    sys.exit(main())
