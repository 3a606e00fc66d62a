"""What a site shows of its own training."""

from io import StringIO

from medley_training.rounds.events import SiteStarted, Step
from medley_training.rounds.site_progress import site_progress
from rich.console import Console


def shown(*, is_terminal: bool = False, quiet: bool = False) -> str:
    file = StringIO()
    console = Console(file=file, force_terminal=is_terminal, width=100, color_system=None)
    with site_progress(console=console, quiet=quiet) as observe:
        observe(SiteStarted(round=3, site="harbor"))
        for step in (1, 2, 3, 4):
            observe(
                Step(
                    round=3,
                    site="harbor",
                    step=step,
                    total_steps=4,
                    loss=2.5 / step,
                    num_tokens=100 * step,
                    elapsed_s=2.0 * step,
                )
            )
    return file.getvalue()


def test_a_file_gets_two_lines_for_each_round() -> None:
    assert shown() == "round 3: training\nround 3: trained, loss 0.625, 50 tokens/s, 8.0 s\n"


def test_a_terminal_gets_a_bar_with_loss_and_pace() -> None:
    frames = shown(is_terminal=True)

    assert "round 3" in frames
    assert "4/4 loss 0.625, 50 tokens/s" in frames


def test_nothing_is_shown_if_quiet() -> None:
    assert shown(is_terminal=True, quiet=True) == ""
