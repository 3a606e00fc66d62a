"""A variant in vLLM, behind `medley serve`, as a lane."""

import re

import httpx

from medley_training.benchmarks.client import ask_all, questions
from medley_training.benchmarks.condition import Condition
from medley_training.benchmarks.energy import EnergyMeter
from medley_training.benchmarks.lane import Engine, LaneName
from medley_training.benchmarks.load import Load
from medley_training.benchmarks.memory import Memory
from medley_training.benchmarks.prompts import Vocabulary
from medley_training.benchmarks.turn import Turn
from medley_training.errors import NotMeasured
from medley_training.measuring.quantization import check_quantization
from medley_training.measuring.served import Served

_PREEMPTIONS = re.compile(r"^vllm:num_preemptions_total(?:\{[^}]*\})? (\S+)$", re.MULTILINE)


class ServedLane:
    """Asks a server that is up."""

    def __init__(
        self, served: Served, *, has_lora: bool, vocabulary: Vocabulary, meter: EnergyMeter
    ) -> None:
        self._served = served
        self._name = LaneName(Engine.VLLM, served.variant, has_lora)
        self._vocabulary = vocabulary
        self._meter = meter

    @property
    def name(self) -> LaneName:
        """See `Lane.name`."""
        return self._name

    @property
    def load_s(self) -> float:
        """See `Lane.load_s`."""
        return self._served.load_s

    def run(self, condition: Condition, load: Load, repeat: int) -> Turn:
        """See `Lane.run`."""
        models = condition.versions or (self._served.base.name,)
        prompts = self._vocabulary.prompts(load, repeat)
        asked = questions(load, prompts, models, repeat)
        before = self._served.facts(reset=True)
        check_quantization(before, self._served.base, self._served.variant)
        preempted, spent = self._preemptions(), self._meter.read()
        answers, wall_s = ask_all(self._served.url, load, asked)
        energy_j = self._meter.since(spent)
        facts = self._served.facts()
        return Turn(
            answers=answers,
            wall_s=wall_s,
            memory=Memory.of(facts.get("memory_bytes", {})),
            preemptions=self._preemptions() - preempted,
            energy_j=energy_j,
            facts={name: value for name, value in facts.items() if name != "rows"},
        )

    def _preemptions(self) -> int:
        try:
            told = httpx.get(f"{self._served.url}/metrics", timeout=60, trust_env=False).text
        except httpx.HTTPError as error:
            raise NotMeasured(f"{self._served.url}/metrics does not answer: {error}") from error
        found = _PREEMPTIONS.findall(told)
        if not found:
            raise NotMeasured("the engine does not count preemptions")
        return sum(int(float(count)) for count in found)
