"""Which variant for which use, by rules that are printed beside their numbers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from medley_registry import VariantKind

from medley_training.amounts import counted
from medley_training.reports.records.benchmark_rows import BenchmarkRow
from medley_training.reports.records.contender import Contender, Field
from medley_training.reports.records.content import Block, Bullets, Section, Table
from medley_training.reports.records.estimate import Estimate
from medley_training.reports.records.findings import Scored
from medley_training.reports.records.quantities import (
    digits,
    megabytes_text,
    milliseconds_text,
    score_text,
)

TITLE = "Which variant for what"
MARGIN = 0.02
_NONE = "no recommendation"
_UNEVALUATED = "bf16 was not evaluated"
_FEWEST = 2


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What to take for a use, or why nothing can be said.

    Attributes:
        variant: None for no recommendation.
        because: Every number that was looked at, or what is lacking.
        figure: The variant's own.
    """

    use: str
    variant: VariantKind | None
    because: str
    figure: str = ""

    @property
    def text(self) -> str:
        """For example ``low latency: awq, between tokens at p95 15 ms``."""
        use = self.use[0].lower() + self.use[1:]
        return f"{use}: {self.variant or _NONE}, {self.figure or self.because}"


@dataclass(frozen=True, slots=True)
class _Measure:
    """A number of which less is better."""

    name: str
    of: Callable[[BenchmarkRow], Estimate | None]
    text: Callable[[float], str]


_LATENCY = _Measure("between tokens at p95", lambda row: row.itl_ms.p95, milliseconds_text)
_BUDGET = _Measure("smallest budget", lambda row: row.smallest_budget_mb, megabytes_text)
_MEMORY = _Measure("memory in all", lambda row: row.memory_mb.total, megabytes_text)


def recommendation_section(fields: Sequence[Field], *, margin: float = MARGIN) -> Section:
    """A table for each version and environment, and the rules."""
    blocks: list[Block] = []
    for field in fields:
        rows = [
            (each.use, each.variant.value if each.variant else _NONE, each.because)
            for each in recommendations(field, margin=margin)
        ]
        blocks.append(Table.of(("use", "variant", "because"), rows, f"{field.title}."))
    return Section(TITLE, (*blocks, Bullets(rules(margin))) if blocks else ())


def recommendations(field: Field, *, margin: float = MARGIN) -> tuple[Recommendation, ...]:
    """One for each use."""
    return (
        _least("Low latency", _LATENCY, field, margin),
        _high_accuracy(field),
        _edge(field, margin),
        _research(field),
    )


def rules(margin: float) -> tuple[str, ...]:
    """The rules in words."""
    equal = (
        f"all variants that are not worse than bf16 by more than {margin:g} in any suite that bf16 "
        "was evaluated on"
    )
    high = (
        "High accuracy: bf16, unless another variant is better than it in every suite with the "
        "lower bound of its difference above 0; then the one with the largest mean difference."
    )
    edge = (
        "Edge: the smallest budget that serves the load, or where that was not measured the least "
        f"memory in all, of {equal}."
    )
    worse = (
        "Not worse means: the one-sided 95 % lower bound of the difference over the same items is "
        f"at least {digits(-margin)}; without items, the lower end of the variant's interval is at "
        f"least bf16's value less {margin:g}."
    )
    return (
        f"Low latency: the lowest p95 between tokens of {equal}.",
        high,
        edge,
        "Research: bf16, the base as it is, if it was evaluated.",
        worse,
    )


def shortfalls(contender: Contender, field: Field, margin: float) -> list[str]:
    """Why it is not shown to be as accurate as bf16; nothing if it is."""
    bf16 = field.bf16
    if bf16 is None or not _is_evaluated(bf16):
        return [_UNEVALUATED]
    if contender is bf16:
        return []
    own = {each.measurement.conditions: each for each in contender.scores}
    found = []
    for each in bf16.scores:
        suite, base = each.measurement.evidence.suite, each.score
        mine = own.get(each.measurement.conditions)
        if base is None:
            continue
        lack = "not measured" if mine is None else _shortfall(mine, base, margin)
        found += [f"{suite} {lack}"] if lack else []
    return found


