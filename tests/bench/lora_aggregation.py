"""Time and peak memory of aggregating 10, 100 and 1,000 adapters of a 7B model.

    python -m tests.bench.lora_aggregation [--quick] [--contributions 10 100 1000] [--json]

An adapter has r=16 on q and v of 32 layers: 64 modules of 4096 by 4096, 33.5 MB in float32. Every
contribution is its own: the start plus one of eight files' factors, shifted by an offset that no
other has, made as it is read, so that a few files stand for a thousand. "reading" is that alone:
opening, reading, making, and nothing done with it.

Each case runs in a process of its own, on one thread, and reports the kernel's high-water mark of
its memory (VmHWM) beside the mark after a first aggregation of one contribution, which loads
libraries. Every rule takes one
module after the other; where a case is measured on fewer than 64 of them, its time is multiplied
up and the number of modules is shown. Time is the process's own on the processor, which other work
on the machine hardly changes, then by the clock. Files are in the page cache.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter, process_time

from medley_training.factors import Adapter, AdapterFile, Factors
from medley_training.local.lora import LoraShape
from medley_training.strategies import Context, Vote, strategy

SHAPE = LoraShape(rank=16, alpha=32)
SIDE, MODULES, FILES = 4096, 64, 8
RULES = {
    "reading": None,
    "fedavg": ("fedavg", {}),
    "stacking, to rank 16": ("stacking", {"rank": 16}),
    "geometric median, to rank 16": ("geometric_median", {"rank": 16}),
}
# Modules measured of the 64, by rule and contributions, so that no case takes many minutes.
MEASURED = {
    ("stacking, to rank 16", 10): 8,
    ("stacking, to rank 16", 100): 4,
    ("stacking, to rank 16", 1000): 1,
    ("geometric median, to rank 16", 10): 8,
    ("geometric median, to rank 16", 100): 4,
    ("geometric median, to rank 16", 1000): 1,
}


class Shifted:
    """The start plus another adapter's factors, shifted along the weight's sides."""

    def __init__(self, start: "OneModule", other: AdapterFile, offset: int) -> None:
        self._start, self._other, self._offset = start, other, offset

    @property
    def modules(self) -> tuple[str, ...]:
        return self._start.modules

    def factors(self, module: str) -> Factors:
        start, own = self._start.factors(module), self._other.factors(module)
        a = own.a.roll(self._offset, 1).add_(start.a)
        b = own.b.roll(self._offset, 0).add_(start.b)
        return Factors(a, b, start.scale)


class OneModule:
    """The first modules of an adapter file; the last one read is kept."""

    def __init__(self, file: AdapterFile, modules: int) -> None:
        self._file = file
        self._kept: tuple[str, Factors] | None = None
        self.modules = file.modules[:modules]

    def factors(self, module: str) -> Factors:
        if self._kept is None or self._kept[0] != module:
            self._kept = module, self._file.factors(module)
        return self._kept[1]


def write_files(folder: Path) -> None:
    """The start and what contributions add to it, as files of full size."""
    import torch
    from safetensors.torch import save_file

    generator = torch.Generator().manual_seed(0)
    for name, size in [("start", 0.02), *((f"move-{i}", 0.005) for i in range(FILES))]:
        tensors: dict[str, torch.Tensor] = {}
        for index in range(MODULES):
            stem = f"base_model.model.layers.{index // 2}.{'qv'[index % 2]}_proj"
            a = torch.randn(SHAPE.rank, SIDE, generator=generator) * size
            b = torch.randn(SIDE, SHAPE.rank, generator=generator) * size
            tensors |= {f"{stem}.lora_A.weight": a, f"{stem}.lora_B.weight": b}
        save_file(tensors, folder / f"{name}.safetensors")


def votes(folder: Path, start: OneModule, contributions: int) -> list[Vote]:
    """So many different contributions, with weights that differ too."""
    files = [AdapterFile(folder / f"move-{i}.safetensors", SHAPE) for i in range(FILES)]
    return [
        Vote(
            participant=f"site-{i:04}",
            adapter=Shifted(start, files[i % FILES], 4 * (i // FILES)),
            weight=1 + i % 3,
        )
        for i in range(contributions)
    ]


def read(adapters: Sequence[Adapter]) -> None:
    """What any rule has to do at the least."""
    for module in adapters[0].modules:
        for adapter in adapters:
            adapter.factors(module)


def peak_mib() -> float:
    """The high-water mark of this process's resident memory."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found, "the kernel reports the high-water mark"
    return int(found[1]) / 1024


