"""A run as its events tell it, sorted by round: what plots and reports are made from."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from medley_training.rounds.events import (
    Aggregated,
    Contributed,
    Evaluated,
    Event,
    Failed,
    Judged,
    Measured,
    Published,
    Refused,
    RoundStarted,
    RunFinished,
    RunStarted,
    Step,
)


@dataclass(slots=True)
class RoundHistory:
    """One round; a run that was stopped and went on tells some events twice, the last one counts.

    Attributes:
        number: From 1.
        asked: The sites that were chosen, sorted.
        contributed: Site → the answer that counts.
        refused: Every refusal in the order of the log, each once.
        failed: Site → why it gave no answer, unless it gave one after all.
        measured: Variant and suite → what was found.
    """

    number: int
    asked: tuple[str, ...] = ()
    contributed: dict[str, Contributed] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)
    failed: dict[str, Failed] = field(default_factory=dict)
    aggregated: Aggregated | None = None
    evaluated: Evaluated | None = None
    published: Published | None = None
    measured: dict[tuple[str, str], Measured] = field(default_factory=dict)
    judged: Judged | None = None


@dataclass(slots=True)
class RunHistory:
    """A run.

    Attributes:
        started: The last start, which says whether the run went on after a stop.
        start_scores: The scores of the adapter before the first round.
        steps: Site → its optimizer steps that the log keeps, in the order of rounds and steps.
        transfers: Every contribution that arrived, repeated ones too: what went over the wire.
    """

    started: RunStarted | None = None
    finished: RunFinished | None = None
    start_scores: Evaluated | None = None
    rounds: Sequence[RoundHistory] = ()
    steps: Mapping[str, Sequence[Step]] = field(default_factory=dict)
    transfers: Sequence[Contributed] = ()

    @property
    def sites(self) -> tuple[str, ...]:
        """Every site that the log names, sorted."""
        names = set(self.started.sites if self.started else ())
        for each in self.rounds:
            names |= {*each.asked, *each.contributed, *each.failed}
            names |= {refused.site for refused in each.refused}
            names |= set(each.evaluated.scores) if each.evaluated else set()
        return tuple(sorted(names))

    @property
    def evaluations(self) -> tuple[Evaluated, ...]:
        """The start's scores and every round's, as far as there are any."""
        found = [self.start_scores, *(each.evaluated for each in self.rounds)]
        return tuple(each for each in found if each is not None)

    @property
    def metrics(self) -> tuple[str, ...]:
        """The names of all metrics, the loss first."""
        names: set[str] = set()
        for each in self.evaluations:
            names.update(each.pooled, *each.scores.values())
        return tuple(sorted(names, key=lambda name: (name != "loss", name)))


def history(events: Iterable[Event]) -> RunHistory:
    """Sort a log's events by round."""
    run = RunHistory()
    rounds: dict[int, RoundHistory] = {}
    steps: dict[tuple[str, int, int], Step] = {}
    transfers: list[Contributed] = []
    for event in events:
        match event:
            case RunStarted():
                run.started = event
            case RunFinished():
                run.finished = event
            case Step():
                steps[event.site, event.round, event.step] = event
            case Evaluated(round=0):
                run.start_scores = event
            case _:
                transfers += [event] if isinstance(event, Contributed) else []
                at = rounds.setdefault(event.round, RoundHistory(event.round))
                _add(at, event)
    run.rounds = tuple(rounds[number] for number in sorted(rounds))
    run.transfers = tuple(transfers)
    run.steps = _by_site(steps)
    return run


def _add(at: RoundHistory, event: Event) -> None:
    if isinstance(event, Published | Measured | Judged):
        _add_version(at, event)
        return
    match event:
        case RoundStarted():
            at.asked = tuple(sorted(event.sites))
        case Contributed():
            at.contributed[event.site] = event
            at.failed.pop(event.site, None)
        case Refused():
            told = {(each.site, each.reason, each.detail) for each in at.refused}
            if (event.site, event.reason, event.detail) not in told:
                at.refused.append(event)
        case Failed():
            at.failed[event.site] = event
        case Aggregated():
            at.aggregated = event
        case Evaluated():
            at.evaluated = event
        case _:
            pass


def _add_version(at: RoundHistory, event: Published | Measured | Judged) -> None:
    match event:
        case Published():
            at.published = event
        case Measured():
            at.measured[event.variant, event.suite] = event
        case Judged():
            at.judged = event


def _by_site(steps: Mapping[tuple[str, int, int], Step]) -> dict[str, list[Step]]:
    found: dict[str, list[Step]] = {}
    for key in sorted(steps):
        found.setdefault(key[0], []).append(steps[key])
    return found
