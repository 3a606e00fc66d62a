"""What LoRA costs on CPU: decode and prefill with four adapters mixed, against no LoRA.

    python -m tests.bench.lora_speed --base FOLDER [--repeats 5]

The engines stay up in processes of their own and take turns (A B C C B A); medians are printed,
with the ratio of each to the engine without LoRA. Decode: 16 sequences, 16 tokens in, 64 out.
Prefill: four prompts of 700 tokens, one token out. Adapters: r=8 on q and v, random, of trained
size. "sized" has slots for q and v only, as `medley serve` makes them from the registry; else for
all modules.
"""

import argparse
import json
import random
import statistics
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.bench.engine_process import Ask, EngineProcess, EngineSpec
from tests.bench.random_adapter import write_random_adapter

ADAPTERS = 4
NO_LORA = "no LoRA"


def engine_specs(base: str, dtype: str) -> dict[str, EngineSpec]:
    """The engines compared, by name."""
    sized = ("q_proj", "v_proj")
    return {
        NO_LORA: EngineSpec(base, "none", dtype=dtype),
        "vLLM": EngineSpec(base, "stock", dtype=dtype),
        "vLLM, sized": EngineSpec(base, "stock", dtype=dtype, lora_modules=sized),
        "Medley, all modules": EngineSpec(base, "medley", dtype=dtype),
        "Medley": EngineSpec(base, "medley", dtype=dtype, lora_modules=sized),
    }


def decode_asks(adapters: list[str] | None) -> list[Ask]:
    """16 sequences; with adapters they take turns, so every step mixes all four."""
    pick = random.Random(1)
    return [
        Ask(
            tuple(pick.randrange(100, 40000) for _ in range(16)),
            64,
            adapters[i % len(adapters)] if adapters else None,
        )
        for i in range(16)
    ]


def prefill_asks(adapters: list[str] | None) -> list[Ask]:
    """Four prompts of 700 tokens, one adapter each."""
    pick = random.Random(2)
    return [
        Ask(
            tuple(pick.randrange(100, 40000) for _ in range(700)),
            1,
            adapters[i] if adapters else None,
        )
        for i in range(4)
    ]


def measure(base: str, repeats: int, dtype: str) -> dict[str, dict[str, list[float]]]:
    """Seconds of each measured batch, by load and by engine."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        adapters = [
            str(write_random_adapter(folder / str(i), Path(base), seed=i)) for i in range(ADAPTERS)
        ]
        engines = {
            name: stack.enter_context(EngineProcess(spec))
            for name, spec in engine_specs(base, dtype).items()
        }
        seconds: dict[str, dict[str, list[float]]] = {}
        for load, make in (("decode", decode_asks), ("prefill", prefill_asks)):
            taken: dict[str, list[float]] = {name: [] for name in engines}
            for turn in range(-1, repeats):
                for name in engines if turn % 2 else reversed(engines):
                    asks = make(None if name == NO_LORA else adapters)
                    _, spent = engines[name].generate(asks)
                    if turn >= 0:  # the first turn warms up
                        taken[name].append(spent)
            seconds[load] = taken
        return seconds


def main() -> None:
    """Runs the comparison and prints a table, or JSON with --json."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--base", required=True, help="folder of the base model")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--dtype", default="bfloat16")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    seconds = measure(options.base, options.repeats, options.dtype)
    tokens = {"decode": 16 * 64, "prefill": 4 * 700}
    rows = [
        {
            "load": load,
            "engine": engine,
            "seconds": statistics.median(spent),
            "tokens_per_s": tokens[load] / statistics.median(spent),
            "ratio_to_base": statistics.median(taken[NO_LORA]) / statistics.median(spent),
        }
        for load, taken in seconds.items()
        for engine, spent in taken.items()
    ]
    if options.json:
        print(json.dumps({"rows": rows}))
        return
    for row in rows:
        print(
            f"{row['load']:8} {row['engine']:19} {row['seconds']:7.3f} s "
            f"{row['tokens_per_s']:7.0f} tokens/s   {row['ratio_to_base']:.2f} of no LoRA"
        )


if __name__ == "__main__":
    main()
