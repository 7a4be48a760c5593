#!/usr/bin/env python3
"""tidy.py FROM TO - what make.gen.sh saved, with names in place of this machine's ports, below TO.

The healthy site's servers answer at their ports, which nobody does beside the fake machines.
"""
import json
import re
import sys
from pathlib import Path

source, target = map(Path, sys.argv[1:])


def tidied(capture: dict, healthy: bool) -> dict:
    probes = capture["answers"]["by_probe"]
    if capture["connection"]["by"] == "vsphere":
        if capture["kind"] == "vcenter":
            capture["target"] = "vc01.example.test"
        for answer in probes.values():
            answer["text"] = re.sub(r"127\.0\.0\.1:\d+", capture["target"], answer["text"])
    for name in ("query", "ports"):
        if name in probes:
            text = probes[name]["text"]
            text = re.sub(r"vcenter 127\.0\.0\.1 \d+ 127\.0\.0\.1", "vcenter vc01.example.test 443 192.0.2.5", text)
            probes[name]["text"] = re.sub(r"vcenter 127\.0\.0\.1 \d+", "vcenter vc01.example.test 443", text)
    if "ports" in probes and probes["ports"]["text"]:
        text = probes["ports"]["text"]
        lines = text.splitlines()
        # Which port answers first is the clock's doing.
        lines = [line for line in lines if not line.startswith("port ")] + sorted(
            line for line in lines if line.startswith("port ")
        )
        if healthy and lines[0] == "agent -":
            address = {"configuration-server": "192.0.2.20", "process-server": "192.0.2.21"}
            if "process-server" in text:
                lines[0] = "agent cs01.example.test"
                conf = probes["agent-conf"]
                conf["text"] = conf["text"].replace("Role=", "Hostname=cs01.example.test\nRole=")
            for number, line in enumerate(lines):
                words = line.split()
                if words[0] == "at" and len(words) == 4:
                    lines[number] = f"{line} {address[words[1]]}"
                if words[0] == "port" and words[1] in address:
                    status = 400 if words[1] == "process-server" else 200
                    lines[number] = f"{' '.join(words[:4])} open yes {status} "
        probes["ports"]["text"] = "".join(f"{line}\n" for line in lines)
    return capture


def of_host(capture: dict) -> dict:
    """What check esxi vsphere:// asks: the same answers as check vcenter's, of a target of another kind."""
    capture["kind"], capture["target"] = "esxi", "esx01.example.test"
    return capture


for path in sorted(source.glob("**/*.json")):
    capture = json.loads(path.read_text())
    if "schema" not in capture:
        continue
    if path.name.startswith("esxi-"):
        capture = of_host(capture)
    to = target / path.relative_to(source)
    to.parent.mkdir(exist_ok=True)
    text = json.dumps(tidied(capture, path.parent.name == "good"), indent=2, ensure_ascii=False)
    to.write_text(text + "\n")
