#!/usr/bin/env python3
"""terminal.py LIMIT STEP... -- COMMAND - runs a command on a terminal of its own, and answers what it asks.

Steps, in order: see:TEXT waits until the terminal has shown it, unseen:TEXT waits until it has stopped echoing and then for the
text; type:TEXT types it (\\n is Enter, \\x03 is Ctrl-C); wait:SECONDS; kill:NAME sends a signal; noise:SECONDS types a line ten times
a second. After the last step the command is waited for. Prints JSON: said (what the terminal showed), code, echo (whether it echoes
at the end), took (seconds), step (the step that was not done in time, or null), left (what was typed and read by nobody).
"""
import errno, fcntl, json, os, select, signal, struct, subprocess, sys, termios, time


def main():
    limit, words = float(sys.argv[1]), sys.argv[2:]
    steps, command = words[:words.index("--")], words[words.index("--") + 1:]
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))

    def own():
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    began = time.monotonic()
    child = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, preexec_fn=own, close_fds=True)
    said = b""

    def listen(wait):
        nonlocal said
        if select.select([master], [], [], wait)[0]:
            try:
                said += os.read(master, 65536)
            except OSError as error:
                if error.errno != errno.EIO:
                    raise

    def echoes():
        return bool(termios.tcgetattr(slave)[3] & termios.ECHO)

    def over():
        return time.monotonic() - began > limit

    missed, at = None, 0
    for step in steps:
        kind, _, text = step.partition(":")
        text = text.encode().decode("unicode_escape")
        if kind in ("see", "unseen"):
            while True:
                found = said.find(text.encode("latin-1"), at)
                if found >= 0 and (kind == "see" or not echoes()):
                    at = found + len(text)
                    break
                if over() or (child.poll() is not None and not select.select([master], [], [], 0)[0]):
                    missed = step
                    break
                listen(0.02)
        elif kind == "type":
            os.write(master, text.encode("latin-1"))
        elif kind == "wait":
            end = time.monotonic() + float(text)
            while time.monotonic() < end:
                listen(0.02)
        elif kind == "noise":
            end = time.monotonic() + float(text)
            while time.monotonic() < end:
                os.write(master, b"typed-ahead\n")
                listen(0.1)
        elif kind == "kill":
            child.send_signal(getattr(signal, "SIG" + text))
        if missed:
            break
    while child.poll() is None and not over():
        listen(0.02)
    took = time.monotonic() - began
    if child.poll() is None:
        missed = missed or "the end"
        child.kill()
        child.wait()
    listen(0.1)
    # What a shell would read next.
    settings = termios.tcgetattr(slave)
    echo = bool(settings[3] & termios.ECHO)
    settings[3] &= ~termios.ICANON
    termios.tcsetattr(slave, termios.TCSANOW, settings)
    left = os.read(slave, 65536) if select.select([slave], [], [], 0.05)[0] else b""
    print(json.dumps({"said": said.decode("utf-8", "replace"), "code": child.returncode, "echo": echo, "took": took,
                      "step": missed, "left": left.decode("utf-8", "replace")}))


main()
