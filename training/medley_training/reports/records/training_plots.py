"""A run's curves as figures: those of `medley train report` that a summary needs."""

from medley_training.chart import Chart
from medley_training.reports.line_plots import scores, training_loss
from medley_training.reports.records.content import Figure
from medley_training.reports.records.quantities import digits
from medley_training.reports.records.recorded import Run
from medley_training.rounds.event_text import metric_name


def curves(run: Run, *, number: int) -> list[Figure]:
    """The training loss, and every metric on held-out examples.

    Args:
        run: The run.
        number: Makes the figures' names unique among those of several runs.
    """
    history = run.history
    found: list[tuple[str, Chart | None, str]] = [
        ("training-loss", training_loss(history), f"Training loss of run {run.name}")
    ]
    found += [(metric, scores(history, metric), _alt(run, metric)) for metric in history.metrics]
    return [
        Figure(f"run{number}-{place}-{_slug(name)}", alt, chart.svg())
        for place, (name, chart, alt) in enumerate(found, start=1)
        if chart
    ]


def _slug(name: str) -> str:
    """A metric's name without what no file's name should hold."""
    return "".join(c if c.isascii() and c.isalnum() else "-" for c in name)


def _alt(run: Run, metric: str) -> str:
    """What the curve begins and ends with."""
    values = [each.pooled[metric] for each in run.history.evaluations if metric in each.pooled]
    course = f", pooled, from {digits(values[0])} to {digits(values[-1])}" if values else ""
    return f"Held-out {metric_name(metric)} of run {run.name} by round{course}"
