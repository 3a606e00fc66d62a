"""What clients see while parts of a server are killed and its registry is taken away.

    python -m tests.bench.chaos [--base FOLDER] [--seconds 8] [--only NAME]

One adapter with two versions, four requests in flight, streamed and not. Each fault comes after a
quiet second, is lifted where it can be, and the load goes on until answers are right again; then a
swap shows that the registry is followed. Every token is held against the version that the answer
names. "Disk full" needs the right to mount a small file system, and is left out without it.
"""

import argparse
import asyncio
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import psutil
from medley.server_process import ServerProcess
from medley_registry import open_registry
from medley_server.demo.small_base import NAME
from medley_training.benchmarks.prompts import Vocabulary
from medley_training.benchmarks.swaps.asking import Asking, Reply, Tokens
from medley_training.benchmarks.swaps.judging import Judge
from medley_training.benchmarks.swaps.lane import Act
from medley_training.benchmarks.swaps.medley_lane import MedleyLane
from medley_training.benchmarks.swaps.stage import Stage

from tests.bench.staged import BASE, FLAGS, staged

ADAPTER = "part-1"
ACTS = (Act(ADAPTER, 1), Act(ADAPTER, 2))
TOKENS = 16
BACK_S = 180.0
_CODE = re.compile(r"\"code\": ?\"(\w+)\"")


@dataclass(slots=True)
class Scene:
    """A server under load, and where its registry is.

    Attributes:
        process: the server.
        stage: whose registry it follows.
        home: its MEDLEY_HOME.
    """

    process: ServerProcess
    stage: Stage
    home: Path

    @property
    def index(self) -> Path:
        return self.stage.registry / "registry.db"

    def engine(self) -> psutil.Process:
        """The engine's core."""
        return next(one for one in self._children() if "EngineCore" in one.name())

    def worker(self) -> psutil.Process:
        """What computes; the core itself where there is no other."""
        return next((one for one in self._children() if "Worker" in one.name()), self.engine())

    def _children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)


@asynccontextmanager
async def killed(find: Callable[[Scene], psutil.Process], scene: Scene) -> AsyncIterator[None]:
    """A process of the server is killed; nobody starts it again but the server."""
    find(scene).send_signal(signal.SIGKILL)
    yield


@asynccontextmanager
async def killed_server(scene: Scene) -> AsyncIterator[None]:
    """The server is killed, and started again as a supervisor would."""
    assert scene.process.pid is not None
    os.killpg(scene.process.pid, signal.SIGKILL)
    scene.process.__exit__(None, None, None)
    scene.process.__enter__()
    yield


@asynccontextmanager
async def locked(scene: Scene) -> AsyncIterator[None]:
    """Another process writes to the registry and does not end."""
    with sqlite3.connect(scene.index, isolation_level=None) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield
        connection.execute("ROLLBACK")
    connection.close()


@asynccontextmanager
async def removed(scene: Scene) -> AsyncIterator[None]:
    """The registry's folder is elsewhere."""
    away = scene.stage.registry.with_name("away")
    scene.stage.registry.rename(away)
    yield
    with suppress(FileNotFoundError):
        shutil.rmtree(scene.stage.registry)
    away.rename(scene.stage.registry)


@asynccontextmanager
async def corrupted(scene: Scene) -> AsyncIterator[None]:
    """The first pages of the registry's file are rubbish."""
    whole = scene.index.read_bytes()
    with scene.index.open("r+b") as file:
        file.write(os.urandom(8192))
    yield
    with scene.index.open("r+b") as file:
        file.write(whole[:8192])


@asynccontextmanager
async def full_disk(scene: Scene) -> AsyncIterator[None]:
    """The disk that adapters are fetched to has no room for one."""
    cache = scene.home / "cache"
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(cache)]
    subprocess.run(mount, check=True, capture_output=True)
    with open_registry(scene.stage.registry) as registry:
        registry.promote(ADAPTER, 2, actor="chaos")
    yield
    subprocess.run(["umount", str(cache)], check=True)
    with open_registry(scene.stage.registry) as registry:
        registry.promote(ADAPTER, 1, actor="chaos")


FAULTS: dict[str, Callable[[Scene], AbstractAsyncContextManager[None]]] = {
    "registry locked": locked,
    "registry removed": removed,
    "registry corrupted": corrupted,
    "disk full": full_disk,
    "worker killed": partial(killed, Scene.worker),
    "engine killed": partial(killed, Scene.engine),
    "server killed": killed_server,
}


@dataclass(frozen=True, slots=True)
class Seen:
    """What clients saw of one fault."""

    fault: str
    replies: Sequence[Reply]
    wrong_tokens: int
    swap_s: float

    @property
    def failures(self) -> str:
        """How many requests failed, by how."""
        kinds = Counter(kind_of(reply.error) for reply in self.replies if reply.error)
        return ", ".join(f"{count} {kind}" for kind, count in kinds.most_common()) or "none"

    @property
    def outage_s(self) -> float:
        """From the last answer before the first failure to the first after the last."""
        failed = [reply for reply in self.replies if reply.error]
        if not failed:
            return 0.0
        first = min(reply.sent for reply in failed)
        last = max(reply.ended for reply in failed)
        good = [reply.ended for reply in self.replies if not reply.error]
        before = max((ended for ended in good if ended <= first), default=first)
        return min((ended for ended in good if ended >= last), default=last) - before


