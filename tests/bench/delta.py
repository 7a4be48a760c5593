#!/usr/bin/env python3
"""delta.py [--runs N] [--megabytes N] [--check] [--keep DIR] - what a delta costs, and an image on standard output.

Makes the base medium, the bundle and the image of build-image.py, and a second medium with the same files of which every one
lies elsewhere, and measures preflight and xdelta3 (and rsync, when it is installed) in turn, in one run, every input cached
and each command warm as build-image.py means it. Prints Markdown tables for docs/benchmarks.md. --check exits 1 when a limit
is exceeded. Needs what build-image.py needs, and xdelta3.

PREFLIGHT        the binary (default: target/release/preflight)
"""
import argparse
import importlib.util
import os
import pathlib
import shutil
import statistics
import sys
import tempfile

spec = importlib.util.spec_from_file_location("build_image", pathlib.Path(__file__).with_name("build-image.py"))
common = importlib.util.module_from_spec(spec)
spec.loader.exec_module(common)

MAKE, XDELTA, RSYNC = "build delta", "xdelta3 -e", "rsync --only-write-batch"
REBUILD, XREBUILD = "build image --from-delta", "xdelta3 -d + sync + sha256sum"
STREAM, FILE = "build image -o - into a file + sync", "complete build"
# What is compared: ours, theirs, the limit.
CLAIMS = [(MAKE, XDELTA, 1.0), (MAKE, RSYNC, 1.0), (REBUILD, XREBUILD, 1.3), (STREAM, FILE, 1.6)]
PEAK_MIB = 64


class Deltas:
    """The commands. Whatever they make is named out.*, and removed before the next."""

    def __init__(self, it, moved):
        self.it, self.moved, self.work = it, moved, it.work
        self.kept = {name: it.work / f"kept.{name}" for name in ("delta", "xdelta")}

    def run(self, *commands):
        for path in self.work.glob("out.*"):
            path.unlink()
        os.sync()
        common.warm(self.work)
        return common.measure(*commands, memory=True)

    def make(self):
        return self.run([common.PREFLIGHT, "build", "delta", self.it.result, "--base", self.it.base, "-o", self.work / "out.delta"])

    def xdelta(self):
        return self.run(["xdelta3", "-e", "-f", "-s", self.it.base, self.it.result, self.work / "out.xdelta"],
                        ["sync", self.work / "out.xdelta"])

    def rsync(self):
        # It compares with a file of the same name, which --only-write-batch leaves alone.
        there = self.work / "there"
        there.mkdir(exist_ok=True)
        if not (there / "result.iso").exists():
            os.link(self.it.base, there / "result.iso")
        return self.run(["rsync", "--no-whole-file", "--ignore-times", f"--only-write-batch={self.work}/out.batch", self.it.result,
                         f"{there}/"], ["sync", self.work / "out.batch"])

    def rebuild(self):
        return self.run([common.PREFLIGHT, "build", "image", "--from-delta", self.kept["delta"], "--base", self.it.base,
                         "-o", self.work / "out.iso"])

    def xrebuild(self):
        out = self.work / "out.iso"
        return self.run(["xdelta3", "-d", "-f", "-s", self.it.base, self.kept["xdelta"], out], ["sync", out], ["sha256sum", out])

    def stream(self):
        out = self.work / "out.iso"
        words = [str(word) for word in self.it.build(None, "-")]
        return self.run(["sh", "-c", 'out=$1; shift; exec "$@" > "$out"', "sh", out, *words], ["sync", out])

    def file(self):
        return self.run(self.it.build())


