"""The plots of a run folder: losses, scores, fairness, weights and traffic, as PNG and SVG."""

from collections.abc import Iterable
from pathlib import Path

from medley_training.chart import Chart
from medley_training.reports.bar_plots import traffic, weights
from medley_training.reports.history import history
from medley_training.reports.line_plots import epsilon, fairness, scores, training_loss
from medley_training.rounds.events import Event

PLOTS_FOLDER = "plots"


def plot_run(run_dir: Path, events: Iterable[Event]) -> list[Path]:
    """Draw what there is data for, each as PNG and SVG, into ``plots`` of the run folder.

    The same events give the same bytes with the same matplotlib. Files of the same name are
    replaced. Returns the files in an order to show them in.
    """
    run = history(events)
    drawn: dict[str, Chart | None] = {"training_loss": training_loss(run)}
    for metric in run.metrics:
        drawn["held_out_loss" if metric == "loss" else metric] = scores(run, metric)
    drawn |= {"fairness": fairness(run), "weights": weights(run)}
    drawn |= {"traffic": traffic(run), "epsilon": epsilon(run)}
    paths = []
    for name, chart in drawn.items():
        if chart is not None:
            paths += chart.save(run_dir / PLOTS_FOLDER, name)
    return paths
