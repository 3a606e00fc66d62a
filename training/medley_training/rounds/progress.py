"""A run's progress on standard error: a bar for the rounds, and one for every site of a round."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from math import isfinite
from typing import TYPE_CHECKING

from medley_registry.inert import inert

from medley_training.amounts import duration_text
from medley_training.rounds.event_text import event_text
from medley_training.rounds.events import (
    Aggregated,
    Closed,
    Contributed,
    Evaluated,
    Event,
    Failed,
    Judged,
    Measured,
    Observer,
    Published,
    Refused,
    RoundStarted,
    RunFinished,
    RunStarted,
    SiteStarted,
    Step,
)

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

_LASTING = (RunStarted, Refused, Failed, Evaluated, Published, Measured, Judged, RunFinished)
"""What stays above the bars; the rest only moves them."""


@contextmanager
def rounds_progress(*, quiet: bool = False, console: "Console | None" = None) -> Iterator[Observer]:
    """Show a run while the scope lasts; it yields the observer that is told of its events.

    A terminal gets bars. Anything else gets a line for each contribution, evaluation, publication
    and the like, without colours or movement. With `quiet` nothing is shown.
    """
    from rich.console import Console

    if quiet:
        yield lambda _: None
        return
    console = console or Console(stderr=True)
    if not console.is_terminal:
        yield lambda event: _print(console, event)
        return
    with bars(console) as progress:
        board = _Board(progress)

        def observe(event: Event) -> None:
            if isinstance(event, _LASTING):
                _print(console, event)
            board.observe(event)

        yield observe


class Pace:
    """How long a run will still take, from the events seen so far.

    The part that is done is counted in rounds since this process began: the finished ones, and of
    the present one the mean over its sites.
    """

    def __init__(self) -> None:
        self._began: datetime | None = None
        self._first_round = self._round = self._rounds = 0
        self._shares: dict[str, float] = {}

    def observe(self, event: Event) -> None:
        """Take an event into account."""
        match event:
            case RunStarted():
                self._began, self._rounds = event.at, event.rounds
            case RoundStarted():
                self._first_round = self._first_round or event.round
                self._round, self._shares = event.round, dict.fromkeys(event.sites, 0.0)
            case Step():
                self._shares[event.site] = event.step / event.total_steps
            case Contributed() | Refused() | Failed():
                self._shares[event.site] = 1.0
            case _:
                pass

    def left_s(self, at: datetime) -> float | None:
        """Seconds until the last round ends; None while nothing tells."""
        share = sum(self._shares.values()) / len(self._shares) if self._shares else 0.0
        done = self._round - self._first_round + share
        if self._began is None or not done:
            return None
        all_rounds = self._rounds - self._first_round + 1
        return max((at - self._began).total_seconds() * (all_rounds - done) / done, 0.0)


class _Board:
    """The bars of one run; the first is the rounds', so that a small terminal cuts sites off."""

    def __init__(self, progress: "Progress") -> None:
        self._progress = progress
        self._rounds = progress.add_task("rounds", total=None, state="")
        self._sites: dict[str, TaskID] = {}
        self._totals: dict[str, int] = {}
        self._pace = Pace()

    def observe(self, event: Event) -> None:
        self._pace.observe(event)
        match event:
            case RunStarted():
                self._progress.update(self._rounds, total=event.rounds, state="starting")
            case RoundStarted():
                self._begin_round(event)
            case SiteStarted():
                self._update(event.site, state="training")
            case Step():
                self._step(event)
            case Contributed():
                total = self._totals.get(event.site, 1)
                loss = "" if event.loss_last is None else f", loss {event.loss_last:.3f}"
                state = f"contributed{loss}"
                self._update(event.site, state=state, completed=total, total=total)
            case Refused():
                self._update(event.site, state=f"refused: {event.reason}")
            case Failed():
                self._update(event.site, state="failed")
            case Closed() | Aggregated() | Evaluated() | Published():
                self._end_phase(event)
            case RunFinished():
                self._progress.update(self._rounds, state="finished")

    def _begin_round(self, event: RoundStarted) -> None:
        self._totals.clear()
        for site, task in self._sites.items():
            self._progress.update(task, visible=site in event.sites)
        for site in event.sites:
            if site not in self._sites:
                self._sites[site] = self._progress.add_task(inert(site), total=None, state="")
            self._update(site, state="waiting", completed=0)
        self._progress.update(self._rounds, completed=event.round - 1)
        self._tell_rounds(event.at, f"round {event.round}: training")

    def _step(self, event: Step) -> None:
        rate = f", {event.num_tokens / event.elapsed_s:.0f} tokens/s" if event.elapsed_s > 0 else ""
        loss = f", loss {event.loss:.3f}" if isfinite(event.loss) else ""
        state = f"training{loss}{rate}"
        self._totals[event.site] = event.total_steps
        self._update(event.site, state=state, completed=event.step, total=event.total_steps)
        self._tell_rounds(event.at, f"round {event.round}: training")

    def _update(
        self, site: str, *, state: str, completed: int | None = None, total: int | None = None
    ) -> None:
        if (task := self._sites.get(site)) is not None:
            self._progress.start_task(task)
            self._progress.update(task, state=inert(state), completed=completed, total=total)

    def _end_phase(self, event: Closed | Aggregated | Evaluated | Published) -> None:
        phases = {
            Closed: "aggregating",
            Aggregated: "evaluating",
            Evaluated: "evaluated",
            Published: "published",
        }
        which = f"round {event.round}" if event.round else "start"
        if event.round and isinstance(event, Evaluated | Published):
            self._progress.update(self._rounds, completed=event.round)
        self._tell_rounds(event.at, f"{which}: {phases[type(event)]}")

    def _tell_rounds(self, at: datetime, state: str) -> None:
        left_s = self._pace.left_s(at)
        left = "" if not left_s else f", {duration_text(left_s)} left"
        self._progress.update(self._rounds, state=f"{state}{left}")


def bars(console: "Console") -> "Progress":
    """Bars of steps, each with a field ``state`` for what else there is to say."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[state]}", markup=False),
    )
    # What is printed meanwhile on standard output is for programs.
    return Progress(*columns, console=console, redirect_stdout=False)


def _print(console: "Console", event: Event) -> None:
    text = event_text(event)
    if text is not None:
        print_text(console, text)


def print_text(console: "Console", text: str) -> None:
    """Print text as it is: what a stranger wrote in it is no markup."""
    console.print(text, markup=False, highlight=False, emoji=False, soft_wrap=True)
