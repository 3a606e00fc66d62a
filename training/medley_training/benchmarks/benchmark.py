"""`medley bench` from a plan to rows."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from medley.errors import ServerDidNotStart
from medley_registry import BaseModel, Registry, Version
from medley_registry.canonical import Json
from medley_registry.variants import VariantKind

from medley_training.benchmarks.base_bytes import adapter_bytes, sees_images
from medley_training.benchmarks.condition import Condition, conditions
from medley_training.benchmarks.floor import MachineSpeed
from medley_training.benchmarks.lane import Engine
from medley_training.benchmarks.machine_speed import faster, machine_speed
from medley_training.benchmarks.pages import page_rows
from medley_training.benchmarks.plan import Plan
from medley_training.benchmarks.rows import Measured, Row, row_of
from medley_training.benchmarks.running import Progress, Run, Turns
from medley_training.benchmarks.scratch import Scratch, fill_scratch
from medley_training.benchmarks.starting import Starter
from medley_training.errors import NotMeasured


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """What came of a plan.

    Attributes:
        plan: it.
        base: the base as it is.
        versions: what was measured, by their references in their own registry.
        forms: of each variant the base that was served.
        machine: its limits.
        engine_flags: what vLLM was started with.
        measured: everything that was seen, with the rows' keys.
        rows: in short.
        pages: document-image latency, where the base sees images.
        facts: of each variant what its server said of itself.
        not_measured: what was asked for and left out, with the reason.
        together: whether all engines were up at once.
    """

    plan: Plan
    base: BaseModel
    versions: Sequence[Version]
    forms: Mapping[VariantKind, BaseModel]
    machine: MachineSpeed
    engine_flags: Sequence[str]
    measured: Sequence[Measured]
    rows: Sequence[Row]
    pages: Sequence[Row]
    facts: Mapping[VariantKind, dict[str, Any]]
    not_measured: Sequence[dict[str, str]]
    together: bool

    def to_json(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return {
            "base": self.base.name,
            "machine": self.machine_json(),
            "plan": self.plan_json(),
            "facts": {kind.value: told for kind, told in self.facts.items()},
            "rows": [*self.rows],
            "pages": [*self.pages],
            "not_measured": [*self.not_measured],
        }

    def plan_json(self) -> dict[str, Json]:
        """How it was measured."""
        flags: list[Json] = [*self.engine_flags]
        return self.plan.to_json() | {"together": self.together, "engine_flags": flags}

    def machine_json(self) -> dict[str, Json]:
        """Its limits as they were measured here."""
        return {
            "device": self.machine.device,
            "bandwidth_bytes_per_s": self.machine.bandwidth_bytes_per_s,
            "flops": self.machine.flops,
        }


def run_benchmark(
    plan: Plan,
    registry: Registry,
    base: BaseModel,
    versions: Sequence[Version],
    *,
    logs: Path,
    progress: Progress,
) -> Benchmark:
    """Measures; the registry is only read.

    Args:
        plan: what is measured.
        registry: where the base, its forms and the versions are.
        base: the base as it is.
        versions: for this base; none to measure the base alone.
        logs: a folder for what the engines print.
        progress: called with the turns done and the turns there are.

    Raises:
        BadLoad: the plan needs what is not there.
        ServerDidNotStart, NotMeasured: an engine does not start, or is gone.
    """
    with tempfile.TemporaryDirectory(prefix="medley-bench-") as aside:
        scratch = fill_scratch(
            Path(aside),
            registry,
            base,
            versions,
            variants=plan.variants,
            adapters=plan.adapters,
            seed=plan.loads[0].seed,
        )
        machine = machine_speed()
        found = conditions(plan.counts, own=[*scratch.own.values()], stand_ins=scratch.stand_ins)
        starter = Starter(plan, scratch, machine, logs)
        lanes = starter.lanes(found)
        together = starter.fits_together(lanes) if plan.together is None else plan.together
        turns = Run(plan, found, start=starter.start, progress=progress).measure(
            lanes, together=together
        )
        machine = faster(machine, machine_speed())
        measured = _measured(turns, scratch, starter)
        pages, why_not = _pages(scratch, plan, logs)
    missing = starter.not_measured()
    if why_not is not None:
        missing.append({"what": "document-image latency per page", "why": why_not})
    return Benchmark(
        plan=plan,
        base=base,
        versions=versions,
        forms=scratch.forms,
        machine=machine,
        engine_flags=starter.engine_flags,
        measured=measured,
        rows=_rows(measured, plan, machine),
        pages=pages,
        facts=_facts(measured),
        not_measured=missing,
        together=together,
    )


def _pages(scratch: Scratch, plan: Plan, logs: Path) -> tuple[list[Row], str | None]:
    """The rows, or why there are none: all else was measured by then and must not be lost."""
    if not sees_images(scratch.base.path):
        return [], "the base sees no images"
    try:
        return page_rows(scratch, plan, logs), None
    except (NotMeasured, ServerDidNotStart) as error:
        return [], str(error)


def _measured(turns: Turns, scratch: Scratch, starter: Starter) -> list[Measured]:
    """What was seen, under the names that people know."""
    known = {here: own for own, here in scratch.own.items()}

    def named(condition: Condition) -> Condition:
        return replace(condition, versions=tuple(known.get(v, v) for v in condition.versions))

    return [
        Measured(
            lane=lane,
            condition=named(condition),
            load=load,
            turns=of_key,
            load_s=turns.load_s[lane],
            base=starter.bytes_of(lane.engine, lane.variant),
            lora_bytes=[adapter_bytes(scratch.adapters[one]) for one in condition.versions],
        )
        for (lane, condition, load), of_key in turns.of.items()
    ]


def _rows(measured: Sequence[Measured], plan: Plan, machine: MachineSpeed) -> list[Row]:
    alone = {
        (each.lane.engine, each.lane.variant, each.load): each
        for each in measured
        if not each.condition.has_lora
    }
    return [
        row_of(
            each,
            slo=plan.slo,
            machine=machine,
            alone=alone.get((each.lane.engine, each.lane.variant, each.load)),
        )
        for each in sorted(measured, key=lambda each: _place(each, plan))
    ]


def _place(measured: Measured, plan: Plan) -> tuple[int, ...]:
    """Where a row stands: by load, engine, variant and adapters."""
    return (
        plan.loads.index(measured.load),
        [*Engine].index(measured.lane.engine),
        plan.variants.index(measured.lane.variant),
        measured.condition.has_lora,
        measured.condition.adapters,
    )


def _facts(measured: Sequence[Measured]) -> dict[VariantKind, dict[str, Any]]:
    return {
        each.lane.variant: each.turns[-1].facts
        for each in measured
        if each.lane.engine is Engine.VLLM
    }
