"""Runs atheris on one check of `tests.fuzz.oracle`, from the seeds kept beside this file.

Inputs found on the way last only for the run: the seeds are few, small and chosen by hand. One
that breaks the check, or takes over a second or 256 MiB, is written to the current folder.
"""

import argparse
import sys
import tempfile
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
_MAX_LENGTH_BYTES = 1 << 16
_LIMIT_S = 1
_LIMIT_MIB = 256


def seeds(name: str) -> list[Path]:
    return sorted((CORPUS / name).iterdir())


def fuzz(name: str, check: str) -> None:
    """Fuzz until the time or the number of runs on the command line is reached."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=0, help="how long, 0 for no limit")
    parser.add_argument("--runs", type=int, default=-1, help="how many inputs, -1 for no limit")
    options = parser.parse_args()
    if options.seconds == 0 and options.runs < 0:
        parser.error("say --seconds or --runs")
    import atheris  # type: ignore[import-untyped]

    with atheris.instrument_imports(include=["medley_registry"]):
        from tests.fuzz import oracle
    with tempfile.TemporaryDirectory() as found:
        arguments = [
            f"-max_total_time={options.seconds}",
            f"-runs={options.runs}",
            f"-max_len={_MAX_LENGTH_BYTES}",
            f"-timeout={_LIMIT_S}",
            f"-malloc_limit_mb={_LIMIT_MIB}",
            f"-rss_limit_mb={_resident_mib() + _LIMIT_MIB}",
            "-print_final_stats=1",
            found,
            str(CORPUS / name),
        ]
        atheris.Setup([sys.argv[0], *arguments], getattr(oracle, check))
        atheris.Fuzz()


def _resident_mib() -> int:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
