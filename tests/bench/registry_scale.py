"""A registry with 10,000 versions and 100,000 events: how long its users wait.

python -m tests.bench.registry_scale [--versions 10000] [--events 100000] [--store disk|scale]

The rows are written straight into the index, in one transaction, as publishing would write them.
Then real calls are timed, and a real adapter of 100 MB is published: its floor is to hash the bytes
twice (checked where they lie, and as they are stored) and to sync them to the disk once, which is
measured in the same run, in turn with the publishing.
"""

import argparse
import hashlib
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

from medley_registry import (
    Digest,
    EventKind,
    FileEntry,
    Manifest,
    Registry,
    journal,
    open_registry,
)

from tests.builders import TINY, make_adapter, make_base
from tests.stores.postgres import running_postgres
from tests.stores.s3 import running_s3

SIDE, RANK, MODULES = 8192, 512, 6  # six modules of 2 x 512 x 8192 numbers of two bytes: 100.7 MB


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--versions", type=int, default=10_000)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--store", choices=["disk", "scale"], default="disk")
    parser.add_argument("--publications", type=int, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, _opened(options.store, Path(name)) as registry:
        fill(registry, Path(name), versions=options.versions, events=options.events)
        print(f"{options.versions} versions, {registry.head()} events, on {options.store}")
        time_lookups(registry, options.versions)
        time_publications(registry, Path(name), times=options.publications)
    return 0


def time_lookups(registry: Registry, versions: int) -> None:
    digest = registry.resolve(f"notes:{versions // 2}").digest
    report("resolve name", lambda n: registry.resolve("notes"), times=1000)
    report(
        "resolve name:number",
        lambda n: registry.resolve(f"notes:{n * 7 % versions + 1}"),
        times=1000,
    )
    report(
        "resolve name@sha256:…",
        lambda n: registry.resolve(f"notes@sha256:{digest.hex[:12]}"),
        times=1000,
    )
    report("newest page of 50", lambda n: registry.versions("notes", limit=50), times=100)
    report(
        "page of 50 in the middle",
        lambda n: registry.versions("notes", before=versions // 2, limit=50),
        times=100,
    )
    report("head of the log", lambda n: registry.head(), times=1000)
    report("1,000 events", lambda n: registry.events(after=1000 * n), times=20)
    report("promote", lambda n: registry.promote("notes", n % 2 + 1, actor="bench"), times=200)


def time_publications(registry: Registry, folder: Path, *, times: int) -> None:
    adapters = [_big_adapter(registry, folder / f"big-{n}", fill=n + 1) for n in range(times)]
    weights = adapters[0] / "adapter_model.safetensors"
    print(f"an adapter of {weights.stat().st_size / 1e6:.1f} MB:")
    both: dict[str, list[float]] = {"floor": [], "publish": []}
    for n, adapter in enumerate(adapters):
        for what in ("floor", "publish") if n % 2 else ("publish", "floor"):
            begin = time.perf_counter()
            if what == "floor":
                _floor(adapter / "adapter_model.safetensors", folder / "floor")
            else:
                registry.publish(adapter, name="big", base="wide", actor="bench")
            both[what].append(time.perf_counter() - begin)
    for what, took_s in both.items():
        show(what, took_s)
    ratio = statistics.median(both["publish"]) / statistics.median(both["floor"])
    print(f"publish / floor        {ratio:8.2f}")


def _floor(weights: Path, target: Path) -> None:
    """What no publisher can do without: two passes of SHA-256 and one synced copy."""
    for _ in range(2):
        with weights.open("rb") as stream:
            hashlib.file_digest(stream, "sha256")
    with weights.open("rb") as source, target.open("wb") as sink:
        while chunk := source.read(1 << 20):
            sink.write(chunk)
        sink.flush()
        os.fsync(sink.fileno())


def report(what: str, call: Callable[[int], object], *, times: int) -> None:
    took_s = []
    for n in range(times):
        begin = time.perf_counter()
        call(n)
        took_s.append(time.perf_counter() - begin)
    show(what, took_s)


def show(what: str, took_s: list[float]) -> None:
    ordered = sorted(took_s)
    p95, p99 = (ordered[int(len(ordered) * share)] for share in (0.95, 0.99))
    print(
        f"{what:<26} median {statistics.median(took_s) * 1000:8.2f} ms   "
        f"p95 {p95 * 1000:8.2f}   p99 {p99 * 1000:8.2f}"
    )


def fill(registry: Registry, folder: Path, *, versions: int, events: int) -> None:
    registry.add_base(TINY, make_base(folder / "base"), actor="bench")
    first = registry.publish(make_adapter(folder / "1"), name="notes", base=TINY, actor="bench")
    registry.promote("notes", 1, actor="bench")
    with registry.index.write() as writer:
        for number in range(2, versions + 1):
            readme = FileEntry(
                "README.md", number, Digest.of(str(number).encode()), "text/markdown"
            )
            manifest = Manifest((*first.manifest.files, readme))
            writer.add(replace(first, number=number, digest=manifest.digest, manifest=manifest))
        for _ in range(writer.head(), events):
            journal.record(
                writer,
                EventKind.VERSION_PUBLISHED,
                subject="notes:2",
                actor="bench",
                payload={"adapter": "notes", "number": 2, "digest": str(first.digest)},
            )


def _big_adapter(registry: Registry, folder: Path, *, fill: int) -> Path:
    shapes = {f"model.layers.{n}.self_attn.q_proj": (SIDE, SIDE) for n in range(MODULES)}
    if "wide" not in {base.name for base in registry.bases()}:
        wide = replace(registry.base(TINY), name="wide", config_digest=Digest.of(b"wide"))
        with registry.index.write() as writer:
            writer.add(replace(wide, module_shapes=shapes))
    tensors: dict[str, tuple[str, tuple[int, ...]]] = {}
    for module in shapes:
        tensors[f"base_model.model.{module}.lora_A.weight"] = ("BF16", (RANK, SIDE))
        tensors[f"base_model.model.{module}.lora_B.weight"] = ("BF16", (SIDE, RANK))
    config = {"r": RANK, "target_modules": ["q_proj"]}
    return make_adapter(folder, fill=fill, tensors=tensors, config=config)


def _opened(store: str, folder: Path) -> Registry:
    if store == "disk":
        return open_registry(folder / "registry", create=True)
    s3 = running_s3()
    with patch.dict(os.environ, s3.environment):
        return open_registry(
            running_postgres().url, blobs=s3.make_bucket(), tenant="bench", create=True
        )


if __name__ == "__main__":
    sys.exit(main())
