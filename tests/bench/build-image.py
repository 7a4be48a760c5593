#!/usr/bin/env python3
"""build-image.py [--runs N] [--megabytes N] [--no-large] [--check] [--keep DIR] - what building an image costs, as ratios.

Makes a base medium of 700 MB and a bundle of 60 MB from seeded pseudo-random bytes, which nothing can compress, and
measures, in one run and in turn, preflight and what it is compared with. Prints a Markdown table for docs/benchmarks.md.
--check exits 1 when a limit is exceeded. Standard library only; needs xorriso, isomd5sum and the el6 medium of
tests/lab (built when absent, LAB_OUT names its directory).

PREFLIGHT        the binary (default: target/release/preflight)
PREFLIGHT_WRITE_ALONE
                 a command that writes the customised image without media md5, digests and verification; {base}, {agent}
                 and {out} are replaced (default: target/release/examples/write_alone {base} {agent} {out})
"""
import argparse
import os
import pathlib
import random
import resource
import shlex
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import threading
import time

REPO = pathlib.Path(__file__).resolve().parents[2]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", REPO / "target"))
LAB_OUT = pathlib.Path(os.environ.get("LAB_OUT", REPO / "target" / "lab"))
PREFLIGHT = os.environ.get("PREFLIGHT", str(TARGET / "release" / "preflight"))
WRITE_ALONE = os.environ.get("PREFLIGHT_WRITE_ALONE", f"{TARGET}/release/examples/write_alone {{base}} {{agent}} {{out}}")
EPOCH = 1414159991
VOLUME = "CentOS_6.6_Final"
MIB = 1 << 20


def noise(path, size, seed):
    """size pseudo-random bytes, the same for the same seed."""
    source = random.Random(seed)
    with open(path, "wb") as out:
        while size:
            n = min(size, MIB)
            out.write(source.randbytes(n))
            size -= n
    os.utime(path, (EPOCH, EPOCH))


