"""A process forked in the middle of a write keeps nobody waiting."""

import os
import signal
from pathlib import Path

import pytest
from medley_registry.backends.sqlite import SqliteIndex, create_sqlite_index

from tests.records import ADAPTER, BASE


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_child_forked_during_a_write_does_not_keep_the_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("medley_registry.backends.sqlite.PATIENCE_S", 2.0)
    create_sqlite_index(tmp_path / "registry.db")
    index = SqliteIndex(tmp_path / "registry.db")
    with index.write() as writer:
        writer.add(BASE)
        child = os.fork()
        if child == 0:
            signal.pause()
            os._exit(0)
    try:
        with index.write() as writer:
            writer.add(ADAPTER)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        index.close()
