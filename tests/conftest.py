"""Settings for every test."""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

if "PYTEST_XDIST_WORKER" in os.environ:
    # Workers that each use every core spend their time waiting for each other's threads.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Shells start what they put in the background so, and the programs that tests interrupt would
    # inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)

_SLOW = [Path(__file__).parent / folder for folder in ("stores", "faults", "flower")]

# A shared machine is slow at times; a deadline per example would fail for that alone. `make check`
# draws fewer examples than `make test`.
settings.register_profile("full", deadline=None)
settings.register_profile("quick", deadline=None, max_examples=20)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "full"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs servers or hundreds of processes: `make test` runs it, `make check` not."""
    for item in items:
        parameters = getattr(item, "callspec", None)
        is_at_scale = parameters is not None and "scale" in parameters.params.values()
        if is_at_scale or item.path.parent in _SLOW:
            item.add_marker("slow")
        if item.path.parent.name == "flower":  # each of them has a dozen processes for itself
            item.add_marker(pytest.mark.xdist_group("flower"))
