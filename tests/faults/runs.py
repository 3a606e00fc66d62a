"""One run of an operation in a child process, under a fault."""

import os
import traceback
from dataclasses import dataclass
from pathlib import Path

from medley_registry import Registry, RegistryError

from tests.faults import shim
from tests.faults.operations import Acknowledge, Operation
from tests.faults.shim import Fault
from tests.faults.stage import Stage
from tests.faults.trace import ACKNOWLEDGED, BROKEN, REFUSED, Trace, notes, read_trace
from tests.invariants import all_events


@dataclass(frozen=True, slots=True)
class Run:
    """What came of it; the calls themselves only where the fault is `Mode.RECORD`."""

    trace: Trace
    was_killed: bool

    @property
    def acknowledged(self) -> list[str]:
        return notes(self.trace, ACKNOWLEDGED)

    @property
    def refusals(self) -> list[str]:
        return notes(self.trace, REFUSED)

    @property
    def traceback(self) -> str:
        """Of an error that is not the registry's own; else empty."""
        return "".join(notes(self.trace, BROKEN))


def run(operation: Operation, stage: Stage, fault: Fault) -> Run:
    """Run it in a fork of this process, which must have the shim below it."""
    log = stage.disk.with_suffix(".log")
    child = os.fork()
    if child == 0:
        _act_and_exit(operation, stage, fault=fault, log=log)
    _, status = os.waitpid(child, 0)
    return Run(read_trace(log, root=stage.disk), was_killed=os.WIFSIGNALED(status))


def _acknowledger(stage: Stage) -> Acknowledge:
    """Notes the newest event's hash, which stands for all before it, and the files promised."""

    def acknowledge(registry: Registry, *files: Path) -> None:
        [newest] = registry.events(after=registry.head() - 1, limit=1)
        names = [str(file.relative_to(stage.disk)) for file in files]
        shim.note(ACKNOWLEDGED, "\n".join([newest.hash, *names]))

    return acknowledge


def assert_kept(acknowledged: list[str], registry: Registry, stage: Stage) -> None:
    """What was acknowledged is there still."""
    hashes = {event.hash for event in all_events(registry)}
    for acknowledgement in acknowledged:
        newest, *names = acknowledgement.split("\n")
        assert newest in hashes, "an acknowledged change is lost"
        for name in names:
            assert (stage.disk / name).exists(), f"{name} is lost, which was acknowledged"


def _act_and_exit(operation: Operation, stage: Stage, *, fault: Fault, log: Path) -> None:
    try:
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
        shim.arm(fault, root=stage.disk, log=descriptor)
        _act(operation, stage)
    except RegistryError as error:
        shim.note(REFUSED, str(error))
    except BaseException:  # the edge of the process: whatever it is must be told
        shim.note(BROKEN, traceback.format_exc())
    finally:
        os._exit(0)  # never back into the worker


def _act(operation: Operation, stage: Stage) -> None:
    """Once more where it was refused: a process must outlive an error that passes."""
    acknowledge = _acknowledger(stage)
    with operation.opened(stage) as registry:
        try:
            operation.act(registry, stage, acknowledge)
        except RegistryError as error:
            shim.note(REFUSED, str(error))
            operation.act(registry, stage, acknowledge)
