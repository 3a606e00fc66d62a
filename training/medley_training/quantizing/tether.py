"""Runs a command that ends with whoever started it: ``python tether.py COMMAND...``.

The starter holds the other end of standard input, which the kernel closes however the starter ends,
SIGKILL included. Then this whole process group is killed: the command and what it has started. It
must lead a group of its own, and imports nothing of ours.
"""

import os
import signal
import subprocess
import sys
import threading


def main(*command: str) -> int:
    threading.Thread(target=_end_with_the_starter, daemon=True).start()
    return subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode


def _end_with_the_starter() -> None:
    os.read(0, 1)  # nothing is ever written
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
