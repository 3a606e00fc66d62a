"""Two replicas on Ray Serve: a swap while they answer, and one killed.

    python -m tests.bench.replicas --python ENV/bin/python [--seconds 20]

ENV is an environment with what `deploy/ray_replicas.py` names. Four requests are in flight, with
and without a stream, all through Ray's one address. After a while version 2 is promoted; later the
server of one replica is killed; the load goes on until there are two again. Every token is held
against the version that its answer names.
"""

import argparse
import asyncio
import os
import random
import signal
import subprocess
import tempfile
import time
from collections import Counter
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import httpx
import psutil
from medley.server_process import free_port
from medley_registry import open_registry
from medley_server.demo.small_base import NAME
from medley_training.benchmarks.prompts import Vocabulary
from medley_training.benchmarks.swaps.asking import Asking, Reply, Tokens
from medley_training.benchmarks.swaps.judging import Judge
from medley_training.benchmarks.swaps.lane import Act
from medley_training.benchmarks.swaps.medley_lane import MedleyLane
from medley_training.benchmarks.swaps.stage import Stage

from tests.bench.chaos import ACTS, ADAPTER, TOKENS, kind_of, set_scene
from tests.bench.staged import FLAGS

ROOT = Path(__file__).parents[2]
_START_S = 600


class Replicas:
    """Ray with two replicas, up on entry and gone on exit."""

    def __init__(self, python: Path, stage: Stage, folder: Path) -> None:
        port = free_port(0)
        self.url = f"http://127.0.0.1:{port}"
        self._log = folder / "ray.log"
        self._command = [str(python), str(ROOT / "deploy" / "ray_replicas.py"), "--port", str(port)]
        self._command += ["--medley", str(ROOT / ".venv" / "bin" / "medley"), "--"]
        self._command += ["--base", NAME, "--registry", str(stage.registry), "--no-page", "--"]
        self._command += FLAGS
        # Two engines share the cores here: who waits for the other threads must not spin meanwhile.
        self._environment = os.environ | {
            "MEDLEY_HOME": str(folder / "home"),
            "OMP_WAIT_POLICY": "PASSIVE",
            "KMP_BLOCKTIME": "0",
        }

    def __enter__(self) -> "Replicas":
        with self._log.open("wb") as sink:
            self._process = subprocess.Popen(
                self._command, stdout=sink, stderr=subprocess.STDOUT, env=self._environment
            )
        began = time.monotonic()
        while b"replicas at" not in self._log.read_bytes():
            if self._process.poll() is not None or time.monotonic() - began > _START_S:
                raise RuntimeError(self._log.read_text()[-3000:])
            time.sleep(1)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(90)
        for server in self.servers():
            server.kill()
        self._process.kill()

    def servers(self) -> list[psutil.Process]:
        """The `medley serve` of each replica."""
        return [
            one
            for one in psutil.process_iter(["cmdline"])
            if "medley.tethered" in (one.info["cmdline"] or ())
        ]


async def ready(replicas: Replicas) -> int:
    """How many servers are."""
    count = 0
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
        for server in replicas.servers():
            with suppress(httpx.HTTPError, psutil.Error):
                command = server.cmdline()
                port = command[command.index("--port") + 1]
                count += (await client.get(f"http://127.0.0.1:{port}/health")).is_success
    return count


async def play(replicas: Replicas, stage: Stage, seconds: float) -> None:
    """The load, the swap, the kill; prints what clients saw."""
    ids = Vocabulary(stage.base.path).ids
    drawn = random.Random(3)
    prompts = [drawn.choices(ids, k=24) for _ in range(4)]
    with open_registry(stage.registry) as registry:
        lane = MedleyLane(replicas.url, registry)
        asking = Asking(lane, prompts, output_tokens=TOKENS)
        alone: dict[tuple[Act, int], Tokens] = {}
        for act in ACTS:
            for prompt in range(len(prompts)):
                reply = await asking.ask(str(act), ADAPTER, prompt, is_streamed=False)
                assert not reply.error, reply.error
                alone[act, prompt] = reply.tokens
        until = asyncio.Event()
        load = asyncio.create_task(
            asking.keep([ADAPTER], range(len(prompts)), askers=4, until=until)
        )
        await asyncio.sleep(seconds)
        swapped = time.perf_counter()
        await lane.swap(ACTS[1])
        await asyncio.sleep(seconds)
        before = replicas.servers()
        before[0].kill()
        killed = time.perf_counter()
        while await ready(replicas) < len(before):
            await asyncio.sleep(1)
        back = time.perf_counter()
        await asyncio.sleep(seconds)
        until.set()
        replies = await load
        judge = Judge(alone, lambda act, prompt, t: asking.surprise(str(act), prompt, t))
        wrong = 0
        for reply in replies:
            if not reply.error:
                named = lane.named(reply.model)
                assert named is not None
                wrong += (await judge.judge(reply, [named])).wrong_tokens
        await asking.close()
        await lane.close()
    _print(replies, wrong, swapped)
    _print_outage(replies, killed, back)


def _print(replies: list[Reply], wrong: int, swapped: float) -> None:
    failed = [reply for reply in replies if reply.error]
    kinds = Counter(kind_of(reply.error or "") for reply in failed)
    good = [reply for reply in replies if not reply.error]
    new = [reply for reply in good if reply.model == str(ACTS[1])]
    old = [reply for reply in good if reply.model == str(ACTS[0]) and reply.sent > swapped]
    first, last = min(reply.ended for reply in new), max((one.sent for one in old), default=swapped)
    print(f"requests {len(replies)}, failed {len(failed)} ({dict(kinds)}), wrong tokens {wrong}")
    print(f"promote to the first answer of the new version {first - swapped:.2f} s")
    print(f"last request that the old version answered: sent {last - swapped:.2f} s after")


def _print_outage(replies: list[Reply], killed: float, back: float) -> None:
    lost = [reply.ended - killed for reply in replies if reply.error and reply.ended >= killed]
    told = f"{min(lost):.1f} to {max(lost):.1f} s after" if lost else "none"
    print(f"failures after the kill: {len(lost)}, {told}")
    ends = [one.ended for one in replies if not one.error and killed <= one.ended <= back]
    gap = max(after - before for before, after in pairwise([killed, *sorted(ends), back]))
    print(f"two again after {back - killed:.0f} s; answered meanwhile: {len(ends)}")
    print(f"longest time without an answer: {gap:.1f} s")


def main() -> None:
    """Prints what clients saw."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--python", type=Path, required=True, help="of an environment with Ray")
    parser.add_argument("--base", type=Path, default=ROOT / ".test-cache" / "bases" / NAME)
    parser.add_argument("--seconds", type=float, default=20.0, help="between one act and the next")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        _, stage = set_scene(folder, options.base.resolve())
        with Replicas(options.python.absolute(), stage, folder) as replicas:
            asyncio.run(play(replicas, stage, options.seconds))


if __name__ == "__main__":
    main()
