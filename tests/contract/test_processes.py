"""Processes that race for one registry; those that are killed meanwhile are in tests/faults."""

import multiprocessing
import random
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from medley_registry import Registry, StaleGeneration, open_registry
from medley_registry.backends.folder import FolderBlobs

from tests.builders import TINY, make_adapter, make_base
from tests.invariants import assert_sound

pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")

# Forked, so that a child costs milliseconds; each opens the registry for itself.
FORK = multiprocessing.get_context("fork")
PROCESSES = 4


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with a registry in it that knows the tiny base."""
    with open_registry(tmp_path / "registry", create=True) as registry:
        registry.add_base(TINY, make_base(tmp_path / "base"), actor="ada")
    make_adapters(tmp_path, range(1, 7))
    return tmp_path


def make_adapters(home: Path, contents: Iterable[int]) -> None:
    for content in contents:
        make_adapter(home / f"adapter-{content}", fill=content)


def opened(home: Path) -> Registry:
    return open_registry(home / "registry")


def assert_sound_at(home: Path) -> None:
    with opened(home) as registry:
        assert_sound(registry, FolderBlobs(home / "registry/blobs"))


def run_together(work: Callable[[Path, int], None], home: Path) -> None:
    children = [FORK.Process(target=work, args=(home, n)) for n in range(PROCESSES)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0] * PROCESSES


def publish(registry: Registry, home: Path, content: int) -> int:
    folder = home / f"adapter-{content}"
    return registry.publish(folder, name="notes", base=TINY, actor="ada").number


def publish_all(home: Path, seed: int) -> None:
    contents = random.Random(seed).sample(range(1, 7), k=6)
    with opened(home) as registry:
        for content in contents:
            publish(registry, home, content)


def move_ten_times(home: Path, number: int) -> None:
    with opened(home) as registry:
        done = 0
        while done < 10:
            found = registry.aliases("notes")
            generation = found[0].generation if found else 0
            target = generation % 2 + 1
            try:
                registry.promote(
                    "notes", target, actor=f"p{number}", expected_generation=generation
                )
            except StaleGeneration:
                continue
            done += 1


def check_out_all(home: Path, number: int) -> None:
    with opened(home) as registry:
        for version in registry.versions("notes"):
            registry.checkout(version, home / "checkouts")


def test_racing_publishers_get_dense_numbers_and_one_version_per_content(home: Path) -> None:
    run_together(publish_all, home)

    assert_sound_at(home)
    with opened(home) as registry:
        assert len(registry.versions("notes")) == 6


def test_racing_promotions_with_an_expected_generation_lose_no_move(home: Path) -> None:
    publish_all(home, seed=0)

    run_together(move_ten_times, home)

    assert_sound_at(home)
    with opened(home) as registry:
        history = registry.history("notes")
    assert len(history) == PROCESSES * 10
    assert {move.actor for move in history} == {f"p{n}" for n in range(PROCESSES)}


def test_racing_checkouts_all_succeed(home: Path) -> None:
    publish_all(home, seed=0)

    run_together(check_out_all, home)

    assert len([f for f in (home / "checkouts").iterdir() if (f / ".ready").exists()]) == 6
