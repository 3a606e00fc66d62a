"""`medley serve` against what most people write by hand: transformers and PEFT behind FastAPI.

    python -m tests.bench.by_hand [--requests 16] [--repeats 2]

Four adapters, taken in turn by requests of 24 tokens in and 32 out, greedy, so many at a time. The
server by hand holds one model and one lock: it sets the adapter and calls `generate`. Both are up
and take turns (A B B A); what is printed is the ratio of the seconds for all requests.
"""

import argparse
import asyncio
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from medley.server_process import free_port
from medley_training.benchmarks.prompts import Vocabulary
from medley_training.benchmarks.swaps.medley_lane import medley_lane
from medley_training.benchmarks.swaps.stage import Stage

from tests.bench.staged import BASE, FLAGS, staged

ADAPTERS = 4
TOKENS_IN, TOKENS_OUT = 24, 32
PAUSE_S = 1.5
_START_S = 300


def app_by_hand(base: str, adapters: Sequence[str]) -> Any:
    """The server by hand; adapters are folders, called by their names."""
    import torch
    from fastapi import FastAPI
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16)
    first, *rest = adapters
    model = PeftModel.from_pretrained(model, first, adapter_name=Path(first).name)
    for folder in rest:
        model.load_adapter(folder, adapter_name=Path(folder).name)
    model.eval()
    lock = threading.Lock()
    app = FastAPI()

    @app.get("/health")
    def health() -> None: ...

    @app.post("/v1/completions")
    def complete(body: dict[str, Any]) -> dict[str, Any]:
        asked = torch.tensor([body["prompt"]])
        with lock, torch.inference_mode():
            model.set_adapter(body["model"])
            found = model.generate(
                asked,
                attention_mask=torch.ones_like(asked),
                max_new_tokens=body["max_tokens"],
                min_new_tokens=body["max_tokens"],
                do_sample=False,
                pad_token_id=0,
            )
        return {"choices": [{"token_ids": found[0, len(body["prompt"]) :].tolist()}]}

    return app


@contextmanager
def by_hand(stage: Stage, log: Path) -> Iterator[str]:
    """Its address, while it runs in a process of its own."""
    port = free_port(0)
    command = [sys.executable, "-m", "tests.bench.by_hand", "--serve", str(port)]
    command += ["--base", str(stage.base.path), *map(str, stage.folders.values())]
    with log.open("wb") as sink:
        process = subprocess.Popen(command, stdout=sink, stderr=subprocess.STDOUT)
    url = f"http://127.0.0.1:{port}"
    try:
        began = time.monotonic()
        while time.monotonic() - began < _START_S:
            try:
                httpx.get(f"{url}/health", trust_env=False).raise_for_status()
                break
            except httpx.TransportError:
                time.sleep(0.5)
        yield url
    finally:
        process.terminate()
        process.wait()


async def seconds(
    url: str, models: Sequence[str], load: Sequence[list[int]], at_once: int
) -> float:
    """From the first request to the last answer."""
    waiting = iter(enumerate(load))
    async with httpx.AsyncClient(base_url=url, timeout=None, trust_env=False) as client:

        async def asker() -> None:
            for place, prompt in waiting:
                sizes = {"max_tokens": TOKENS_OUT, "min_tokens": TOKENS_OUT}
                body = {"model": models[place % len(models)], "prompt": prompt, "temperature": 0}
                asked = body | sizes | {"ignore_eos": True}
                answer = await client.post("/v1/completions", json=asked)
                answer.raise_for_status()

        began = time.perf_counter()
        await asyncio.gather(*(asker() for _ in range(at_once)))
        return time.perf_counter() - began


async def compare(options: argparse.Namespace, folder: Path) -> None:
    """Both servers up, in turns; prints a row for each number at a time."""
    stage = staged(folder, options.base, adapters=ADAPTERS)
    drawn = random.Random(2)
    ids = Vocabulary(stage.base.path).ids
    log = folder / "medley.log"
    async with medley_lane(stage, slots=ADAPTERS, log=log, engine_flags=FLAGS) as lane:
        with by_hand(stage, folder / "hand.log") as hand:
            sides = {lane.url: stage.adapters, hand: [f.name for f in stage.folders.values()]}
            print("| at a time | medley, s | by hand, s | ratio |\n|---|---|---|---|")
            for at_once in (1, 4, 16):
                taken: dict[str, list[float]] = {url: [] for url in sides}
                for turn in range(-1, 2 * options.repeats):
                    load = [drawn.choices(ids, k=TOKENS_IN) for _ in range(options.requests)]
                    for url in list(sides) if turn % 2 else reversed(sides):
                        await asyncio.sleep(PAUSE_S)
                        found = await seconds(url, sides[url], load, at_once)
                        if turn >= 0:  # the first turn warms up
                            taken[url].append(found)
                ours, theirs = (statistics.median(taken[url]) for url in sides)
                row = f"| {at_once} | {ours:.1f} | {theirs:.1f} | {theirs / ours:.2f} |"
                print(row, flush=True)


def main() -> None:
    """Prints the table, or is the server by hand."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--base", type=Path, default=BASE)
    parser.add_argument("--requests", type=int, default=16, help="in a turn")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    parser.add_argument("adapters", nargs="*", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        import uvicorn

        uvicorn.run(app_by_hand(options.base, options.adapters), port=options.serve)
        return
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(compare(options, Path(folder)))


if __name__ == "__main__":
    main()
