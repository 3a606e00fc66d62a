"""The rounds of a run as rows of a table: answers, scores, bytes, time, version."""

from collections.abc import Sequence

from medley_training.amounts import duration_text, size_text
from medley_training.reports.history import RoundHistory, RunHistory
from medley_training.reports.privacy_text import Row
from medley_training.rounds.event_text import metric_name


def rounds_head(run: RunHistory) -> Row:
    """What stands above `rounds_rows`."""
    names = map(metric_name, run.metrics)
    return "round", "answers", *names, "up", "down", "aggregated in", "version"


def rounds_rows(run: RunHistory) -> list[Row]:
    """The start, if it was scored, and every round."""
    metrics = run.metrics
    rows: list[Row] = []
    if run.start_scores is not None:
        found = [_number(run.start_scores.pooled.get(metric)) for metric in metrics]
        rows.append(("start", "", *found, "", "", "", ""))
    return rows + [_round_row(run, each, metrics) for each in run.rounds]


def _round_row(run: RunHistory, each: RoundHistory, metrics: Sequence[str]) -> Row:
    sent = [transfer for transfer in run.transfers if transfer.round == each.number]
    pooled = each.evaluated.pooled if each.evaluated else {}
    answers = each.aggregated.weights if each.aggregated else each.contributed
    return (
        each.number,
        f"{len(answers)} of {len(each.asked)}",
        *(_number(pooled.get(metric)) for metric in metrics),
        size_text(sum(transfer.bytes_up for transfer in sent)),
        size_text(sum(transfer.bytes_down for transfer in sent)),
        duration_text(each.aggregated.duration_s) if each.aggregated else "",
        each.published.version if each.published else "",
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
