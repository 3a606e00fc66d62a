"""Every operation struck at every call that writes, and the power cut after each.

python -m tests.soak.faults                      the whole table, some minutes
python -m tests.soak.faults publish/kill/17 …    these points again, with what was found
"""

import os
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from tests.faults.examine import Survey, Verdict, examine, examiners, survey
from tests.faults.operations import OPERATIONS
from tests.faults.points import Family, Point

WORKERS = os.cpu_count() or 2
KILL_POINTS_WANTED = 500
CAUGHT_WANTED = 0.95

COLUMNS = (
    "OPERATION   KILLS broken  ERRORS broken  CUTS images broken  DISORDER   ACKED  CONTROL caught"
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """All that was seen of one operation."""

    operation: str
    survey: Survey
    verdicts: Sequence[Verdict]

    def of(self, family: Family) -> list[Verdict]:
        return [verdict for verdict in self.verdicts if verdict.point.family is family]

    @property
    def broken(self) -> list[Verdict]:
        return [v for v in found(self.verdicts) if v.point.family is not Family.CONTROL]

    @property
    def caught(self) -> float:
        """The share of power losses on a disk without syncs that were noticed."""
        controls = self.of(Family.CONTROL)
        return len(found(controls)) / len(controls) if controls else 1.0

    @property
    def is_good(self) -> bool:
        is_clean = not self.broken and not self.survey.disorder and self.survey.is_seen_whole
        return is_clean and self.caught >= CAUGHT_WANTED

    def __str__(self) -> str:
        kills, errors, cuts = (self.of(f) for f in (Family.KILL, Family.ERROR, Family.POWER))
        acknowledged = sum(verdict.acknowledged for verdict in (*kills, *errors, *cuts))
        return (
            f"{self.operation:<10} {len(kills):>6} {len(found(kills)):>6} {len(errors):>7} "
            f"{len(found(errors)):>6} {len(cuts):>5} {sum(cut.images for cut in cuts):>6} "
            f"{len(found(cuts)):>6} {len(self.survey.disorder):>9} {acknowledged:>7} "
            f"{len(self.of(Family.CONTROL)):>8} {self.caught:>6.1%}"
        )


def found(verdicts: Sequence[Verdict]) -> list[Verdict]:
    return [verdict for verdict in verdicts if verdict.finding]


def strike_everywhere(workers: Executor) -> bool:
    print(COLUMNS)
    begin = time.perf_counter()
    outcomes = []
    for operation in OPERATIONS:
        surveyed = workers.submit(survey, operation).result()
        verdicts = [*workers.map(examine, surveyed.points, chunksize=4)]
        outcomes.append(Outcome(operation, surveyed, verdicts))
        print(outcomes[-1], flush=True)
    kill_points = sum(len(outcome.of(Family.KILL)) for outcome in outcomes)
    print(f"{kill_points} kill points in all, {time.perf_counter() - begin:.0f} s")
    for outcome in outcomes:
        print_findings(outcome)
    return kill_points >= KILL_POINTS_WANTED and all(outcome.is_good for outcome in outcomes)


def print_findings(outcome: Outcome) -> None:
    if not outcome.survey.is_seen_whole:
        print(f"{outcome.operation}: its trace does not lead to the disk that it left")
    for line in outcome.survey.disorder:
        print(f"{outcome.operation}: {line}")
    for verdict in outcome.broken:
        error = verdict.finding.splitlines()[-1]
        print(f"{error}\n    python -m tests.soak.faults {verdict.point}")


def strike_at(wanted: Sequence[str], workers: Executor) -> bool:
    verdicts = [*workers.map(examine, map(Point.parse, wanted))]
    for verdict in verdicts:
        print(verdict)
    return not found(verdicts)


def main(wanted: Sequence[str]) -> int:
    with tempfile.TemporaryDirectory() as scratch, examiners(WORKERS, Path(scratch)) as workers:
        is_good = strike_at(wanted, workers) if wanted else strike_everywhere(workers)
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
