"""A `medley` command that ends with the process that started it.

::

    python -m medley.tethered PID serve --base ...

Whoever is killed cannot stop what it has started. Linux can: the command is then sent SIGTERM, at
which a server ends in order, with its engine. Elsewhere it is a command as any other.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def tether(parent: int) -> None:
    """Let this process be sent SIGTERM as soon as `parent`, which started it, is gone.

    For Linux that is the thread that started it, so it has to be one that stays.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # gone before there was anything to be sent
        sys.exit(1)


if __name__ == "__main__":
    from medley.cli import main

    tether(int(sys.argv[1]))
    main(sys.argv[2:])
