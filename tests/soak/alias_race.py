"""Processes that move one alias at the same time.

python -m tests.soak.alias_race [--processes 8] [--moves 1000] [--store disk|scale]

Each process has two versions of its own and points the alias at them in turn, so that every call is
a move. What must come out: generations from 1 without a gap, every process's moves in its order,
and nobody told that the database is locked. How long a call took is printed, waiting included.
"""

import argparse
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from unittest.mock import patch

from medley_registry import Registry, open_registry

from tests.builders import TINY, make_adapter, make_base
from tests.invariants import assert_sound

FORK = multiprocessing.get_context("fork")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--moves", type=int, default=1000)
    parser.add_argument("--store", choices=["disk", "scale"], default="disk")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        place, environment = _place(options.store, Path(name))
        with patch.dict(os.environ, environment):
            with open_registry(**place, create=True) as registry:
                _prepare(registry, Path(name), versions=2 * options.processes)
            took_s = race(place, processes=options.processes, moves=options.moves)
            with open_registry(**place) as registry:  # type: ignore[arg-type]
                check(registry, processes=options.processes, moves=options.moves)
    report(took_s, options)
    return 0


def race(place: dict[str, str], *, processes: int, moves: int) -> list[float]:
    """Let them run; gives how long each call took, in seconds."""
    results = FORK.SimpleQueue()
    children = [
        FORK.Process(target=_move, args=(place, n, moves, results)) for n in range(processes)
    ]
    for child in children:
        child.start()
    took_s = [seconds for _ in children for seconds in results.get()]
    for child in children:
        child.join()
        assert child.exitcode == 0
    return took_s


def check(registry: Registry, *, processes: int, moves: int) -> None:
    """Nothing was lost, and everything is in order."""
    history = registry.history("notes", alias="production")
    assert [move.generation for move in history] == list(range(1, processes * moves + 1))
    for n in range(processes):
        targets = [move.to_number for move in history if move.actor == f"p{n}"]
        assert targets == [2 * n + 1 + turn % 2 for turn in range(moves)]
    assert_sound(registry, registry.blobs)


def report(took_s: list[float], options: argparse.Namespace) -> None:
    percentiles = statistics.quantiles(took_s, n=100)
    print(
        f"{options.processes} processes x {options.moves} moves on {options.store}: "
        f"median {percentiles[49] * 1000:.1f} ms, p99 {percentiles[98] * 1000:.1f} ms, "
        f"longest {max(took_s) * 1000:.0f} ms; no move lost, none refused"
    )


def _place(store: str, folder: Path) -> tuple[dict[str, str], dict[str, str]]:
    if store == "disk":
        return {"location": str(folder / "registry")}, {}
    from tests.stores.postgres import running_postgres
    from tests.stores.s3 import running_s3

    s3 = running_s3()
    place = {"location": running_postgres().url, "blobs": s3.make_bucket(), "tenant": "race"}
    return place, s3.environment


def _prepare(registry: Registry, folder: Path, *, versions: int) -> None:
    registry.add_base(TINY, make_base(folder / "base"), actor="ada")
    for content in range(1, versions + 1):
        adapter = make_adapter(folder / f"adapter-{content}", fill=content)
        registry.publish(adapter, name="notes", base=TINY, actor="ada")


def _move(
    place: dict[str, str], n: int, moves: int, results: "multiprocessing.SimpleQueue[list[float]]"
) -> None:
    took_s = []
    with open_registry(**place) as registry:  # type: ignore[arg-type]
        for turn in range(moves):
            begin = time.perf_counter()
            registry.promote("notes", 2 * n + 1 + turn % 2, actor=f"p{n}")
            took_s.append(time.perf_counter() - begin)
    results.put(took_s)


if __name__ == "__main__":
    sys.exit(main())
