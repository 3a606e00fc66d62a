"""What still works when the disk is full; runs in a worker with the shim below it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from medley_registry import Unavailable

from tests.builders import make_adapter
from tests.faults import shim
from tests.faults.examine import fresh_stage
from tests.faults.shim import Fault, Mode
from tests.faults.stage import NAME, Stage, publish_one
from tests.invariants import assert_sound

MOVES = 100


@dataclass(frozen=True, slots=True)
class Filled:
    """How many versions found room, why the next did not, and how often the alias then moved."""

    published: int
    refusal: str
    moves: int


def fill(*, free_bytes: int) -> Filled:
    """Publish until the disk refuses, then promote and roll back."""
    stage = fresh_stage("rollback")
    with stage.opened() as registry, _room(stage, free_bytes):
        before = registry.version_count(NAME)
        refusal = ""
        for content in range(4, 200):
            make_adapter(stage.adapter(content), fill=content)
            try:
                publish_one(registry, stage, content=content)
            except Unavailable as error:
                refusal = str(error)
                break
        for _ in range(MOVES):
            registry.promote(NAME, 2, actor="ada")
            registry.rollback(NAME, actor="ada")
        assert_sound(registry, registry.blobs)
        moves = len(registry.history(NAME)) - 3
        return Filled(registry.version_count(NAME) - before, refusal, moves)


def run_dry() -> str:
    """With not a byte left, resolve; how a rollback is refused; that it works with room again."""
    stage = fresh_stage("rollback")
    refusal = ""
    with stage.opened() as registry:
        with _room(stage, 0):
            try:
                registry.rollback(NAME, actor="ada")
            except Unavailable as error:
                refusal = str(error)
            assert registry.resolve(NAME).number == 3
            assert_sound(registry, registry.blobs)
        registry.rollback(NAME, actor="ada")
        assert registry.resolve(NAME).number == 2
    return refusal


@contextmanager
def _room(stage: Stage, free_bytes: int) -> Iterator[None]:
    log = os.open(os.devnull, os.O_WRONLY)
    shim.arm(Fault(Mode.FILL, at=free_bytes), root=stage.disk, log=log)
    try:
        yield
    finally:
        shim.arm(Fault(Mode.OFF), root=stage.disk, log=log)
        os.close(log)
