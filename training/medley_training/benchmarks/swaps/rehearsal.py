"""One server's part of the benchmark: quiet and swapping phases in turns, then the verdicts."""

import asyncio
import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import ceil

import httpx

from medley_training.benchmarks.swaps.asking import Asking, Reply, Tokens
from medley_training.benchmarks.swaps.judging import Judge, Switch, Verdict, allowed_for
from medley_training.benchmarks.swaps.lane import Act, Leftovers, SwapLane
from medley_training.errors import NotMeasured

_WARM_UP_TURNS = 4
_LONGEST_PHASE = 13
_LOOK_TOKENS = 2
_PATIENCE_S = 60.0
_TELLING_NATS = 1.0
_LEAST_PROMPTS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapPlan:
    """What each server goes through.

    Attributes:
        swaps: how many in all.
        gap_s: between the begin of one and that of the next.
        askers: requests in flight.
        output_tokens: of an answer.
    """

    swaps: int = 50
    gap_s: float = 1.0
    askers: int = 8
    output_tokens: int = 16

    @property
    def phases(self) -> list[tuple[int, bool]]:
        """Gaps of each phase, and whether there are swaps in it: A B B A, and again.

        Short ones, since a machine that others use is not equally fast from one minute to the next.
        """
        pairs = 2 * ceil(self.swaps / (2 * _LONGEST_PHASE))
        parts = [
            (place + 1) * self.swaps // pairs - place * self.swaps // pairs
            for place in range(pairs)
        ]
        found = [((part, False), (part, True)) for part in parts]
        return [
            phase
            for place, pair in enumerate(found)
            for phase in (pair if place % 2 == 0 else pair[::-1])
        ]


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase.

    Attributes:
        has_swaps: whether there were swaps in it.
        since: when its load had spread out: requests that were sent before all began at once.
        replies: of those in flight.
    """

    has_swaps: bool
    since: float
    replies: Sequence[Reply]

    @property
    def timed(self) -> list[Reply]:
        """Those that tell how long an answer takes."""
        return [reply for reply in self.replies if reply.sent >= self.since]


@dataclass(slots=True)
class Course:
    """All that happened at one server.

    Attributes:
        phases: in order.
        looks: one request in each gap of either, and as many as it takes after a swap.
        verdicts: of all that have no error.
        switches: the swaps.
        first_token_s: from the begin of each swap to the first token of the new version.
        leftovers: afterwards.
    """

    phases: list[Phase] = field(default_factory=list)
    looks: list[Reply] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    switches: list[Switch] = field(default_factory=list)
    first_token_s: list[float] = field(default_factory=list)
    leftovers: Leftovers | None = None

    @property
    def replies(self) -> list[Reply]:
        """All of them."""
        of_phases = (phase.replies for phase in self.phases)
        return [*itertools.chain.from_iterable(of_phases), *self.looks]


Progress = Callable[[int], None]


class Rehearsal:
    """Carries a plan out at one lane."""

    def __init__(
        self,
        lane: SwapLane,
        acts: Sequence[Act],
        candidates: Sequence[Sequence[int]],
        plan: SwapPlan,
        *,
        progress: Progress,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Takes what is needed.

        Args:
            lane: up, with each adapter at version 1.
            acts: every version.
            candidates: prompts, of which those are used that tell the versions apart.
            plan: the phases.
            progress: called with the swaps done.
            transport: how the lane is reached, if not over the network.
        """
        self._lane = lane
        self._acts = list(acts)
        self._adapters = sorted({act.adapter for act in acts})
        self._candidates = candidates
        self._plan = plan
        self._progress = progress
        self._asking = Asking(
            lane, candidates, output_tokens=plan.output_tokens, transport=transport
        )
        self._course = Course()
        self._alone: dict[tuple[Act, int], Tokens] = {}
        self._telling: list[int] = []
        self._current = dict.fromkeys(self._adapters, 1)

    async def run(self) -> Course:
        """All phases, then the verdicts.

        Raises:
            NotMeasured: the versions cannot be told apart, or the server does not do as it is told.
        """
        try:
            await self._learn()
            await self._phase(turns=_WARM_UP_TURNS, has_swaps=False)
            self._course.looks.clear()
            for turns, has_swaps in self._plan.phases:
                phase = await self._phase(turns=turns, has_swaps=has_swaps)
                self._course.phases.append(phase)
            self._course.leftovers = await self._lane.leftovers()
            await self._judge()
        finally:
            await self._asking.close()
        return self._course

    async def _learn(self) -> None:
        """Asks each version alone, and keeps the prompts that tell the versions apart."""
        for prompt in range(len(self._candidates)):
            for act in self._acts:
                model = self._lane.model_of_act(act)
                reply = await self._asking.ask(model, act.adapter, prompt, is_streamed=False)
                if reply.error:
                    raise NotMeasured(f"{self._lane.name}: {act} alone: {reply.error}")
                self._alone[act, prompt] = reply.tokens
            if await self._tells(prompt):
                self._telling.append(prompt)
        if len(self._telling) < _LEAST_PROMPTS:
            raise NotMeasured(
                f"{self._lane.name}: only {len(self._telling)} of {len(self._candidates)} prompts "
                "have other answers from each version; name versions that differ more"
            )

    async def _tells(self, prompt: int) -> bool:
        """Whether each version finds the answers of its adapter's others unlikely."""
        for act, other in itertools.permutations(self._acts, 2):
            if act.adapter == other.adapter:
                answer = self._alone[other, prompt]
                model = self._lane.model_of_act(act)
                if max(await self._asking.surprise(model, prompt, answer)) < _TELLING_NATS:
                    return False
        return True

    async def _phase(self, *, turns: int, has_swaps: bool) -> Phase:
        """Requests in flight, and beside them one look at an adapter in each gap."""
        until = asyncio.Event()
        asking = self._asking.keep(
            self._adapters, self._telling, askers=self._plan.askers, until=until
        )
        load = asyncio.create_task(asking)
        try:
            await asyncio.sleep(2 * self._plan.gap_s)
            began = time.perf_counter()
            for place in range(turns):
                await asyncio.sleep(began + place * self._plan.gap_s - time.perf_counter())
                adapter = self._adapters[place % len(self._adapters)]
                if has_swaps:
                    await self._swap(Act(adapter, 3 - self._current[adapter]))
                else:
                    await self._look(adapter)
        finally:
            until.set()
        return Phase(has_swaps, began, await load)

    async def _look(self, adapter: str) -> Reply:
        model = self._lane.model_of(adapter)
        reply = await self._asking.ask(
            model, adapter, self._telling[0], is_streamed=True, output_tokens=_LOOK_TOKENS
        )
        self._course.looks.append(reply)
        return reply

    async def _swap(self, act: Act) -> None:
        """One swap, until a request that was sent after its begin is answered by the new one."""
        begun = time.perf_counter()
        await self._lane.swap(act)
        done = time.perf_counter()
        while time.perf_counter() - begun < _PATIENCE_S:
            reply = await self._look(act.adapter)
            named = self._lane.named(reply.model) if reply.error is None else None
            if reply.error is None and named in (None, act):  # vLLM is done when it says so
                assert reply.first is not None
                self._course.first_token_s.append(reply.first - begun)
                settled = done if named is None else reply.first
                self._course.switches.append(Switch(act, begun, settled))
                self._current[act.adapter] = act.number
                self._progress(1)
                return
        raise NotMeasured(f"{self._lane.name}: {act} has not answered after {_PATIENCE_S:g} s")

    async def _judge(self) -> None:
        judge = Judge(self._alone, self._surprise)
        course = self._course
        for reply in course.replies:
            if reply.error is None:
                named = self._lane.named(reply.model)
                allowed = allowed_for(reply, named, course.switches)
                course.verdicts.append(await judge.judge(reply, allowed))

    async def _surprise(self, act: Act, prompt: int, answer: Tokens) -> Sequence[float]:
        return await self._asking.surprise(self._lane.model_of_act(act), prompt, answer)