def kind_of(error: str) -> str:
    """An error without what differs from one to the next."""
    code = _CODE.search(error)
    status = re.search(r"HTTP (\d+)", error)
    if status:
        return f"{status[1]} {code[1] if code else ''}".strip()
    return "cut off" if "tokens came" in error else error.partition(":")[0]


class Theatre:
    """The server of one run, one fault after another."""

    def __init__(self, scene: Scene, prompts: Sequence[Sequence[int]], seconds: float) -> None:
        self._scene = scene
        self._seconds = seconds
        self._prompts = prompts
        self._alone: dict[tuple[Act, int], Tokens] = {}

    async def learn(self) -> None:
        """Asks each version alone."""
        with open_registry(self._scene.stage.registry) as registry:
            lane = MedleyLane(self._scene.process.url, registry)
            asking = Asking(lane, self._prompts, output_tokens=TOKENS)
            for act in ACTS:
                for prompt in range(len(self._prompts)):
                    reply = await asking.ask(str(act), ADAPTER, prompt, is_streamed=False)
                    assert not reply.error, reply.error
                    self._alone[act, prompt] = reply.tokens
            await asking.close()
            await lane.close()

    async def play(self, name: str) -> Seen:
        """One fault under load, and a swap after it."""
        with open_registry(self._scene.stage.registry) as registry:
            lane = MedleyLane(self._scene.process.url, registry)
        asking = Asking(lane, self._prompts, output_tokens=TOKENS)
        until = asyncio.Event()
        load = asyncio.create_task(self._load(asking, until))
        await asyncio.sleep(1)
        async with FAULTS[name](self._scene):
            await asyncio.sleep(self._seconds)
        await self._until_well()
        await asyncio.sleep(2)
        until.set()
        replies = await load
        swap_s = await self._swap_to_and_fro()
        judge = Judge(self._alone, lambda act, prompt, t: asking.surprise(str(act), prompt, t))
        wrong = 0
        for reply in replies:
            named = lane.named(reply.model) if reply.model else None
            if named is not None and not reply.error:
                wrong += (await judge.judge(reply, [named])).wrong_tokens
        await asking.close()
        await lane.close()
        return Seen(name, replies, wrong, swap_s)

    async def _load(self, asking: Asking, until: asyncio.Event) -> list[Reply]:
        """Four at a time; who is refused waits a little, as clients do."""
        replies: list[Reply] = []

        async def asker(place: int) -> None:
            while not until.is_set():
                prompt = len(replies) % len(self._prompts)
                reply = await asking.ask(ADAPTER, ADAPTER, prompt, is_streamed=place % 2 == 0)
                replies.append(reply)
                if reply.error:
                    await asyncio.sleep(0.5)

        await asyncio.gather(*(asker(place) for place in range(4)))
        return replies

    async def _until_well(self) -> None:
        began = time.monotonic()
        async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
            while time.monotonic() - began < BACK_S:
                with suppress(httpx.HTTPError):
                    health = await client.get(f"{self._scene.process.url}/health")
                    if health.is_success and not health.json()["registry"]["failure"]:
                        return
                await asyncio.sleep(0.2)
        raise TimeoutError(f"not well after {BACK_S:g} s")

    async def _swap_to_and_fro(self) -> float:
        """Seconds from a promotion to the new version's answer."""
        taken = 0.0
        with open_registry(self._scene.stage.registry) as registry:
            lane = MedleyLane(self._scene.process.url, registry)
            asking = Asking(lane, self._prompts, output_tokens=1)
            for number in (2, 1):
                began = time.monotonic()
                await lane.swap(Act(ADAPTER, number))
                while time.monotonic() - began < BACK_S:
                    reply = await asking.ask(ADAPTER, ADAPTER, 0, is_streamed=False)
                    if reply.model == f"{ADAPTER}:{number}":
                        break
                taken = max(taken, time.monotonic() - began)
            await asking.close()
            await lane.close()
        return taken


def set_scene(folder: Path, base: Path) -> tuple[ServerProcess, Stage]:
    """A registry with two versions of one adapter, and a server of it that is not started."""
    stage = staged(folder, base, adapters=1, versions_each=2)
    process = ServerProcess(
        NAME,
        stage.registry,
        log=folder / "server.log",
        home=folder / "home",
        engine_flags=FLAGS,
    )
    return process, stage


def main() -> None:
    """Plays the faults, and prints a row of each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--base", type=Path, default=BASE)
    parser.add_argument("--seconds", type=float, default=8.0, help="how long a fault lasts")
    parser.add_argument("--only", choices=FAULTS, action="append")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        process, stage = set_scene(Path(folder), options.base.resolve())
        scene = Scene(process, stage, Path(folder) / "home")
        drawn = random.Random(0)
        ids = Vocabulary(stage.base.path).ids
        prompts = [drawn.choices(ids, k=24) for _ in range(4)]
        with process:
            process.wait()
            theatre = Theatre(scene, prompts, options.seconds)
            asyncio.run(theatre.learn())
            print("| fault | requests | failed | wrong tokens | outage s | next swap s |")
            print("|---|---|---|---|---|---|")
            for name in options.only or FAULTS:
                seen = asyncio.run(theatre.play(name))
                print(
                    f"| {name} | {len(seen.replies)} | {seen.failures} | {seen.wrong_tokens} "
                    f"| {seen.outage_s:.1f} | {seen.swap_s:.2f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