def quiet(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit(f"{shlex.join(map(str, command))} exited {done.returncode}:\n{done.stdout[-2000:]}")


def write_base(tree, iso):
    quiet("xorriso", "-as", "mkisofs", "-quiet", "-o", iso, "-V", VOLUME, "-R", "-J", "-joliet-long", "-iso-level", "3",
          "-isohybrid-mbr", "/usr/lib/ISOLINUX/isohdpfx.bin", "-b", "isolinux/isolinux.bin", "-c", "isolinux/boot.cat",
          "-no-emul-boot", "-boot-load-size", "4", "-boot-info-table", "-eltorito-alt-boot", "-e", "images/efiboot.img",
          "-no-emul-boot", "-isohybrid-gpt-basdat", tree)
    quiet("implantisomd5", "--force", iso)


def base_tree(work, megabytes):
    """The lab's el6 tree, filled up: one large second stage and many files of package size."""
    lab_tree = LAB_OUT / "el6" / "tree"
    if not lab_tree.is_dir():
        quiet(REPO / "tests" / "lab" / "el6" / "build.sh", LAB_OUT)
    tree = work / "tree"
    shutil.copytree(lab_tree, tree)
    present = sum(f.stat().st_size for f in tree.rglob("*") if f.is_file())
    rest = megabytes * 1_000_000 - present
    noise(tree / "images" / "install.img", rest // 4, "install.img")
    source = random.Random("sizes")
    rest -= rest // 4
    number = 0
    while rest > 0:
        size = min(rest, source.randrange(20_000, 6_000_000))
        noise(tree / "Packages" / f"filler-{number:04d}.bin", size, f"filler-{number}")
        rest, number = rest - size, number + 1
    return tree


def bundle(work, megabytes):
    """The stand-in agent with megabytes of data that do not compress."""
    path = work / "Microsoft-ASR_UA_9.8.0.0_RHEL6-64_GA_10Feb2017_release.tar.gz"
    noise(work / "data.bin", megabytes * 1_000_000, "agent")
    with tarfile.open(path, "w:gz", compresslevel=1) as tar:
        for name in ("ApplyCustomChanges.sh", "install"):
            tar.add(REPO / "tests" / "lab" / "agent" / name, name)
        tar.add(work / "data.bin", "lib/data.bin")
    (work / "data.bin").unlink()
    return path


class Measured:
    def __init__(self, seconds, cpu, peak_kib):
        self.seconds, self.cpu, self.peak_kib = seconds, cpu, peak_kib


def cpu_of_children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def watch(pid, peak):
    # VmHWM is the kernel's own high-water mark; rusage would start at this interpreter's size, because exec inherits it.
    try:
        while True:
            with open(f"/proc/{pid}/status") as status:
                for line in status:
                    if line.startswith("VmHWM:"):
                        peak[0] = max(peak[0], int(line.split()[1]))
            time.sleep(0.002)
    except (FileNotFoundError, ProcessLookupError):
        return


def measure(*commands, memory=False):
    """Wall time, CPU time and peak memory of commands run one after the other."""
    peak = [0]
    cpu, start = cpu_of_children(), time.perf_counter()
    for command in commands:
        child = subprocess.Popen([str(w) for w in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        if memory:
            threading.Thread(target=watch, args=(child.pid, peak), daemon=True).start()
        _, err = child.communicate()
        if child.returncode:
            sys.exit(f"{shlex.join(map(str, command))} exited {child.returncode}:\n{err.decode(errors='replace')[-2000:]}")
    return Measured(time.perf_counter() - start, cpu_of_children() - cpu, peak[0])


class Bench:
    def __init__(self, work, base, agent):
        self.work, self.base, self.agent = work, base, agent
        self.out, self.result, self.payload = work / "out.iso", work / "result.iso", work / "payload"
        self.payload.mkdir()
        shutil.copy(agent, self.payload / "agent.tar.gz")

    def fresh(self):
        for path in self.work.glob("out.iso*"):
            path.unlink()

    def build(self, base=None, out=None, *more):
        # The add-on packages are small; the 60 MB are the bundle.
        return [PREFLIGHT, "build", "image", "centos-6.6", "--base", base or self.base, "--agent", self.agent,
                "--rpms", LAB_OUT / "el6" / "addon-rpms", "--allow-unpinned", "-o", out or self.out, *more]

    def complete(self):
        return measure(self.build(), memory=True)

    def dry_run(self):
        return measure(self.build(None, None, "--dry-run"))

    def write_alone(self):
        words = [w.format(base=self.base, agent=self.agent, out=self.out) for w in shlex.split(WRITE_ALONE)]
        return measure(words, memory=True)

    def copy(self):
        return measure(["cp", self.base, self.out], ["sync", self.out])

    def digests(self):
        quiet("cp", self.result, self.out)
        return measure(["sync", self.out], ["md5sum", self.out], ["sha256sum", self.out])

    def xorriso(self, *options):
        return measure(["xorriso", *options, "-indev", self.base, "-outdev", self.out, "-boot_image", "any", "replay",
                        "-joliet", "on", "-map", self.payload, "/preflight", "-commit"],
                       ["sync", self.out], ["implantisomd5", "--force", self.out])

    def xorriso_unsynced(self):
        return self.xorriso("-stdio_sync", "off")


def large(work, bench, tree, report):
    """A file of more than 4 GiB on the base must come out unharmed."""
    big = tree / "big.bin"
    size = (4 << 30) + 300 * MIB + 123
    with open(big, "wb") as out:
        source = random.Random("big")
        block = source.randbytes(64 * MIB)      # one block over and over, its number in front: fast to make, still not sparse
        for number in range(-(-size // len(block))):
            out.write(number.to_bytes(8, "little") + block[8:])
        out.truncate(size)
    os.utime(big, (EPOCH, EPOCH))
    base, result = work / "large-base.iso", work / "large.iso"
    write_base(tree, base)
    took = measure(bench.build(base, result), memory=True)
    quiet("checkisomd5", result)
    back = work / "big.bin"
    quiet("xorriso", "-osirrox", "on", "-indev", result, "-extract", "/big.bin", back)
    quiet("cmp", big, back)
    report(f"| a base with a file of {size / (1 << 30):.2f} GiB, complete build | {took.seconds:.2f} s | file identical, "
           f"peak {took.peak_kib / 1024:.1f} MiB | 32 MiB |")
    for path in (base, result, back, big):
        path.unlink()
    return took.peak_kib / 1024 <= 32


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--megabytes", type=int, default=700)
    parser.add_argument("--no-large", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--keep", type=pathlib.Path, help="work here and leave everything behind")
    args = parser.parse_args()
    work = args.keep or pathlib.Path(tempfile.mkdtemp(prefix="preflight-bench."))
    work.mkdir(parents=True, exist_ok=True)
    try:
        return bench(args, work)
    finally:
        if not args.keep:
            shutil.rmtree(work)


def bench(args, work):
    tree = base_tree(work, args.megabytes)
    base = work / "base.iso"
    write_base(tree, base)
    it = Bench(work, base, bundle(work, 60))
    quiet(*it.build(None, it.result))
    subjects = {"cp + sync": it.copy, "sync + md5sum + sha256sum of the result": it.digests,
                "xorriso replay + sync + implantisomd5": it.xorriso,
                "xorriso -stdio_sync off + sync + implantisomd5": it.xorriso_unsynced,
                "dry run": it.dry_run, "complete build": it.complete}
    alone = shutil.which(shlex.split(WRITE_ALONE)[0]) is not None
    if alone:
        subjects["writing alone"] = it.write_alone
    taken = {name: [] for name in subjects}
    for _ in range(args.runs):
        for name, run in subjects.items():      # in turn, so that a busy moment hits everyone
            it.fresh()
            os.sync()
            taken[name].append(run())
    it.fresh()

    median = {n: statistics.median(m.seconds for m in runs) for n, runs in taken.items()}
    least = {n: min(m.seconds for m in runs) for n, runs in taken.items()}
    cpu = {n: statistics.median(m.cpu for m in runs) for n, runs in taken.items()}
    peak = {n: max(m.peak_kib for m in runs) / 1024 for n, runs in taken.items()}
    sizes = [p.stat().st_size / 1e6 for p in (base, it.result)]
    print(f"Base {sizes[0]:.0f} MB, result {sizes[1]:.0f} MB, {args.runs} runs in turn, {os.cpu_count()} CPUs, "
          f"Linux {os.uname().release}, everything cached.\n")
    print("| what | median | least | CPU, median |\n|---|---|---|---|")
    for name in subjects:
        print(f"| {name} | {median[name]:.2f} s | {least[name]:.2f} s | {cpu[name]:.2f} s |")
    print("\n| claim | measured (medians) | measured (least) | limit |\n|---|---|---|---|")
    within = True

    def ratio(title, ours, theirs, limit):
        nonlocal within
        value = median[ours] / median[theirs]
        within &= limit is None or value <= limit
        print(f"| {title} | {value:.2f} x | {least[ours] / least[theirs]:.2f} x | {f'{limit} x' if limit else 'none'} |")

    if alone:
        ratio("writing alone / (cp + sync)", "writing alone", "cp + sync", 1.6)
    else:
        within = False
        print(f"| writing alone / (cp + sync) | not measured: no {shlex.split(WRITE_ALONE)[0]} | | 1.6 x |")
    ratio("complete build / (sync + md5sum + sha256sum)", "complete build", "sync + md5sum + sha256sum of the result", 1.3)
    ratio("complete build / (xorriso replay + sync + implantisomd5)", "complete build", "xorriso replay + sync + implantisomd5", 1.0)
    ratio("complete build / the same with xorriso -stdio_sync off", "complete build", "xorriso -stdio_sync off + sync + implantisomd5", None)
    print("\n| claim | measured | | limit |\n|---|---|---|---|")
    for name in ("complete build", "writing alone"):
        if name in peak:
            within &= peak[name] <= 32
            print(f"| peak resident memory, {name} | {peak[name]:.1f} MiB | | 32 MiB |")
    within &= median["dry run"] <= 0.2
    print(f"| dry run, wall | {median['dry run']:.3f} s | | 0.2 s |")
    if not args.no_large:
        within &= large(work, it, tree, print)
    if not within:
        print("\nA limit was exceeded or not measured.", file=sys.stderr)
    return 1 if args.check and not within else 0


if __name__ == "__main__":
    sys.exit(main())
