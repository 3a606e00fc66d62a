"""What Medley's layer costs: `medley serve` against plain `vllm serve`, same base, same flags.

    python -m tests.bench.serve_overhead [--base NAME] [--starts 2] [--repeats 5]

Cold start: the servers are started in turns (A B B A), one at a time, from the command to the first
200 of `/health`. Load: all stay up and take turns, with a pause in between, since an engine spins
for a second after work; requests go to the base and to an adapter, 64 tokens in, 64 out, streamed.
"vllm serve" is vLLM as it comes; "vllm serve, our LoRA" is the same with Medley's platform plugin,
so that the difference to "medley serve" is the HTTP layer alone.
"""

import argparse
import asyncio
import json
import random
import statistics
import tempfile
import time
from contextlib import ExitStack
from itertools import product
from pathlib import Path

import httpx
from medley_registry import BaseModel, open_registry
from medley_server.demo.showcase import TRIAGE_NOTE

from tests.bench.servers import MEDLEY, PLAIN, PLAIN_WITH_OUR_LORA, Server

KINDS = (PLAIN, PLAIN_WITH_OUR_LORA, MEDLEY)
TOKENS = 64
PAUSE_S = 1.5


def cold_starts(base: BaseModel, starts: int, logs: Path) -> dict[str, list[float]]:
    """Seconds to the first healthy answer; each start has the machine to itself."""
    taken: dict[str, list[float]] = {PLAIN: [], MEDLEY: []}
    for turn in range(starts):
        for kind in (PLAIN, MEDLEY) if turn % 2 == 0 else (MEDLEY, PLAIN):
            with Server(kind, base, logs / "start.log") as server:
                taken[kind].append(server.wait())
    return taken


async def one_request(client: httpx.AsyncClient, url: str, model: str, seed: int) -> float:
    """Streams one answer; seconds to its first token."""
    pick = random.Random(seed)
    words = " ".join(pick.choice(("heart", "lung", "dose", "pain", "rest")) for _ in range(TOKENS))
    body = {"model": model, "prompt": words, "max_tokens": TOKENS, "stream": True}
    started, first = time.monotonic(), 0.0
    async with client.stream(
        "POST", f"{url}/v1/completions", json=body | {"temperature": 0, "ignore_eos": True}
    ) as answer:
        answer.raise_for_status()
        async for line in answer.aiter_lines():
            if line.startswith("data: {") and not first:
                first = time.monotonic() - started
    return first


async def load(url: str, model: str, concurrency: int, seed: int) -> tuple[float, float]:
    """One round at a concurrency: median seconds to the first token, and tokens per second."""
    async with httpx.AsyncClient(timeout=120) as client:
        started = time.monotonic()
        firsts = await asyncio.gather(
            *(one_request(client, url, model, seed * 100 + i) for i in range(concurrency))
        )
        seconds = time.monotonic() - started
    return statistics.median(firsts), concurrency * TOKENS / seconds


def under_load(base: BaseModel, repeats: int, logs: Path) -> list[dict[str, object]]:
    """Medians per server and concurrency, the servers taking turns."""
    with ExitStack() as stack:
        servers: list[Server] = []
        for kind in KINDS:
            server = stack.enter_context(Server(kind, base, logs / f"{len(servers)}.log"))
            server.wait()
            servers.append(server)
        rows: list[dict[str, object]] = []
        for model, concurrency in product((base.name, TRIAGE_NOTE.name), (1, 4, 16, 64)):
            found: dict[str, list[tuple[float, float]]] = {kind: [] for kind in KINDS}
            for turn in range(-1, repeats):
                for server in servers if turn % 2 else reversed(servers):
                    time.sleep(PAUSE_S)
                    result = asyncio.run(load(server.url, model, concurrency, turn + 1))
                    if turn >= 0:  # the first turn warms up
                        found[server.kind].append(result)
            rows += [
                {
                    "server": kind,
                    "model": model,
                    "concurrency": concurrency,
                    "ttft_ms": statistics.median(first for first, _ in results) * 1000,
                    "tokens_per_s": statistics.median(rate for _, rate in results),
                }
                for kind, results in found.items()
            ]
        return rows


def main() -> None:
    """Runs both parts and prints JSON lines, so that a document can quote them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--base", default="smollm2-135m-instruct", help="the demo's base, registered by the demo"
    )
    parser.add_argument("--starts", type=int, default=2, help="cold starts of each")
    parser.add_argument("--repeats", type=int, default=5, help="rounds of load on each")
    options = parser.parse_args()
    with open_registry() as registry:
        base = registry.base(options.base)
    with tempfile.TemporaryDirectory() as folder:
        if options.starts:
            taken = cold_starts(base, options.starts, Path(folder))
            medians = {kind: statistics.median(seconds) for kind, seconds in taken.items()}
            ratio = medians[MEDLEY] / medians[PLAIN]
            print(json.dumps({"cold_start_s": taken, "ratio": round(ratio, 3)}), flush=True)
        if options.repeats:
            for row in under_load(base, options.repeats, Path(folder)):
                print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
