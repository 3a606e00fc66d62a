"""How long the registry's calls and the command's start take.

python -m tests.bench.registry_speed
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from medley_registry import open_registry

from tests.builders import TINY, make_adapter, make_base

COPIES = 40


def report(what: str, call: Callable[[int], object], *, times: int) -> None:
    took_s = []
    for n in range(times):
        begin = time.perf_counter()
        call(n)
        took_s.append(time.perf_counter() - begin)
    print(f"{what:<24} {statistics.median(took_s) * 1000:8.2f} ms")


def main() -> None:
    with tempfile.TemporaryDirectory() as name, open_registry(f"{name}/registry", create=True) as r:
        home = Path(name)
        r.add_base(TINY, make_base(home / "base"), actor="bench")
        folders = [make_adapter(home / str(n), fill=n) for n in range(COPIES)]
        report(
            "publish",
            lambda n: r.publish(folders[n], name="notes", base=TINY, actor="bench"),
            times=COPIES,
        )
        report("promote", lambda n: r.promote("notes", n % 2 + 1, actor="bench"), times=200)
        report("head", lambda _: r.head(), times=2000)
        report("resolve", lambda _: r.resolve("notes"), times=500)
        report("checkout", lambda n: r.checkout(r.versions("notes")[n], home / "out"), times=COPIES)
        environment = {**os.environ, "MEDLEY_HOME": name}
        for arguments in (["--help"], ["adapter", "list"]):
            command = [sys.executable, "-m", "medley.cli", *arguments]
            run = partial(_run, command, environment)
            report(f"medley {' '.join(arguments)}", run, times=15)


def _run(command: list[str], environment: dict[str, str], _: int) -> None:
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)


if __name__ == "__main__":
    main()
