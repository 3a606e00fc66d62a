"""Runs: their courses as curves, their rounds as tables, and their ends side by side."""

from medley_training.amounts import count_text, counted, duration_text
from medley_training.reports.records.content import (
    Block,
    Bullets,
    Cell,
    Paragraph,
    Quantity,
    Section,
    Table,
)
from medley_training.reports.records.evaluation_rows import LOWER_IS_BETTER
from medley_training.reports.records.findings import Findings
from medley_training.reports.records.quantities import ABSENT, digits
from medley_training.reports.records.recorded import Run
from medley_training.reports.records.training_plots import curves
from medley_training.reports.rounds_table import rounds_head, rounds_rows
from medley_training.rounds.event_text import metric_name, metrics_text

CURVES_TITLE = "Training"
ROUNDS_TITLE = "Rounds"
COMPARISON_TITLE = "Aggregation, run beside run"


def curves_section(findings: Findings) -> Section:
    """Each run in one sentence, and its curves."""
    blocks: list[Block] = []
    for number, run in enumerate(findings.records.runs, start=1):
        blocks.append(Paragraph(run_text(run)))
        blocks += curves(run, number=number)
    return Section(CURVES_TITLE, tuple(blocks))


def rounds_section(findings: Findings) -> Section:
    """A row for each round of each run, and what was measured of its versions."""
    blocks: list[Block] = []
    for run in findings.records.runs:
        rows = [tuple(map(str, row)) for row in rounds_rows(run.history)]
        head = tuple(map(str, rounds_head(run.history)))
        blocks.append(Table.of(head, rows, f"Run {run.name}.").without_empty_columns())
        blocks += _measured(run)
        blocks += _notes(run)
    return Section(ROUNDS_TITLE, tuple(blocks))


def comparison_section(findings: Findings) -> Section:
    """The last held-out scores of several runs: for each metric over all sites, and by site."""
    runs = findings.records.runs
    if len(runs) < 2:
        return Section(COMPARISON_TITLE)
    metrics = dict.fromkeys(metric for run in runs for metric in run.history.metrics)
    tables = [table for metric in metrics for table in _comparison(runs, metric)]
    return Section(COMPARISON_TITLE, tuple(tables))


def run_text(run: Run) -> str:
    """What a run was, in one sentence."""
    told, history = run.privacy, run.history
    rounds = counted(len(history.rounds), "round")
    done = history.finished
    end = f"took {duration_text(done.duration_s)}" if done else "so far, not finished"
    return (
        f"Run {run.name} (recipe {told.recipe}, strategy {told.strategy}) trains "
        f"{count_text(told.trainable_parameters)} of {count_text(told.base_parameters)} parameters "
        f"of {told.base} at {counted(len(history.sites), 'site')}; {rounds} {end}."
    )


def _measured(run: Run) -> list[Block]:
    rows = [
        (each.version, each.variant, each.suite, metrics_text(each.metrics))
        for round_ in run.history.rounds
        for each in round_.measured.values()
    ]
    head = ("version", "variant", "suite", "found")
    return [Table.of(head, rows, f"Measured in the rounds of {run.name}.")] if rows else []


def _notes(run: Run) -> list[Block]:
    notes = [
        f"Round {each.number}: {note}"
        for each in run.history.rounds
        for note in (each.aggregated.notes if each.aggregated else ())
    ]
    return [Bullets(tuple(notes))] if notes else []


def _comparison(runs: tuple[Run, ...], metric: str) -> list[Table]:
    head = (
        *("run", "strategy", "sites", "rounds", "start, pooled", "last, pooled"),
        *("mean over sites", "harmonic mean", "worst site"),
    )
    rows = [_comparison_row(run, metric) for run in runs]
    name = f"Held-out {metric_name(metric)}"
    last = [_last_by_site(run, metric) for run in runs]
    sites = sorted({site for of_run in last for site in of_run})
    by_site: list[tuple[Cell, ...]] = [
        (site, *(_number(of_run.get(site)) for of_run in last)) for site in sites
    ]
    return [
        Table.of(head, rows, f"{name}."),
        Table.of(("site", *(run.name for run in runs)), by_site, f"{name} by site, last."),
    ]


def _last_by_site(run: Run, metric: str) -> dict[str, float]:
    evaluations = run.history.evaluations
    scores = evaluations[-1].scores if evaluations else {}
    return {site: of_site[metric] for site, of_site in scores.items() if metric in of_site}


def _comparison_row(run: Run, metric: str) -> tuple[Cell, ...]:
    history = run.history
    start, last = history.start_scores, history.evaluations[-1] if history.evaluations else None
    fairness = last.fairness.get(metric, {}) if last else {}
    return (
        run.name,
        run.privacy.strategy,
        Quantity(len(history.sites), str(len(history.sites))),
        Quantity(len(history.rounds), str(len(history.rounds))),
        _number(start.pooled.get(metric) if start else None),
        _number(last.pooled.get(metric) if last else None),
        _number(fairness.get("mean")),
        _number(fairness.get("harmonic_mean")),
        _number(_worst(run, metric)),
    )


def _worst(run: Run, metric: str) -> float | None:
    """Of the site that the metric serves least."""
    worst = max if metric in LOWER_IS_BETTER else min
    return worst(_last_by_site(run, metric).values(), default=None)


def _number(value: float | None) -> Quantity:
    return Quantity(None, ABSENT) if value is None else Quantity(value, digits(value))
