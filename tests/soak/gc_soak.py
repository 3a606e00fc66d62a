"""Publishers, readers, deleters and collections at once, each in a process of its own.

python -m tests.soak.gc_soak --seconds 60
python -m tests.soak.gc_soak --seconds 60 --store scale     PostgreSQL and S3
python -m tests.soak.gc_soak --seconds 20 --careless        the control: it must lose blobs

Nothing is kept for a while (grace and retention are zero), so that only the rules stand between a
publisher and a collection. Contents come from a small pool: what one publisher stores, a collection
is just about to remove. Readers take a lease, check out, and count what is missing; a checker runs
`fsck` over and over, which must find nothing at any time.
"""

import argparse
import multiprocessing
import os
import random
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from medley_registry import (
    Damaged,
    NotFound,
    Refused,
    Registry,
    Version,
    VersionState,
    open_registry,
)
from medley_registry.blobs import StoredBlob
from medley_registry.upkeep import collect, collection, fsck

from tests.builders import TINY, make_adapter, make_base
from tests.populated import NOW

CONTENTS = range(1, 41)
ALPHAS = (2, 4)
LIVE_WANTED = 12
# One adapter for so many publications: deleted content comes back under another name only.
PER_ADAPTER = 30


@dataclass(frozen=True, slots=True)
class Scene:
    """Where everything is, and until when it goes on."""

    home: Path
    place: Mapping[str, Any]
    end: float
    environment: Mapping[str, str] = field(default_factory=dict)

    @contextmanager
    def opened(self) -> Iterator[Registry]:
        os.environ.update(self.environment)
        with open_registry(**self.place, create=True) as registry:
            yield registry

    def goes_on(self) -> bool:
        return time.time() < self.end

    def adapter(self, content: int, alpha: int) -> Path:
        return self.home / f"adapter-{content}-{alpha}"


def publisher(scene: Scene, number: int) -> Counter[str]:
    counts: Counter[str] = Counter()
    chance = random.Random(number)
    with scene.opened() as registry:
        while scene.goes_on():
            folder = scene.adapter(chance.choice(CONTENTS), chance.choice(ALPHAS))
            name = f"notes-{number}-{counts['published'] // PER_ADAPTER}"
            try:
                registry.publish(folder, name=name, base=TINY, actor=f"publisher-{number}")
                counts["published"] += 1
            except Refused:  # this content was deleted under this name
                counts["refused"] += 1
    return counts


def reader(scene: Scene, number: int) -> Counter[str]:
    counts: Counter[str] = Counter()
    holder = f"reader-{number}"
    with scene.opened() as registry, tempfile.TemporaryDirectory() as folder:
        while scene.goes_on():
            for version in _some(_live(registry), 3):
                try:
                    registry.leases.take(version, holder=holder, seconds=60)
                    target = Path(folder, str(counts.total()))
                    registry.checkout(version, target)
                    counts["checked out"] += 1
                except NotFound:
                    counts["deleted before it was read"] += 1
                except Damaged:
                    counts["MISSING"] += 1
            registry.leases.release(holder)
    return counts


def deleter(scene: Scene, number: int) -> Counter[str]:
    counts: Counter[str] = Counter()
    with scene.opened() as registry:
        while scene.goes_on():
            live = _live(registry)
            for version in _some(live, max(1, len(live) - LIVE_WANTED)):
                registry.lifecycle.delete(
                    version.adapter, version.number, actor="deleter", reason="soak"
                )
                counts["deleted"] += 1
    return counts


def collector(scene: Scene, number: int) -> Counter[str]:
    counts: Counter[str] = Counter()
    with scene.opened() as registry:
        while scene.goes_on():
            done = collect(registry, actor="collector", grace=NOW, retention=NOW)
            counts["collections"] += 1
            counts["blobs collected"] += done.blobs
    return counts


def careless_collector(scene: Scene, number: int) -> Counter[str]:
    """Removes what nothing reached when it looked, without looking again."""

    def remove(
        registry: Registry, batch: Sequence[StoredBlob], **_: object
    ) -> tuple[int, Sequence[StoredBlob]]:
        with registry.index.write():
            for blob in batch:
                registry.blobs.remove(blob.digest)
        return len(batch), batch

    with patch.object(collection, "_remove", remove):
        return collector(scene, number)


def checker(scene: Scene, number: int) -> Counter[str]:
    counts: Counter[str] = Counter()
    with scene.opened() as registry:
        while scene.goes_on():
            findings = fsck(registry)
            counts["fsck runs"] += 1
            counts["FINDINGS"] += len(findings)
            for finding in findings[:5]:
                print(finding, file=sys.stderr)
    return counts


def _live(registry: Registry) -> list[Version]:
    with registry.index.read() as facts:
        found = facts.all(Version)
    return [version for version in found if version.state is not VersionState.DELETED]


def _some(versions: list[Version], count: int) -> list[Version]:
    if not versions:
        time.sleep(0.05)
    return random.sample(versions, min(count, len(versions)))


@contextmanager
def _scene(store: str, seconds: float) -> Iterator[Scene]:
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        make_base(home / "base")
        place: dict[str, Any] = {"location": home / "registry"}
        environment: Mapping[str, str] = {}
        if store == "scale":
            from tests.stores.postgres import running_postgres
            from tests.stores.s3 import running_s3

            s3 = running_s3()
            place = {"location": running_postgres().url, "blobs": s3.make_bucket()}
            place["tenant"] = f"soak-{uuid.uuid4().hex[:16]}"
            environment = s3.environment
        scene = Scene(home, place, time.time() + seconds, environment)
        for content in CONTENTS:
            for alpha in ALPHAS:
                folder = scene.adapter(content, alpha)
                make_adapter(folder, fill=content, config={"lora_alpha": alpha})
        with scene.opened() as registry:
            registry.add_base(TINY, home / "base", actor="soak")
        yield scene


WORKERS: tuple[Callable[[Scene, int], Counter[str]], ...] = (
    publisher,
    publisher,
    publisher,
    reader,
    reader,
    deleter,
    checker,
)


def main() -> int:
    parser = argparse.ArgumentParser(description="Publish, read, delete and collect at once.")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--store", choices=["disk", "scale"], default="disk")
    parser.add_argument("--careless", action="store_true", help="lose blobs on purpose")
    arguments = parser.parse_args()
    spawned = multiprocessing.get_context("spawn")  # a store's threads would not survive a fork
    counts: Counter[str] = Counter({"MISSING": 0, "FINDINGS": 0})
    with (
        _scene(arguments.store, arguments.seconds) as scene,
        ProcessPoolExecutor(len(WORKERS) + 1, mp_context=spawned) as pool,
    ):
        collecting = careless_collector if arguments.careless else collector
        workers = [*WORKERS, collecting]
        running = [pool.submit(worker, scene, n) for n, worker in enumerate(workers)]
        for done in running:
            counts.update(done.result())
        with scene.opened() as registry:
            collect(registry, actor="soak", grace=NOW, retention=NOW)
            findings = fsck(registry)
            counts["events"] = registry.head()
    for what, count in sorted(counts.items()):
        print(f"{what:<28} {count:>8,}")
    for finding in findings[:20]:
        print(finding)
    is_good = not (findings or counts["MISSING"] or counts["FINDINGS"])
    print("sound" if is_good else "NOT SOUND")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
