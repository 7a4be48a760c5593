#!/usr/bin/env python3
"""ks-sections.py RHEL6|RHEL7 KS OUTDIR - split a kickstart into its scripts with pykickstart, the installer's own parser.

Writes NN-pre|post[-nochroot].sh per script and packages.txt, and prints one line each.
"""
import pathlib
import sys

from pykickstart.constants import KS_SCRIPT_POST, KS_SCRIPT_PRE
from pykickstart.parser import KickstartParser
from pykickstart.version import RHEL6, RHEL7, makeVersion

release, kickstart, out = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
out.mkdir(parents=True, exist_ok=True)
handler = makeVersion({"RHEL6": RHEL6, "RHEL7": RHEL7}[release])
KickstartParser(handler, missingIncludeIsFatal=False).readKickstart(kickstart)
for number, script in enumerate(handler.scripts):
    kind = {KS_SCRIPT_PRE: "pre", KS_SCRIPT_POST: "post"}.get(script.type, "other")
    path = out / f"{number:02d}-{kind}{'' if script.inChroot or kind == 'pre' else '-nochroot'}.sh"
    path.write_text(f"#!{script.interp}\n{script.script}")
    path.chmod(0o755)
    print(path.name, "line", script.lineno, "erroronfail", script.errorOnFail, "log", script.logfile)
packages = handler.packages
wanted = [f"@{group.name}" for group in packages.groupList] + list(packages.packageList)
(out / "packages.txt").write_text("\n".join(wanted) + "\n")
print("packages", len(packages.packageList), "groups", [group.name for group in packages.groupList])