def measure(folder: Path, rule: str, contributions: int, modules: int) -> dict[str, object]:
    """One case, in this process."""
    import torch

    torch.set_num_threads(1)
    start = OneModule(AdapterFile(folder / "start.safetensors", SHAPE), modules)
    cast = votes(folder, start, contributions)
    context = Context(start=start, round=1, shape=SHAPE)
    start.factors(start.modules[0])
    _load_libraries(folder)
    before_mib, begin, begin_cpu = peak_mib(), perf_counter(), process_time()
    notes: tuple[str, ...] = ()
    named = RULES[rule]
    if named is None:
        read([vote.adapter for vote in cast])
    else:
        notes = strategy(named[0], **named[1]).aggregate(context, cast, {}).notes
    return {
        "rule": rule,
        "contributions": contributions,
        "modules": modules,
        "cpu_s": (process_time() - begin_cpu) * MODULES / modules,
        "wall_s": (perf_counter() - begin) * MODULES / modules,
        "peak_mib": peak_mib(),
        "before_mib": before_mib,
        "notes": notes,
    }


def _load_libraries(folder: Path) -> None:
    start = OneModule(AdapterFile(folder / "start.safetensors", SHAPE), 1)
    context = Context(start=start, round=1, shape=SHAPE)
    strategy("stacking", rank=16).aggregate(context, votes(folder, start, 1), {})


def in_own_process(folder: Path, rule: str, contributions: int, modules: int) -> dict[str, object]:
    """One case, in a process that does nothing else."""
    case = json.dumps([str(folder), rule, contributions, modules])
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.lora_aggregation", "--case", case],
        stdout=subprocess.PIPE,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    found: dict[str, object] = json.loads(done.stdout)
    return found


def show(row: dict[str, object], reading_s: float) -> None:
    cpu_s, wall_s = float(str(row["cpu_s"])), float(str(row["wall_s"]))
    peak, before = float(str(row["peak_mib"])), float(str(row["before_mib"]))
    told = "; ".join(row["notes"]) if isinstance(row["notes"], list) else ""
    print(
        f"{row['contributions']:>5} {row['rule']:<29} {cpu_s:8.1f} s {cpu_s / reading_s:6.1f}x "
        f"{wall_s:8.1f} s "
        f"{peak:6.0f} MiB (+{peak - before:.0f}) {row['modules']:>3} modules  {told}",
        flush=True,
    )


def main() -> None:
    """Runs the cases and prints a table, or JSON with --json."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--contributions", type=int, nargs="+", default=[10, 100, 1000])
    parser.add_argument("--rules", nargs="+", choices=list(RULES), default=list(RULES))
    parser.add_argument("--quick", action="store_true", help="10 and 40 contributions, one module")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case:
        folder, *case = json.loads(options.case)
        print(json.dumps(measure(Path(folder), *case)))
        return
    counts = [10, 40] if options.quick else options.contributions
    rules = ["reading", *(rule for rule in options.rules if rule != "reading")]
    rows = []
    if not options.json:
        print(
            "sites rule                               CPU s, of reading    wall s   peak (grown by)"
        )
    with tempfile.TemporaryDirectory() as home:
        write_files(Path(home))
        for count in counts:
            reading_s = 0.0
            for rule in rules:
                modules = 1 if options.quick else MEASURED.get((rule, count), MODULES)
                row = in_own_process(Path(home), rule, count, modules)
                rows.append(row)
                reading_s = reading_s or float(str(row["cpu_s"]))
                if not options.json:
                    show(row, reading_s)
    if options.json:
        print(json.dumps({"rows": rows}))


if __name__ == "__main__":
    main()
