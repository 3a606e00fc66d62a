"""A training's progress on the terminal: loss, tokens per second, time left."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from medley_training.local.trainer import Observer, StepReport


@contextmanager
def progress_bar(title: str) -> Iterator[Observer]:
    """Show a bar on standard error while the scope lasts; it yields the observer that moves it."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]:.3f}"),
        TextColumn("{task.fields[rate]:.0f} tokens/s"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(file=sys.stderr)) as progress:
        task = progress.add_task(title, total=None, loss=float("nan"), rate=0.0)

        def observe(report: StepReport) -> None:
            progress.update(
                task,
                total=report.total_steps,
                completed=report.step,
                loss=report.loss,
                rate=report.num_tokens / report.elapsed_s,
            )

        yield observe
