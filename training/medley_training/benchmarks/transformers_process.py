"""The transformers lane as its parent sees it: orders go in, answers come out."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from medley_registry.variants import VariantKind

from medley_training.benchmarks.answer import Answer
from medley_training.benchmarks.client import questions
from medley_training.benchmarks.condition import Condition
from medley_training.benchmarks.energy import EnergyMeter
from medley_training.benchmarks.lane import Engine, LaneName
from medley_training.benchmarks.load import Load
from medley_training.benchmarks.memory import Memory
from medley_training.benchmarks.prompts import Vocabulary
from medley_training.benchmarks.turn import Turn
from medley_training.errors import NotMeasured

_MODULE = "medley_training.benchmarks.transformers_lane"
_STOP_LIMIT_S = 20
_NOBODY = "the base"


class TransformersLane:
    """Gives orders to a process that is up."""

    def __init__(
        self,
        process: "subprocess.Popen[str]",
        name: LaneName,
        *,
        log: Path,
        vocabulary: Vocabulary,
        meter: EnergyMeter,
        adapters: Mapping[str, Path],
    ) -> None:
        self._process = process
        self._name = name
        self._log = log
        self._vocabulary = vocabulary
        self._meter = meter
        # PEFT's names become names of modules, in which no dot may be.
        self._adapters = {reference: f"a{place}" for place, reference in enumerate(adapters)}
        self._folders = adapters
        self._load_s = 0.0

    @property
    def name(self) -> LaneName:
        """See `Lane.name`."""
        return self._name

    @property
    def load_s(self) -> float:
        """See `Lane.load_s`."""
        return self._load_s

    def load(self, folder: Path, *, started: float) -> None:
        """Loads the base and the adapters.

        Raises:
            NotMeasured: the process ended.
        """
        is_nf4 = self._name.variant is VariantKind.NF4
        folders = {self._adapters[ref]: str(place) for ref, place in self._folders.items()}
        order = {"do": "load", "folder": str(folder), "adapters": folders}
        self._tell(order | {"quantization": "nf4" if is_nf4 else "none"})
        self._load_s = time.monotonic() - started

    def run(self, condition: Condition, load: Load, repeat: int) -> Turn:
        """See `Lane.run`."""
        prompts = self._vocabulary.prompts(load, repeat)
        asked = questions(load, prompts, condition.versions or (_NOBODY,), repeat)
        spent = self._meter.read()
        told = self._tell(
            {
                "do": "run",
                "prompts": prompts,
                "models": [self._adapters.get(question.model) for question in asked],
                "output_tokens": load.output_tokens,
                "concurrency": load.concurrency,
            }
        )
        answers = [
            Answer(
                model=question.model,
                due_s=each["sent_s"],
                sent_s=each["sent_s"],
                token_times_s=tuple(each["token_times_s"]),
            )
            for question, each in zip(asked, told["answers"], strict=True)
        ]
        return Turn(
            answers=answers,
            wall_s=told["wall_s"],
            memory=Memory.of(told["memory_bytes"]),
            energy_j=self._meter.since(spent),
            facts={},
        )

    def _tell(self, order: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):  # then it gives no answer either
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            tail = "\n".join(self._log.read_text(errors="replace").splitlines()[-8:])
            raise NotMeasured(f"{self._name} ended; the end of {self._log}:\n{tail}")
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextmanager
def transformers_lane(
    variant: VariantKind,
    folder: Path,
    *,
    adapters: Mapping[str, Path],
    log: Path,
    vocabulary: Vocabulary,
    meter: EnergyMeter,
) -> Iterator[TransformersLane]:
    """Runs the lane, loaded on entry and ended on exit.

    Args:
        variant: bf16, or nf4, which bitsandbytes makes in flight.
        folder: the base as it is.
        adapters: by reference; none for the base without PEFT.
        log: the file that takes what the process prints.
        vocabulary: of the base.
        meter: of the device's energy.

    Raises:
        NotMeasured: it cannot be loaded.
    """
    name = LaneName(Engine.TRANSFORMERS, variant, bool(adapters))
    started = time.monotonic()
    with log.open("w") as errors:
        process = subprocess.Popen(
            (sys.executable, "-m", _MODULE),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,  # Ctrl-C reaches us, and we end it in order
        )
    try:
        lane = TransformersLane(
            process, name, log=log, vocabulary=vocabulary, meter=meter, adapters=adapters
        )
        lane.load(folder, started=started)
        yield lane
    finally:
        _end(process)


def _end(process: "subprocess.Popen[str]") -> None:
    try:
        with suppress(BrokenPipeError):
            process.communicate(timeout=_STOP_LIMIT_S)  # closes its stdin, which ends it
    except subprocess.TimeoutExpired:
        pass
    finally:
        process.kill()
        process.wait()
