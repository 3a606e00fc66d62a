"""``python -m medley_training.flower superlink|supernode PARENT …``: a `FlowerProcess`."""

import os
import signal
import sys
import threading
import time
import traceback

_EVERY_S = 0.3
_SIGN_OFF_S = 2.0


def main() -> None:
    """Run Flower's program with the rest of the command line, as long as our parent lives."""
    program, parent = sys.argv.pop(1), int(sys.argv.pop(1))
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    sys.argv[0] = f"flower-{program}"
    code: object = 0
    try:
        _run(program)
    except SystemExit as ended:
        code = ended.code
    except Exception:  # a coordinator that does not take its node is one
        traceback.print_exc()
        code = 1
    # All is said. What is left, the interpreter's own end, can wait for a thread of gRPC for ever,
    # and nobody would see to it: our thread does not run any more by then.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


def _run(program: str) -> None:
    if program == "superlink":
        from flwr.server.app import run_superlink

        run_superlink()
    else:
        from medley_training.flower.supernode import run_supernode

        run_supernode()


def _end_with(parent: int) -> None:
    # Flower has no such option of its own for these two, and one that a parent leaves behind when
    # it is killed would keep the port, or keep the site's place at the coordinator.
    while os.getppid() == parent:
        time.sleep(_EVERY_S)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_SIGN_OFF_S)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
