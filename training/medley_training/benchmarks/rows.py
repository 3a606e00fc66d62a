"""A row of the result: one variant with so many adapters under one load."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, TypeAlias

from medley_training.benchmarks.answer import Answer, Slo
from medley_training.benchmarks.base_bytes import BaseBytes
from medley_training.benchmarks.condition import Condition
from medley_training.benchmarks.floor import MachineSpeed, Step
from medley_training.benchmarks.lane import LaneName
from medley_training.benchmarks.load import Load, LoadKind
from medley_training.benchmarks.memory import largest
from medley_training.benchmarks.spread import Spread, interval, median, spread
from medley_training.benchmarks.turn import Turn

Row: TypeAlias = dict[str, Any]
"""JSON; docs/benchmarks.md says what each column means."""

_Values: TypeAlias = Callable[[Answer], list[float]]
_COLUMNS: Mapping[str, _Values] = {
    "latency_ms": lambda answer: [answer.latency_ms],
    "ttft_ms": lambda answer: [answer.ttft_ms],
    "itl_ms": lambda answer: answer.gaps_ms,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """All turns of one lane under one condition and load.

    Attributes:
        base: the bytes of the form that was served.
        lora_bytes: of each adapter that was asked.
        load_s: of each time the lane was started.
    """

    lane: LaneName
    condition: Condition
    load: Load
    turns: Sequence[Turn]
    load_s: Sequence[float]
    base: BaseBytes
    lora_bytes: Sequence[int]

    @property
    def batch(self) -> float:
        """Requests in flight; never more than the load asks for at once."""
        if self.load.kind is LoadKind.CLOSED:
            return min(self.load.concurrency, self.load.requests)
        return max(1.0, fmean(turn.in_flight for turn in self.turns))

    @property
    def step(self) -> Step:
        """The decode step that all this time was spent with."""
        return Step.of(self.load, self.base, batch=self.batch, lora_bytes=[*self.lora_bytes])

    def values(self, column: str) -> list[list[float]]:
        """The column's values in each turn."""
        read = _COLUMNS[column]
        return [[value for answer in turn.good for value in read(answer)] for turn in self.turns]

    def pooled(self, column: str) -> list[float]:
        """The column's values over all turns."""
        return [value for values in self.values(column) for value in values]


def row_of(measured: Measured, *, slo: Slo, machine: MachineSpeed, alone: Measured | None) -> Row:
    """The row.

    Args:
        measured: what was measured.
        slo: what counts as good.
        machine: its limits.
        alone: the same variant, engine and load without LoRA, if that was measured.
    """
    load, condition = measured.load, measured.condition
    turns = measured.turns
    answers = [answer for turn in turns for answer in turn.answers]
    wall_s = sum(turn.wall_s for turn in turns)
    met = sum(slo.is_met(answer) for answer in answers)
    spreads: dict[str, Spread] = {name: spread(measured.pooled(name)) for name in _COLUMNS}
    preemptions = sum(turn.preemptions for turn in turns)
    memory = largest(turn.memory for turn in turns).to_mb()
    return {
        "variant": measured.lane.variant.value,
        "engine": measured.lane.engine.value,
        "adapters": condition.adapters,
        "slots": condition.slots.value,
        "versions": [*condition.versions],
        "load": load.to_json(),
        "load_s": fmean(measured.load_s),
        **spreads,
        "tokens_per_s": sum(turn.tokens for turn in turns) / wall_s,
        "requests_per_s": sum(len(turn.good) for turn in turns) / wall_s,
        "goodput": met / len(answers),
        "goodput_per_s": met / wall_s,
        "slo": slo.to_json(),
        "memory_mb": memory,
        "smallest_budget_mb": None if preemptions else memory["total"],
        "preemptions": preemptions,
        "energy_j_per_token": _energy(turns),
        **_limits(measured, spreads["itl_ms"], machine, alone),
        "ci": _intervals(measured),
        "repeats": len(turns),
        "tokens": sum(turn.tokens for turn in turns),
        "requests": len(answers),
        "errors": sum(answer.error is not None for answer in answers),
    }


def _limits(
    measured: Measured, itl: Spread, machine: MachineSpeed, alone: Measured | None
) -> dict[str, float | None]:
    floor_ms = measured.step.floor_ms(machine)
    return {
        "floor_ms": floor_ms,
        "floor_ratio": floor_ms / itl["p50"] if itl else None,
        "lora_efficiency": _lora_efficiency(measured, itl, alone),
    }


def _lora_efficiency(measured: Measured, itl: Spread, alone: Measured | None) -> float | None:
    """What the gap would be if adapters cost their bytes alone, over what it is."""
    plain = alone.pooled("itl_ms") if alone else []
    if not (measured.condition.has_lora and plain and itl):
        return None
    return median(plain) * measured.step.lora_share / itl["p50"]


def _energy(turns: Sequence[Turn]) -> float | None:
    spent = [turn.energy_j for turn in turns if turn.energy_j is not None]
    tokens = sum(turn.tokens for turn in turns)
    return sum(spent) / tokens if len(spent) == len(turns) and tokens else None


def _intervals(measured: Measured) -> dict[str, list[float]]:
    seed = measured.load.seed
    found = {
        f"{name}/p50": interval(measured.values(name), figure=median, seed=seed)
        for name in _COLUMNS
    }
    by_turn = [[turn.tokens_per_s] for turn in measured.turns]
    found["tokens_per_s"] = interval(by_turn, figure=fmean, seed=seed)
    return {name: [*ends] for name, ends in found.items() if ends is not None}