def sizes(deltas):
    """Bytes of the deltas, of the image and of the medium whose files lie elsewhere; the former are kept."""
    work, base = deltas.work, deltas.it.base
    rows = []
    for what, image in (("the image", deltas.it.result), ("the same files in another order", deltas.moved)):
        ours, theirs, batch = work / "sizes.delta", work / "sizes.xdelta", work / "sizes.batch"
        common.quiet(common.PREFLIGHT, "build", "delta", image, "--base", base, "-o", ours, "--overwrite")
        common.quiet("xdelta3", "-e", "-f", "-s", base, image, theirs)
        row = [what] + [path.stat().st_size / 1e6 for path in (image, ours, theirs)]
        if shutil.which("rsync"):
            there = work / "there"
            there.mkdir(exist_ok=True)
            (there / image.name).unlink(missing_ok=True)
            os.link(base, there / image.name)
            common.quiet("rsync", "--no-whole-file", "--ignore-times", f"--only-write-batch={batch}", image, f"{there}/")
            row.append(batch.stat().st_size / 1e6)
        rows.append(row)
        if image == deltas.it.result:
            shutil.copy(ours, deltas.kept["delta"])
            shutil.copy(theirs, deltas.kept["xdelta"])
    common.quiet(common.PREFLIGHT, "build", "image", "--from-delta", deltas.kept["delta"], "--base", base, "-o", work / "back.iso")
    common.quiet("cmp", work / "back.iso", deltas.it.result)
    (work / "back.iso").unlink()
    return rows


def bench(args, work):
    tree = common.base_tree(work, args.megabytes)
    base = work / "base.iso"
    common.write_base(tree, base)
    it = common.Bench(work, base, common.bundle(work, 60))
    common.quiet(*it.build(None, it.result))
    # Every file of the tree behind what is written first: all extents move, by no multiple of anything.
    common.noise(tree / ".discinfo.0", 3 * common.MIB + 1, "first")
    moved = work / "moved.iso"
    common.write_base(tree, moved)
    deltas = Deltas(it, moved)
    table = sizes(deltas)
    subjects = {MAKE: deltas.make, XDELTA: deltas.xdelta, RSYNC: deltas.rsync, REBUILD: deltas.rebuild,
                XREBUILD: deltas.xrebuild, STREAM: deltas.stream, FILE: deltas.file}
    if not shutil.which("rsync"):
        del subjects[RSYNC]
    taken = {name: [] for name in subjects}
    for number in range(args.runs):
        for name in list(subjects)[::-1 if number % 2 else 1]:
            taken[name].append(subjects[name]())
    print(f"\nBase {base.stat().st_size / 1e6:.0f} MB, {args.runs} rounds, {os.cpu_count()} CPUs, Linux {os.uname().release}.")
    print("\n| MB | itself | preflight | xdelta3 | rsync batch |\n|---|---|---|---|---|")
    for what, *numbers in table:
        print(f"| {what} | " + " | ".join(f"{number:.1f}" for number in numbers) + " |")
    print("\n| what | median | least | CPU, median | peak memory |\n|---|---|---|---|---|")
    for name, runs in taken.items():
        seconds = [m.seconds for m in runs]
        cpu, peak = statistics.median(m.cpu for m in runs), max(m.peak_kib for m in runs) / 1024
        print(f"| {name} | {statistics.median(seconds):.2f} s | {min(seconds):.2f} s | {cpu:.2f} s | {peak:.0f} MiB |")
    print("\n| claim | median of the rounds | least to most | limit | |\n|---|---|---|---|---|")
    within = True
    for ours, theirs, limit in CLAIMS:
        if theirs not in taken:
            continue
        ratios = [a.seconds / b.seconds for a, b in zip(taken[ours], taken[theirs])]
        value = statistics.median(ratios)
        within &= value <= limit
        print(f"| {ours} / ({theirs}) | {value:.2f} x | {min(ratios):.2f} to {max(ratios):.2f} | {limit} x | "
              f"{common.verdict(value, limit)} |")
    for name in (MAKE, REBUILD, STREAM):
        peak = max(m.peak_kib for m in taken[name]) / 1024
        within &= peak <= PEAK_MIB
        print(f"| peak resident memory, {name} | {peak:.1f} MiB | | {PEAK_MIB} MiB | {common.verdict(peak, PEAK_MIB)} |")
    return 0 if within or not args.check else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=4)
    parser.add_argument("--megabytes", type=int, default=700)
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


if __name__ == "__main__":
    sys.exit(main())
