#!/usr/bin/env python3
"""build-image.py [--runs N] [--idle-runs N] [--megabytes N] [--no-large] [--check] [--keep DIR] - what building costs.

Makes a base medium of 700 MB and a bundle of 60 MB from seeded pseudo-random bytes, which nothing can compress, and
measures, in one run and in turn, preflight and what it is compared with. Prints Markdown tables for docs/benchmarks.md.
--check exits 1 when a limit is exceeded. Standard library only; needs xorriso, isomd5sum and the el6 medium of
tests/lab (built when absent, LAB_OUT names its directory).

In a virtual machine the first write into memory that nobody used lately can be slow: a copy took four times as long where
docs/benchmarks.md was measured. What ran before a command would then decide its time, so every
command is measured under a condition that is made anew right before it, and stated:

warm     2 GiB of memory have just been written and freed, more than any command needs
idle     as the command before left it, and 8 seconds later, in case waiting matters

Neither makes memory that was never used; docs/benchmarks.md says what that costs. Commands that are compared run back to
back, in one order and then in the other, and a ratio is taken in each round; the median of those is what counts.

PREFLIGHT        the binary (default: target/release/preflight)
PREFLIGHT_WRITE_ALONE
                 a command that writes the customised image without media md5, digests and verification; {base}, {agent}
                 and {out} are replaced (default: target/release/examples/write_alone {base} {agent} {out})
"""
import argparse
import mmap
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
WARM_MIB = 2048
IDLE_SECONDS = 8


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


