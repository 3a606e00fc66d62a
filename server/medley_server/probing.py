"""Asking a loaded version before any caller may: does it answer, and as its publisher measured?

An adapter can be loaded and reach nothing, and then the base answers under its name (vllm#34186);
or reach it wrongly. Both are seen in what the version thinks of a text, which is teacher-forced:
nothing is sampled, so nothing is left to chance but the arithmetic of the machine.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from math import fsum, isfinite
from pathlib import Path

from medley_registry import VariantKind, Version
from medley_registry.admission import GOLDEN_FILE
from medley_registry.errors import AdmissionRefused
from medley_registry.golden import GoldenPrompt, GoldenPrompts, parse_golden

from medley_server.engine.port import Engine
from medley_server.errors import AdapterUnavailable
from medley_server.fetching import Fetched
from medley_server.served_base import ServedBase

PATIENCE_S = 120.0
"""How long a probe may take, until the version is left for later: an engine's first may be slow."""

PROMPT = "Question: What should be done next, and why?\nAnswer:"
ANSWER = (
    " First, read the notes of the last visit and compare the values with those of today. "
    "Then write down what has changed, in plain words, and who must be told."
)
"""For versions without golden prompts: any text shows whether weights reach anything."""

WIDER = {VariantKind.NF4: 0.7, VariantKind.AWQ: 0.7}
"""Nats per token that a form of the base may be off besides, which the publisher did not measure.

Of a small base, whose answers quantization moves most, NF4's were off by 0.2 in the mean and 0.52
at most, AWQ's by 0.25 and 0.45; the base's own by 2.9 at least, and those of the other version of
an adapter by 1.25 where it answers otherwise (`tests/bench/golden_tolerance.py`).
"""


class ProbeRefused(AdapterUnavailable):
    """The version answers wrongly here, and would again: its content never changes."""


Turns = Callable[[Version], AbstractAsyncContextManager[None]]
"""Grants a version a place in the engine's next batches."""


def at_once(_version: Version) -> AbstractAsyncContextManager[None]:
    """The turn of who need not wait for others."""
    return nullcontext()


class Prober:
    """Probes versions on one engine.

    Attributes:
        turns: where probes wait as requests do; a batch has slots for so many adapters only.
    """

    def __init__(self, engine: Engine, base: ServedBase) -> None:
        self._engine = engine
        self._base = base
        self.turns: Turns = at_once

    async def probe(self, version: Version, fetched: Fetched) -> None:
        """Asks a version that is loaded, and that no caller can reach yet.

        Raises:
            ProbeRefused: it answers as the base does, with numbers that are none, or otherwise than
                its publisher measured.
            AdapterUnavailable: it could not be asked, or not in time.
        """
        golden = await asyncio.to_thread(_golden, version, fetched.folder)
        try:
            async with asyncio.timeout(PATIENCE_S), self.turns(version):
                if fetched.is_felt:
                    await self._check_felt(version, golden)
                for number, one in enumerate(golden.prompts if golden else (), 1):
                    assert golden is not None
                    await self._check_golden(version, one, number, tolerance=golden.tolerance)
        except TimeoutError as error:
            raise AdapterUnavailable(
                f"{version.reference} was not probed within {PATIENCE_S:.0f} s: the engine is busy"
            ) from error

    async def _check_felt(self, version: Version, golden: GoldenPrompts | None) -> None:
        prompt, answer = PROMPT, ANSWER
        if golden:
            prompt, answer = golden.prompts[0].prompt, golden.prompts[0].answer
        own = await self._scores(version, prompt, answer)
        if list(own) == list(await self._engine.score(None, prompt, answer)):
            raise ProbeRefused(
                f"{version.reference} is loaded and answers exactly as the base does: its weights "
                "reach nothing here"
            )

    async def _check_golden(
        self, version: Version, one: GoldenPrompt, number: int, *, tolerance: float
    ) -> None:
        scores = await self._scores(version, one.prompt, one.answer)
        what = f"golden prompt {number} of {version.reference}"
        if len(scores) != one.tokens:
            raise ProbeRefused(
                f"{what} has {len(scores)} tokens here, and {one.tokens} where it was published: "
                "another tokenizer"
            )
        allowed = tolerance + WIDER.get(self._base.variant_of(version), 0.0)
        mean = fsum(scores) / len(scores)
        if abs(mean - one.logprob) > allowed:
            raise ProbeRefused(
                f"{what} is answered otherwise than published: log-probability {mean:.4f} per "
                f"token, and {one.logprob:.4f} was measured (tolerance {allowed:g})"
            )

    async def _scores(self, version: Version, prompt: str, answer: str) -> Sequence[float]:
        scores = await self._engine.score(version.engine_name, prompt, answer)
        if not all(map(isfinite, scores)):
            raise ProbeRefused(f"{version.reference} answers with numbers that are none")
        return scores


def _golden(version: Version, folder: Path) -> GoldenPrompts | None:
    if version.manifest.digest_of(GOLDEN_FILE) is None:
        return None
    try:
        return parse_golden((folder / GOLDEN_FILE).read_bytes())
    except (OSError, AdmissionRefused) as error:
        raise AdapterUnavailable(f"{GOLDEN_FILE} of {version.reference}: {error}") from error
