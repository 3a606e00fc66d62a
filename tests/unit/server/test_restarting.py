"""A process that begins anew keeps its number and its command, and gives up in the end."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from medley_server import restarting

_SCRIPT = """
import os, sys
from medley_server.errors import CannotStart
from medley_server.restarting import restarts, start_anew
print(os.getpid(), len(restarts()), *sys.argv[1:])
try:
    start_anew("the engine died")
except CannotStart as error:
    print(error)
    sys.exit(1)
"""


@pytest.fixture
def environment() -> dict[str, str]:
    return {name: told for name, told in os.environ.items() if name != restarting._TOLD}


def test_it_is_started_anew_so_many_times_and_no_more(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    script = tmp_path / "serve.py"
    script.write_text(_SCRIPT)

    command = [sys.executable, str(script), "--base", "a b"]
    ended = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)

    *lines, last = ended.stdout.splitlines()
    number = lines[0].split()[0]
    assert lines == [f"{number} {count} --base a b" for count in range(restarting.MOST + 1)]
    assert last == "the engine died; it was started anew 5 times within ten minutes"
    assert ended.returncode == 1


def test_what_happened_long_ago_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(restarting._TOLD, "1000,2000")

    assert restarting.restarts() == []
