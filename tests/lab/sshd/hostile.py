#!/usr/bin/env python3
"""hostile.py FILE CAPTURE - stands where a shell should (sshd's ForceCommand) on a host that means harm: it reads the script and
answers every probe in the frames that the script asks for. CAPTURE holds true answers, FILE one of the kinds:
  words     every answer a line of very many words      path      every answer a path of very many parts
  lines     every answer very many short lines          brackets  every answer brackets and quotes inside each other
  repeated  every true answer over and over             chains    mounts and devices that stand on each other without end
  long      three answers of more than a MiB            frames    frames inside frames, probes nobody asked, doubled ends
  endless   one answer that does not end                complaint standard error that does not end
  slow      a byte now and then
"""
import json, re, sys, time

ROOM = 3_900_000                               # less than what is read of one host altogether
with open(sys.argv[1]) as file:
    kind = file.read().strip()
script = sys.stdin.read()
frame = re.search(r'FRAME="(::[0-9a-f]+)"', script).group(1)
names = re.findall(r"printf '%s probe ([a-z0-9-]+)\\n'", script)
out = sys.stdout


def answer(name, text):
    out.write(f"{frame} probe {name}\n{text}\n{frame} status 0\n")


def filled(unit, most):
    return (unit * (most // max(len(unit), 1) + 1))[:most]


def true_answers():
    with open(sys.argv[2]) as capture:
        by_probe = json.load(capture)["answers"]["by_probe"]
    return {name: answer["text"] for name, answer in by_probe.items()}


def mount(number, point):
    return f"{number} {number - 1} 8:1 / {point} rw - ext4 /dev/sda1 rw\n"


def chains(most):
    rows = range(2, most // 60)
    return {
        "mountinfo": mount(1, "/") + "".join(mount(n, "/mnt/retention") for n in rows),
        "block": "".join(f"device d{n}\ndev 8:{n}\nsize 9\nro 0\nslave d{n - 1}\nslave d{n + 1}\n" for n in rows),
        "fstab": "".join(f"/dev/sda1 /mnt/retention ext4 defaults 0 0\nUUID={n} /m{n} xfs defaults 0 0\n" for n in rows),
        "swaps": "".join(f"/dev/sda{n} partition 1 0 -1\n" for n in rows),
        "scsi-ids": "".join(f"disk sd{n}\n36000c29a\nstatus 0\n" for n in rows),
        "multipath": "".join(f"3600c{n} dm-{n} VMware,Virtual disk\nsize=1G\n`- 0:0:0:0 sda 8:0 active\n" for n in rows),
        "modules": "".join(f"module m{n}\n" for n in rows),
        "packages": "manager rpm\n" + "".join(f"bash {n} 1 x86_64\n" for n in rows),
        "processes": "".join(f"{n} svagents\n" for n in rows),
    }


room = min(ROOM // len(names), 250_000)
out.write(f"\n{frame} begin preflight-script/1\n")
if kind in ("endless", "complaint", "slow"):
    out.write(f"{frame} probe {names[0]}\n")
    out.flush()
    stream = sys.stderr if kind == "complaint" else out
    while True:
        stream.write("y" if kind == "slow" else "y\n" * 32768)
        stream.flush()
        if kind == "slow":
            time.sleep(0.05)
if kind == "repeated":
    for name, text in true_answers().items():
        answer(name, filled(text + "\n", room) if text else "")
elif kind == "chains":
    made = chains(200_000)
    for name, text in true_answers().items():
        answer(name, made.get(name, text))
elif kind == "long":
    for name in names[:3]:
        answer(name, "x " * 600_000)
elif kind == "frames":
    for name in names * 3:
        answer(name, filled(f"{frame} probe {name}\n::x status 0\n{frame} begin\n", room // 3))
    for number in range(5000):
        answer(f"nobody-asked-{number}", "x")
    out.write(f"{frame} end\n" * 1000)
else:
    unit = {"words": "Linux a b ", "path": "/a", "lines": "a b c d\n", "brackets": "[{(\"'"}[kind]
    for name in names:
        answer(name, filled(unit, room))
out.write(f"{frame} end\n")
