"""A site's own progress on standard error: a bar for the round that it trains in."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from medley_training.amounts import duration_text
from medley_training.rounds.events import Event, Observer, SiteStarted, Step
from medley_training.rounds.progress import bars, print_text

if TYPE_CHECKING:
    from rich.console import Console


@contextmanager
def site_progress(*, quiet: bool = False, console: "Console | None" = None) -> Iterator[Observer]:
    """Show a site's training while the scope lasts; it yields the observer of its participant.

    A terminal gets a bar. Anything else gets a line as a round's training begins, and one as it
    ends. With `quiet` nothing is shown.
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
        task = progress.add_task("waiting for the coordinator", total=None, state="")

        def observe(event: Event) -> None:
            match event:
                case SiteStarted():
                    progress.reset(task, total=None, description=f"round {event.round}", state="")
                case Step():
                    progress.update(
                        task, completed=event.step, total=event.total_steps, state=_state(event)
                    )
                case _:
                    pass

        yield observe


def _print(console: "Console", event: Event) -> None:
    if isinstance(event, SiteStarted):
        text = f"round {event.round}: training"
    elif isinstance(event, Step) and event.step == event.total_steps:
        text = f"round {event.round}: trained, {_state(event)}"
    else:
        return
    print_text(console, text)


def _state(event: Step) -> str:
    """Loss, pace and what is left; for the last step, what it took."""
    rate = f", {event.num_tokens / event.elapsed_s:.0f} tokens/s" if event.elapsed_s > 0 else ""
    if event.step == event.total_steps:
        return f"loss {event.loss:.3f}{rate}, {duration_text(event.elapsed_s)}"
    left_s = event.elapsed_s * (event.total_steps - event.step) / event.step
    return f"loss {event.loss:.3f}{rate}, {duration_text(left_s)} left"
