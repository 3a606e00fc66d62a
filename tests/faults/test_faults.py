"""A few of the points at which every operation is struck; `tests.soak.faults` strikes at all."""

import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import Executor

import pytest

from tests.faults.examine import Survey, Verdict, examine, examiners, sample, survey
from tests.faults.full_disk import MOVES, fill, run_dry
from tests.faults.operations import OPERATIONS
from tests.faults.points import Family

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the shim is for Linux"),
    pytest.mark.skipif(shutil.which("cc") is None, reason="the shim needs a C compiler"),
]

RESERVE_BYTES = 64_000_000

Samples = dict[str, tuple[Survey, list[Verdict]]]


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Executor]:
    with examiners(2, tmp_path_factory.mktemp("faults")) as workers:
        yield workers


@pytest.fixture(scope="module")
def samples(workers: Executor) -> Samples:
    """Part of the points of each operation, examined side by side."""
    futures = {name: workers.submit(sample, name, of_each_family=2) for name in OPERATIONS}
    return {name: future.result() for name, future in futures.items()}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_no_fault_breaks_an_invariant_or_loses_what_was_acknowledged(
    samples: Samples, operation: str
) -> None:
    _, verdicts = samples[operation]

    broken = [v for v in verdicts if v.finding and v.point.family is not Family.CONTROL]
    assert [str(verdict) for verdict in broken] == []


def test_a_disk_that_ignores_syncs_is_noticed(samples: Samples) -> None:
    verdicts = [verdict for _, verdicts in samples.values() for verdict in verdicts]
    controls = [verdict for verdict in verdicts if verdict.point.family is Family.CONTROL]

    assert controls
    assert [str(verdict.point) for verdict in controls if not verdict.finding] == []


def test_an_index_that_is_written_before_the_bytes_is_noticed(workers: Executor) -> None:
    found = workers.submit(survey, "row-first").result()
    kills = [point for point in found.points if point.family is Family.KILL]

    assert any(verdict.finding for verdict in workers.map(examine, kills[::9]))


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_blob_is_durable_before_the_index_names_it(samples: Samples, operation: str) -> None:
    found, _ = samples[operation]

    assert found.disorder == []


@pytest.mark.parametrize("operation", OPERATIONS)
def test_nothing_is_written_unseen(samples: Samples, operation: str) -> None:
    found, _ = samples[operation]

    assert found.is_seen_whole


def test_aliases_still_move_when_there_is_no_room_to_publish(workers: Executor) -> None:
    filled = workers.submit(fill, free_bytes=RESERVE_BYTES + 300_000).result()

    assert filled.published > 0
    assert "no room" in filled.refusal
    assert filled.moves == 2 * MOVES


def test_versions_are_still_found_when_not_a_byte_is_left(workers: Executor) -> None:
    assert "cannot be used" in workers.submit(run_dry).result()
