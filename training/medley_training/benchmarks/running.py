"""Carries a plan out: lanes come up, take turns under every load, and go down again."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace

from medley_training.benchmarks.condition import Condition
from medley_training.benchmarks.lane import Lane, LaneName
from medley_training.benchmarks.load import Load
from medley_training.benchmarks.plan import Plan
from medley_training.benchmarks.schedule import Session, mirrored, sessions
from medley_training.benchmarks.turn import Turn

PAUSE_S = 1.5
"""An idle vLLM spins for about a second after its last request and would slow the next lane."""
_WARM_UP_TOKENS = 4

Start = Callable[[LaneName], AbstractContextManager[Lane]]
Progress = Callable[[int, int], None]
Key = tuple[LaneName, Condition, Load]


@dataclass(frozen=True, slots=True)
class Turns:
    """All that was measured.

    Attributes:
        of: the turns of each lane, condition and load.
        load_s: of each lane, as often as it was started.
    """

    of: dict[Key, list[Turn]] = field(default_factory=dict)
    load_s: dict[LaneName, list[float]] = field(default_factory=dict)


class Run:
    """One run of a plan."""

    def __init__(
        self,
        plan: Plan,
        conditions: Sequence[Condition],
        *,
        start: Start,
        progress: Progress,
        pause_s: float = PAUSE_S,
    ) -> None:
        """Takes what is planned.

        Args:
            plan: the loads and repeats.
            conditions: with which adapters.
            start: brings a lane up.
            progress: called with the turns done and the turns there are.
            pause_s: before each turn, if several lanes are up.
        """
        self._plan = plan
        self._conditions = conditions
        self._start = start
        self._progress = progress
        self._pause_s = pause_s
        self._turns = Turns()
        self._done = 0

    def measure(self, lanes: Sequence[LaneName], *, together: bool) -> Turns:
        """Measures all lanes; all of them are down again afterwards, whatever happens.

        Raises:
            ServerDidNotStart, NotMeasured: one does not start, or is gone.
        """
        planned = sessions(lanes, repeats=self._plan.repeats, together=together)
        total = sum(self._turns_in(session) for session in planned)
        self._progress(0, total)
        for session in planned:
            with ExitStack() as stack:
                up = [self._bring_up(stack, name) for name in session.lanes]
                for repeat in session.repeats:
                    for load in self._plan.loads:
                        self._take_turns(up, load, repeat, total)
        return self._turns

    def _turns_in(self, session: Session[LaneName]) -> int:
        pairs = sum(name.takes(each) for name in session.lanes for each in self._conditions)
        return pairs * len(session.repeats) * len(self._plan.loads)

    def _bring_up(self, stack: ExitStack, name: LaneName) -> Lane:
        """Starts a lane and lets each version answer once, so that all are in their slots."""
        lane = stack.enter_context(self._start(name))
        self._turns.load_s.setdefault(name, []).append(lane.load_s)
        for condition in filter(name.takes, self._conditions):
            for load in self._plan.loads:
                few = max(load.concurrency, condition.adapters)
                tokens = min(load.output_tokens, _WARM_UP_TOKENS)
                lane.run(condition, replace(load, requests=few, output_tokens=tokens), repeat=-1)
        return lane

    def _take_turns(self, up: Sequence[Lane], load: Load, repeat: int, total: int) -> None:
        pairs = [(lane, each) for lane in up for each in self._conditions if lane.name.takes(each)]
        for lane, condition in mirrored(pairs, repeat):
            if len(up) > 1:
                time.sleep(self._pause_s)
            turn = lane.run(condition, load, repeat)
            self._turns.of.setdefault((lane.name, condition, load), []).append(turn)
            self._done += 1
            self._progress(self._done, total)
