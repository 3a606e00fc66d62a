"""A plain stop ends a command as Ctrl-C does."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from medley.cli import app
from medley_training.commands.stopping import stopped_by_sigterm
from typer.testing import CliRunner

ACROSS = "--run-dir run --certificates . --participants book.json"
INTERRUPTED = 130


def test_sigterm_unwinds_as_ctrl_c_does_even_where_that_is_switched_off() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with pytest.raises(KeyboardInterrupt), stopped_by_sigterm():
            signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGINT, before)


def test_afterwards_sigterm_does_what_it_did_before() -> None:
    before = signal.getsignal(signal.SIGTERM)

    with stopped_by_sigterm():
        pass

    assert signal.getsignal(signal.SIGTERM) is before


@pytest.fixture
def harmless() -> Iterator[None]:
    """A SIGTERM that nobody minds does not end the tests."""
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.usefixtures("harmless")
@pytest.mark.parametrize(
    ("command", "work"),
    [
        ("train run smoke --run-dir run", "running.carry_out_here"),
        (f"train coordinator smoke {ACROSS}", "running.carry_out_across"),
        ("quantize --probe llama --serve", "quantizing.matrix.probe"),
    ],
)
def test_what_starts_servers_is_interrupted_by_a_plain_stop(
    command: str, work: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object, **__: object) -> None:
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(f"medley_training.{work}", stopped)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "book.json").touch()

    assert CliRunner().invoke(app, command.split()).exit_code == INTERRUPTED
