#!/usr/bin/env python3
"""same-files.py BASE RESULT --changed PATH... --added PATH... - is every untouched file of BASE in RESULT, byte for byte?

BASE and RESULT are extracted trees. PATHs count from the root; --added PATH means everything below it too. Exit 1 when a
file was lost, changed or added without being named, or when a named change did not happen.
"""
import argparse
import filecmp
import os
import sys


def tree(root):
    """Every file, directory and link of root: path -> kind."""
    found = {}
    for here, dirs, files in os.walk(root):
        for name in dirs + files:
            full = os.path.join(here, name)
            kind = "link" if os.path.islink(full) else "dir" if os.path.isdir(full) else "file"
            found["/" + os.path.relpath(full, root)] = kind
    return found


def same(base, result, path, kind):
    a, b = base + path, result + path
    if kind == "link":
        return os.readlink(a) == os.readlink(b)
    return kind == "dir" or filecmp.cmp(a, b, shallow=False)


parser = argparse.ArgumentParser()
parser.add_argument("base")
parser.add_argument("result")
parser.add_argument("--changed", nargs="*", default=[])
parser.add_argument("--added", nargs="*", default=[])
args = parser.parse_args()
base, result = tree(args.base), tree(args.result)
wrong = [f"lost: {p}" for p in base if p not in result]
wrong += [f"added: {p}" for p in result if p not in base and not any(p == a or p.startswith(a + "/") for a in args.added)]
wrong += [f"named as added, but absent: {a}" for a in args.added if a not in result]
common = [p for p in base if p in result]
wrong += [f"other kind: {p}" for p in common if base[p] != result[p]]
differing = {p for p in common if base[p] == result[p] and not same(args.base, args.result, p, base[p])}
wrong += [f"changed: {p}" for p in sorted(differing - set(args.changed))]
wrong += [f"named as changed, but the same: {p}" for p in args.changed if p not in differing]
print("\n".join(wrong))
print(f"{len(common) - len(differing)} entries the same, {len(differing)} changed, {len(result) - len(common)} added, {len(wrong)} wrong")
sys.exit(1 if wrong else 0)
