"""From `promote` to the first token of the new version, on an idle server.

    python -m tests.bench.swap_time [--repeats 10]

Needs the registry the demo leaves. `triage-note@production` is moved to and fro; "cold" are the
first moves, which load the version, "warm" the rest. A client asks for one token again and again.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import openai
from medley_registry import open_registry
from medley_server.demo.showcase import TRIAGE_NOTE
from medley_server.demo.small_base import NAME

from tests.bench.servers import MEDLEY, Server


def first_token_of(client: openai.OpenAI, number: int) -> float:
    """Seconds until the alias is answered by that version."""
    started = time.monotonic()
    while True:
        answer = client.chat.completions.create(
            model=TRIAGE_NOTE.name,
            messages=[{"role": "user", "content": "Hi"}],
            max_tokens=1,
        )
        if answer.model == f"{TRIAGE_NOTE.name}:{number}":
            return time.monotonic() - started


def main() -> None:
    """Prints the first move and the median of the rest."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=10)
    repeats = parser.parse_args().repeats
    taken = []
    with open_registry() as registry, tempfile.TemporaryDirectory() as folder:
        registry.promote(TRIAGE_NOTE.name, 1, actor="benchmark")
        with Server(MEDLEY, registry.base(NAME), Path(folder) / "log") as server:
            server.wait()
            client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="none")
            first_token_of(client, 1)
            for move in range(repeats):
                number = 2 - move % 2
                registry.promote(TRIAGE_NOTE.name, number, actor="benchmark")
                taken.append(first_token_of(client, number))
        registry.promote(TRIAGE_NOTE.name, 1, actor="benchmark")
    print(f"cold: {taken[0] * 1000:.0f} ms")
    print(f"warm: median {statistics.median(taken[1:]) * 1000:.0f} ms of {len(taken) - 1}")


if __name__ == "__main__":
    main()
