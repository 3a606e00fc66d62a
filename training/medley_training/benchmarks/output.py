"""What `medley bench --out DIR` leaves: the rows, every request, and plots."""

import json
from pathlib import Path

from medley_training.benchmarks.benchmark import Benchmark
from medley_training.benchmarks.plots import plot_rows


def write_output(benchmark: Benchmark, folder: Path) -> list[Path]:
    """Writes ``rows.json``, ``requests.jsonl`` (a line for each turn) and ``plots``."""
    folder.mkdir(parents=True, exist_ok=True)
    rows, requests = folder / "rows.json", folder / "requests.jsonl"
    rows.write_text(json.dumps(benchmark.to_json(), indent=2) + "\n")
    with requests.open("w") as lines:
        for measured in benchmark.measured:
            key = {
                "engine": measured.lane.engine.value,
                "variant": measured.lane.variant.value,
                "adapters": measured.condition.label,
                "load": measured.load.to_json(),
            }
            for number, turn in enumerate(measured.turns):
                lines.write(json.dumps(key | {"turn": number} | turn.to_json()) + "\n")
    return [rows, requests, *plot_rows(benchmark.rows, folder / "plots")]