def warm(work):
    """Leaves more free memory than a command needs that was in use a moment ago."""
    # Half of it in single pages and half as a file's cache, which takes larger blocks: both kinds are asked for.
    piece = b"\1" * (MIB // 4)
    filler = work / "filler"
    with mmap.mmap(-1, WARM_MIB // 2 * MIB) as memory:
        for _ in range(WARM_MIB // 2 * 4):
            memory.write(piece)
        with open(filler, "wb", buffering=0) as out:
            for _ in range(WARM_MIB // 2 * 4):
                out.write(piece)
        filler.unlink()


def idle(_):
    """Leaves memory alone, as the command before left it."""
    time.sleep(IDLE_SECONDS)


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

    def measured(self, run, condition):
        """Runs in the stated condition: no output, nothing left to be written."""
        for path in self.work.glob("out.iso*"):
            path.unlink()
        os.sync()
        return run(condition)

    def build(self, base=None, out=None, *more):
        # The add-on packages are small; the 60 MB are the bundle.
        return [PREFLIGHT, "build", "image", "centos-6.6", "--base", base or self.base, "--agent", self.agent,
                "--rpms", LAB_OUT / "el6" / "addon-rpms", "--allow-unpinned", "-o", out or self.out, *more]

    def complete(self, condition):
        condition(self.work)
        return measure(self.build(), memory=True)

    def dry_run(self, condition):
        condition(self.work)
        return measure(self.build(None, None, "--dry-run"))

    def write_alone(self, condition):
        condition(self.work)
        words = [w.format(base=self.base, agent=self.agent, out=self.out) for w in shlex.split(WRITE_ALONE)]
        return measure(words, memory=True)

    def copy(self, condition):
        condition(self.work)
        return measure(["cp", self.base, self.out], ["sync", self.out])

    def digests(self, condition):
        quiet("cp", self.result, self.out)
        condition(self.work)
        return measure(["sync", self.out], ["md5sum", self.out], ["sha256sum", self.out])

    def xorriso(self, condition, *options):
        condition(self.work)
        return measure(["xorriso", *options, "-indev", self.base, "-outdev", self.out, "-boot_image", "any", "replay",
                        "-joliet", "on", "-map", self.payload, "/preflight", "-commit"],
                       ["sync", self.out], ["implantisomd5", "--force", self.out])

    def xorriso_unsynced(self, condition):
        return self.xorriso(condition, "-stdio_sync", "off")


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
    parser.add_argument("--runs", type=int, default=8)
    parser.add_argument("--idle-runs", type=int, default=4)
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


COPY, ALONE = "cp + sync", "writing alone"
DIGESTS, COMPLETE = "sync + md5sum + sha256sum of the result", "complete build"
XORRISO, UNSYNCED = "xorriso replay + sync + implantisomd5", "xorriso -stdio_sync off + sync + implantisomd5"
DRY_RUN = "dry run"

# What is compared: ours, theirs, the limit.
CLAIMS = [(ALONE, COPY, 1.6), (COMPLETE, DIGESTS, 1.3), (COMPLETE, XORRISO, 1.0), (COMPLETE, UNSYNCED, None)]
PEAK_MIB = 32
DRY_RUN_SECONDS = 0.2


def rounds(it, subjects, condition, runs):
    """What every command took in every round: in order, then in reverse."""
    taken = {name: [] for name in subjects}
    for number in range(runs):
        names = list(subjects)[::-1 if number % 2 else 1]
        for name in names:
            taken[name].append(it.measured(subjects[name], condition))
    return taken


def verdict(value, limit):
    return "" if limit is None else "holds" if value <= limit else "**does not hold**"


def tables(taken, condition):
    """Prints what was taken in one condition; whether every limit holds in it."""
    print(f"\n| {condition}: what | median | least | CPU, median |\n|---|---|---|---|")
    for name, runs in taken.items():
        seconds = [m.seconds for m in runs]
        cpu = statistics.median(m.cpu for m in runs)
        print(f"| {name} | {statistics.median(seconds):.2f} s | {min(seconds):.2f} s | {cpu:.2f} s |")
    print(f"\n| {condition}: claim | median of the rounds | least to most | limit | |\n|---|---|---|---|---|")
    within = True
    for ours, theirs, limit in CLAIMS:
        if ours not in taken:
            within = False
            print(f"| {ours} / ({theirs}) | not measured: no {shlex.split(WRITE_ALONE)[0]} | | {limit} x | |")
            continue
        ratios = [a.seconds / b.seconds for a, b in zip(taken[ours], taken[theirs])]
        value = statistics.median(ratios)
        within &= limit is None or value <= limit
        print(f"| {ours} / ({theirs}) | {value:.2f} x | {min(ratios):.2f} to {max(ratios):.2f} | "
              f"{f'{limit} x' if limit else 'none'} | {verdict(value, limit)} |")
    for name in (COMPLETE, ALONE):
        if name in taken:
            peak = max(m.peak_kib for m in taken[name]) / 1024
            within &= peak <= PEAK_MIB
            print(f"| peak resident memory, {name} | {peak:.1f} MiB | | {PEAK_MIB} MiB | {verdict(peak, PEAK_MIB)} |")
    dry = statistics.median(m.seconds for m in taken[DRY_RUN])
    print(f"| dry run | {dry:.3f} s | | {DRY_RUN_SECONDS} s | {verdict(dry, DRY_RUN_SECONDS)} |")
    return within and dry <= DRY_RUN_SECONDS


def bench(args, work):
    tree = base_tree(work, args.megabytes)
    base = work / "base.iso"
    write_base(tree, base)
    it = Bench(work, base, bundle(work, 60))
    quiet(*it.build(None, it.result))
    # Neighbours are compared, so that they run back to back in either order.
    subjects = {DRY_RUN: it.dry_run, COPY: it.copy, ALONE: it.write_alone, DIGESTS: it.digests, COMPLETE: it.complete,
                XORRISO: it.xorriso, UNSYNCED: it.xorriso_unsynced}
    if shutil.which(shlex.split(WRITE_ALONE)[0]) is None:
        del subjects[ALONE]
    sizes = [p.stat().st_size / 1e6 for p in (base, it.result)]
    print(f"Base {sizes[0]:.0f} MB, result {sizes[1]:.0f} MB, {args.runs} rounds warm, {args.idle_runs} idle, "
          f"{os.cpu_count()} CPUs, Linux {os.uname().release}, every input cached.", flush=True)
    within = True
    for condition, runs in ((warm, args.runs), (idle, args.idle_runs)):
        if runs:
            within &= tables(rounds(it, subjects, condition, runs), condition.__name__)
    if not args.no_large:
        print("\n| a file of more than 4 GiB | measured | | limit |\n|---|---|---|---|")
        within &= large(work, it, tree, print)
    if not within:
        print("\nA limit was exceeded or not measured.", file=sys.stderr)
    return 1 if args.check and not within else 0


if __name__ == "__main__":
    sys.exit(main())
