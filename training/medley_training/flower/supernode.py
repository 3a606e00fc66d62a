"""Flower's SuperNode, made to end where Flower's own would go on without a question or an answer.

When its coordinator is killed while it fetches a question, Flower's own waits for ever for the
answer to it. When the run is over by then, it offers the question all the same, and a site waits
for the rest of it. When it cannot deliver an answer, it drops it. Each time it stays connected, and
what it was asked counts as under way for as long as it does. So ours ends: the site knocks, its
node comes up anew, and that is what a coordinator asks again for.
"""

import logging
import os
import signal
import threading

_LOST = (  # as Flower logs it; nothing else tells
    "Failed to receive message %s: %s",
    "Run ID %s is not in `RUNNING` status. Ignoring message %s.",
    "Failed to send message %s: %s",
)


def run_supernode() -> None:
    """Run Flower's program with this process's command line."""
    from flwr.common.logger import FLOWER_LOGGER
    from flwr.supernode.cli import flower_supernode

    FLOWER_LOGGER.addHandler(EndAtLoss())
    threading.excepthook = end_with_thread
    flower_supernode()


class EndAtLoss(logging.Handler):
    """Ends the thread that logs such a loss, once it is written."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.msg in _LOST:
            raise SystemExit(1)


def end_with_thread(failed: threading.ExceptHookArgs) -> None:
    """End this process in order when one of its threads fails.

    Without the one that tells the coordinator every half minute that we are here, we would count
    as away, be asked nothing, and wait for that.
    """
    threading.__excepthook__(failed)
    os.kill(os.getpid(), signal.SIGTERM)
