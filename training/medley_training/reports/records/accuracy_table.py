"""How well each variant answers, and how that differs from bf16 and from the base alone."""

from collections.abc import Mapping, Sequence

from medley_training.reports.records.content import Block, Cell, Paragraph, Quantity, Section, Table
from medley_training.reports.records.estimate import Estimate
from medley_training.reports.records.findings import Findings, Scored, by_conditions
from medley_training.reports.records.quantities import ABSENT, signed, with_interval
from medley_training.reports.records.tables import WHICH, which
from medley_training.rounds.event_text import metric_name

TITLE = "Accuracy"
_HEAD = (
    *(*WHICH, "metric", "value", "base alone", "over the base", "against bf16", "at least"),
    *("clusters", "items"),
)
_NOTE = (
    "Against bf16 is the difference over the same items, above 0 is better; at least is its "
    "one-sided 95 % bound by a bootstrap over clusters. A variant has the scores that were "
    "measured on it and inherits none."
)

_Part = Mapping[str, Mapping[str, Estimate]]


def accuracy_section(findings: Findings) -> Section:
    """For each suite: the metric that stands for it, every metric, subjects and sites."""
    blocks: list[Block] = [Paragraph(_NOTE)] if findings.scores else []
    for group in by_conditions(findings.scores):
        where = group[0].measurement.conditions_text
        headlines = [_headline_row(each) for each in group if each.score]
        if headlines:
            blocks.append(Table.of(_HEAD, headlines, f"{where}.").without_empty_columns())
        blocks += _wide("every metric", [each.evaluation.overall for each in group], group, where)
        blocks += _wide(
            "every metric, base alone", [each.evaluation.base for each in group], group, where
        )
        blocks += _parts("by site", [each.evaluation.sites for each in group], group, where)
        over = [each.evaluation.statistics for each in group]
        blocks += _parts("over the sites", over, group, where)
        blocks += _parts("by subject", [each.evaluation.subjects for each in group], group, where)
    return Section(TITLE, tuple(blocks))


def _headline_row(each: Scored) -> tuple[Cell, ...]:
    metric, score = each.metric or "", each.score
    base = each.evaluation.base.get(metric)
    difference = each.difference
    items = len(each.measurement.items)
    return (
        *which(each.measurement),
        metric_name(metric),
        with_interval(score),
        with_interval(base),
        signed(score.value - base.value if score and base else None),
        signed(difference.value if difference else _unpaired(each)),
        signed(difference.lower_bound if difference else None),
        Quantity(difference.clusters, f"{difference.clusters:,}")
        if difference
        else Quantity(None, ABSENT),
        Quantity(items, f"{items:,}") if items else Quantity(None, ABSENT),
    )


def _unpaired(each: Scored) -> float | None:
    """The plain difference of two values, where items do not tell more."""
    score, base = each.score, each.base_score
    is_itself = each.baseline == each.evaluation
    return None if score is None or base is None or is_itself else score.value - base.value


def _wide(
    what: str, columns: Sequence[Mapping[str, Estimate]], group: Sequence[Scored], where: str
) -> list[Block]:
    """A table with a column for each variant and a row for each name."""
    names = sorted({name for column in columns for name in column})
    if not names:
        return []
    what = what[0].upper() + what[1:]
    head = ("", *(" ".join(map(str, which(each.measurement))) for each in group))
    rows: list[tuple[Cell, ...]] = [
        (metric_name(name), *(with_interval(column.get(name)) for column in columns))
        for name in names
    ]
    return [Table.of(head, rows, f"{what}: {where}.")]


def _parts(what: str, columns: Sequence[_Part], group: Sequence[Scored], where: str) -> list[Block]:
    """The same for every metric that has parts."""
    metrics = sorted({metric for column in columns for metric in column})
    return [
        block
        for metric in metrics
        for block in _wide(
            f"{metric_name(metric)} {what}",
            [column.get(metric, {}) for column in columns],
            group,
            where,
        )
    ]
