"""Starts each lane with just the memory that the loads need."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from medley_registry.variants import VariantKind

from medley_training.benchmarks.base_bytes import BaseBytes, base_bytes
from medley_training.benchmarks.budget import Budget
from medley_training.benchmarks.condition import Condition
from medley_training.benchmarks.energy import EnergyMeter
from medley_training.benchmarks.floor import MachineSpeed
from medley_training.benchmarks.lane import Engine, Lane, LaneName
from medley_training.benchmarks.load import LoadKind
from medley_training.benchmarks.plan import Plan
from medley_training.benchmarks.prompts import Vocabulary
from medley_training.benchmarks.scratch import Scratch
from medley_training.benchmarks.served_lane import ServedLane
from medley_training.benchmarks.transformers_process import transformers_lane
from medley_training.measuring.served import served

_PROCESS_BYTES = {Engine.VLLM: 1_500_000_000, Engine.TRANSFORMERS: 700_000_000}
"""What an engine's processes take besides the model, about."""
_LOADING_SHARE = 1.3
_CPU_MODE = ("--enforce-eager",)
"""On a CPU vLLM compiles, but not with LoRA, and the row without would differ by that too."""


class Starter:
    """Knows which lanes there are, and starts them."""

    def __init__(self, plan: Plan, scratch: Scratch, machine: MachineSpeed, folder: Path) -> None:
        """Takes what is planned.

        Args:
            plan: what is measured.
            scratch: the registry that the servers follow.
            machine: of which the device matters here.
            folder: takes the logs.
        """
        self._plan = plan
        self._scratch = scratch
        self._folder = folder
        self._vocabulary = Vocabulary(scratch.base.path)
        self._meter = EnergyMeter(machine.device)
        self._device = machine.device
        self.budget = Budget.of(
            plan.loads,
            kv_bytes_per_token=self.bytes_of(Engine.VLLM, plan.variants[0]).kv_bytes_per_token,
            device=machine.device,
        )

    @property
    def engine_flags(self) -> tuple[str, ...]:
        """What vLLM gets; the plan's own come last and win."""
        mode = _CPU_MODE if self._device == "cpu" else ()
        budget = self.budget.flags(uses_prefix_cache=self._plan.uses_prefix_cache)
        return (*budget, *mode, *self._plan.engine_flags)

    def bytes_of(self, engine: Engine, variant: VariantKind) -> BaseBytes:
        """Of the form that this engine serves."""
        base = self._scratch.base
        form = base if engine is Engine.TRANSFORMERS else self._scratch.forms[variant]
        in_flight = variant is VariantKind.NF4 and form.base_id == base.base_id
        return base_bytes(form.path, base, in_flight_nf4=in_flight)

    def lanes(self, conditions: Sequence[Condition]) -> list[LaneName]:
        """Those that the conditions need, of every variant."""
        names = [
            LaneName(engine, variant, has_lora)
            for variant in self._plan.variants
            for engine in Engine
            for has_lora in (False, True)
            if engine is Engine.VLLM or self._is_in_transformers(variant)
        ]
        return [name for name in names if any(map(name.takes, conditions))]

    def not_measured(self) -> list[dict[str, str]]:
        """What the plan asks for and no lane does, with the reason."""
        if not self._plan.has_transformers:
            return []
        found = []
        if any(load.kind is LoadKind.OPEN for load in self._plan.loads):
            why = "generate takes no request in while a batch runs, so it has no open loop"
            found.append({"what": "transformers", "why": why})
        elif VariantKind.AWQ in self._plan.variants:
            why = "transformers 5 loads AWQ through gptqmodel, which is not installed"
            found.append({"what": "transformers awq", "why": why})
        return found

    def fits_together(self, names: Sequence[LaneName]) -> bool:
        """Whether all may be up at once: on a CPU with half of its memory to spare."""
        needed = sum(
            _PROCESS_BYTES[name.engine]
            + _LOADING_SHARE * self.bytes_of(name.engine, name.variant).file_bytes
            + self.budget.kv_bytes
            for name in names
        )
        return self._device == "cpu" and needed < available_bytes() / 2

    @contextmanager
    def start(self, name: LaneName) -> Iterator[Lane]:
        """Runs a lane, ready on entry.

        Raises:
            ServerDidNotStart, NotMeasured: it does not start.
        """
        log = self._folder / f"{name}.log"
        if name.engine is Engine.TRANSFORMERS:
            with transformers_lane(
                name.variant,
                self._scratch.base.path,
                adapters=self._scratch.adapters if name.has_lora else {},
                log=log,
                vocabulary=self._vocabulary,
                meter=self._meter,
            ) as lane:
                yield lane
            return
        with served(
            self._scratch.base,
            str(self._scratch.folder),
            variant=name.variant,
            log=log,
            max_loras=max(1, self._plan.adapters) if name.has_lora else 0,
            engine_flags=self.engine_flags,
            home=self._scratch.folder.parent / "home",
        ) as up:
            yield ServedLane(
                up, has_lora=name.has_lora, vocabulary=self._vocabulary, meter=self._meter
            )

    def _is_in_transformers(self, variant: VariantKind) -> bool:
        is_closed = all(load.kind is LoadKind.CLOSED for load in self._plan.loads)
        return self._plan.has_transformers and is_closed and variant is not VariantKind.AWQ


def available_bytes() -> int:
    """What the machine has free, as Linux reckons it."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0
