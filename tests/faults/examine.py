"""Striking at a point and judging what is left; runs in workers with the shim below them."""

import hashlib
import os
import random
import traceback
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from unittest import mock

from medley_registry.backends import sqlite
from medley_registry.durable import INCOMING
from medley_registry.upkeep import fsck

from tests.faults.disk import Disk, Image, write_image
from tests.faults.losses import LOSSES, NOTHING, mixed
from tests.faults.operations import MISTAKES, OPERATIONS, Operation
from tests.faults.order import order_findings
from tests.faults.points import CONTROLS, STRIKES, Family, Point, points_of
from tests.faults.runs import Run, assert_kept, run
from tests.faults.shim import Fault, Mode, preloaded_workers
from tests.faults.stage import Stage
from tests.faults.trace import ACKNOWLEDGED, Trace, notes
from tests.invariants import assert_sound


@dataclass(frozen=True, slots=True)
class Verdict:
    """``finding`` is what went wrong, for a person; ``images`` how many disks were judged."""

    point: Point
    acknowledged: int
    images: int = 1
    finding: str = ""

    def __str__(self) -> str:
        return f"{self.point}: {self.finding or 'sound'}"


@dataclass(frozen=True, slots=True)
class Survey:
    """One undisturbed run: where it can be struck, and what was wrong with it already."""

    points: list[Point]
    disorder: list[str]
    is_seen_whole: bool


_UNFINISHED = (INCOMING, ".creating-")

_scratch = Path()
_judged: dict[str, str] = {}


def examiners(count: int, scratch: Path) -> AbstractContextManager[Executor]:
    """Workers for the functions of this module; they keep their stages under `scratch`."""
    return preloaded_workers(count, _start, str(scratch))


def fresh_stage(operation: str) -> Stage:
    """What every run begins with: a copy of the prepared stage."""
    return _stage_of(operation).copied(_scratch / "disk")


def survey(operation: str) -> Survey:
    trace = _trace_of(operation)
    told, found = Disk(_stage_of(operation).disk), Disk(_scratch / "disk")
    for call in trace:
        told.do(call)
    is_seen_whole = told.image(NOTHING) == found.image(NOTHING)
    return Survey(points_of(operation, trace), order_findings(trace), is_seen_whole)


def examine(point: Point) -> Verdict:
    return _strike(point) if point.fault in STRIKES else _lose_power(point)


def sample(operation: str, *, of_each_family: int) -> tuple[Survey, list[Verdict]]:
    """Examine a few of the points, always the same."""
    found = survey(operation)
    chance = random.Random(operation)
    chosen = []
    for family in Family:
        points = [point for point in found.points if point.family is family]
        chosen += chance.sample(points, min(of_each_family, len(points)))
    return found, [examine(point) for point in chosen]


def _known(operation: str) -> Operation:
    return {**OPERATIONS, **MISTAKES}[operation]


def _start(scratch: str) -> None:
    global _scratch  # noqa: PLW0603 a worker is a process, and this its argument
    _scratch = Path(scratch, str(os.getpid()))
    # A closed engine can be used again, and has compiled its statements: a third of a run's time.
    mock.patch.object(sqlite, "_engine", lru_cache(8)(sqlite._engine)).start()


@cache
def _stage_of(operation: str) -> Stage:
    made = Stage(_scratch / operation / "disk", _scratch / operation / "inputs")
    made.disk.mkdir(parents=True)
    _known(operation).prepare(made)
    return made


@cache
def _trace_of(operation: str) -> Trace:
    """What the operation does when nothing strikes."""
    undisturbed = run(_known(operation), fresh_stage(operation), Fault(Mode.RECORD))
    assert not undisturbed.refusals, undisturbed.refusals
    assert not undisturbed.traceback, undisturbed.traceback
    return undisturbed.trace


def _strike(point: Point) -> Verdict:
    stage = fresh_stage(point.operation)
    struck = run(_known(point.operation), stage, point.strike)
    acknowledged = struck.acknowledged
    finding = (
        _misbehaviour(struck, point.strike)
        or _litter(stage, struck)
        or _damage(point.operation, stage, acknowledged)
    )
    return Verdict(point, len(acknowledged), finding=finding)


def _lose_power(point: Point) -> Verdict:
    ignored = CONTROLS.get(point.fault)
    trace = _trace_of(point.operation)[: point.at]
    acknowledged = notes(trace, ACKNOWLEDGED)
    disk = Disk(_stage_of(point.operation).disk)
    for call in trace:
        if not (ignored and call.kind == "sync" and ignored.match(call.path)):
            disk.do(call)
    before, finding = len(_judged), ""
    for name, loss in {**LOSSES, "mixed": mixed(str(point))}.items():
        if damage := _damage_in_image(point.operation, disk.image(loss), acknowledged):
            finding = f"lost {name}: {damage}"
            break
    return Verdict(point, len(acknowledged), len(_judged) - before, finding)


def _misbehaviour(struck: Run, fault: Fault) -> str:
    if struck.traceback:
        return struck.traceback
    if struck.was_killed != (fault.mode in (Mode.KILL, Mode.TEAR)):
        return "the operation took another course than its undisturbed run"
    if fault.mode is Mode.FAIL and len(struck.refusals) > 1:
        return f"the process did not recover: {struck.refusals[1]}"
    return ""


def _litter(stage: Stage, struck: Run) -> str:
    """A process that was refused, and lives, leaves one unfinished thing at most."""
    unfinished = set()
    for path in stage.disk.rglob(".*"):
        names = path.relative_to(stage.disk).parts
        outermost = [name for name in names if name.startswith(_UNFINISHED)][:1]
        unfinished |= {name.removesuffix("-journal") for name in outermost}
    is_too_much = len(unfinished) > 1 and not struck.was_killed
    return f"left behind: {sorted(unfinished)}" if is_too_much else ""


def _damage(operation: str, stage: Stage, acknowledged: list[str]) -> str:
    """What is wrong with what was left, or comes to light when the act is done again."""
    kind = _known(operation)
    try:
        with kind.opened(stage) as registry:
            assert_sound(registry, registry.blobs)
            assert_kept(acknowledged, registry, stage)
            kind.act(registry, stage, lambda _, *__: None)
            findings = fsck(registry)
            assert not findings, findings
    except Exception:  # whatever it is, it is the finding
        return traceback.format_exc()
    return ""


def _damage_in_image(operation: str, image: Image, acknowledged: list[str]) -> str:
    """The same of a disk that a power loss left; equal disks are judged once."""
    key = hashlib.sha256(
        repr((operation, sorted(image.items()), acknowledged)).encode()
    ).hexdigest()
    if key not in _judged:
        stage = Stage(_scratch / "image", _stage_of(operation).inputs)
        write_image(image, stage.disk)
        _judged[key] = _damage(operation, stage, acknowledged)
    return _judged[key]