def _shortfall(mine: Scored, base: Estimate, margin: float) -> str:
    if mine.difference:
        bound = mine.difference.lower_bound
        return "" if bound >= -margin else f"at least {digits(bound)} from bf16"
    if mine.score is None or mine.score.low is None:
        return "without an interval"
    is_near = mine.score.low >= base.value - margin
    return "" if is_near else f"{score_text(mine.score)} against {digits(base.value)}"


def _least(use: str, measure: _Measure, field: Field, margin: float) -> Recommendation:
    """The contender with the lowest value among those as accurate as bf16."""
    rows = {c.variant: c.row for c in field.contenders if c.row}
    known = {kind: number for kind, row in rows.items() if (number := measure.of(row))}
    if len(known) < _FEWEST:
        because = f"{measure.name} was measured of {counted(len(known), 'variant')}"
        return Recommendation(use, None, because)
    numbers = ", ".join(f"{kind} {measure.text(known[kind].value)}" for kind in known)
    if not _is_evaluated(field.bf16):
        because = f"{_UNEVALUATED}; {measure.name}, {field.slots_text}: {numbers}"
        return Recommendation(use, None, because)
    lacks = {c.variant: shortfalls(c, field, margin) for c in field.contenders}
    out = [f"{kind} is out: {'; '.join(lacks[kind])}" for kind in known if lacks[kind]]
    because = ". ".join([f"{measure.name}, {field.slots_text}: {numbers}", *out])
    left = [kind for kind in known if not lacks[kind]]
    best = min(left, key=lambda kind: known[kind].value, default=None)
    figure = f"{measure.name} {measure.text(known[best].value)}" if best else ""
    return Recommendation(use, best, because, figure)


def _is_evaluated(contender: Contender | None) -> bool:
    return contender is not None and any(each.score for each in contender.scores)


def _edge(field: Field, margin: float) -> Recommendation:
    budgets = [c.row.smallest_budget_mb for c in field.contenders if c.row]
    measure = _BUDGET if budgets and all(budgets) else _MEMORY
    return _least("Edge", measure, field, margin)


def _high_accuracy(field: Field) -> Recommendation:
    use, bf16 = "High accuracy", field.bf16
    suites = [each.measurement.conditions for each in bf16.scores if each.score] if bf16 else []
    if not suites:
        return Recommendation(use, None, _UNEVALUATED)
    evaluated = [c for c in field.contenders if any(each.score for each in c.scores)]
    if len(evaluated) < _FEWEST:
        return Recommendation(use, None, "no variant but bf16 was evaluated")
    gains = {c.variant: gain for c in evaluated if (gain := _gain(c, len(suites))) is not None}
    best = max(gains, key=lambda kind: gains[kind], default=VariantKind.BF16)
    texts = {c.variant: _scores_text(c) for c in evaluated}
    because = "; ".join(f"{kind} {text}" for kind, text in texts.items())
    return Recommendation(use, best, because, texts[best])


def _gain(contender: Contender, suites: int) -> float | None:
    """The mean difference from bf16, if in every suite its lower bound is above 0."""
    differences = [each.difference for each in contender.scores if each.difference]
    if len(differences) < suites or any(each.lower_bound <= 0 for each in differences):
        return None
    return sum(each.value for each in differences) / len(differences)


def _research(field: Field) -> Recommendation:
    bf16 = field.bf16
    if bf16 is None or not _is_evaluated(bf16):
        return Recommendation("Research", None, _UNEVALUATED)
    memory = bf16.row.memory_mb.weights if bf16.row else None
    numbers = [f"weights {megabytes_text(memory.value)}"] if memory else []
    return Recommendation("Research", VariantKind.BF16, "; ".join([_scores_text(bf16), *numbers]))


def _scores_text(contender: Contender) -> str:
    return ", ".join(
        f"{each.measurement.evidence.suite} {score_text(each.score)}"
        for each in contender.scores
        if each.score
    )
