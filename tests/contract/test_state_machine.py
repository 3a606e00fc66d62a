"""The registry against a model of a few lines, under any sequence of calls, on both backends."""

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from medley_registry import (
    AliasNotFound,
    NothingToRollBack,
    Registry,
    StaleGeneration,
    VersionNotFound,
)
from medley_registry.backends.memory import MemoryBlobs, MemoryIndex
from medley_registry.blobs import BlobStore

from tests.builders import TINY, make_adapter, make_base
from tests.contract.conftest import folder_blobs, sqlite_index
from tests.invariants import assert_sound

ADAPTERS = st.sampled_from(["letters", "notes"])
ALIASES = st.sampled_from(["production", "canary"])
CONTENTS = st.integers(1, 5)
NUMBERS = st.integers(1, 6)


class RegistryMachine(RuleBasedStateMachine):
    """Contents by adapter, and the stack of targets by alias: all that a user can observe."""

    def open(self, folder: Path) -> tuple[Registry, BlobStore]:
        raise NotImplementedError

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.registry, self.blobs = self.open(self.folder)
        self.registry.add_base(TINY, make_base(self.folder / "base"), actor="ada")
        self.contents: dict[str, list[int]] = {}
        self.targets: dict[tuple[str, str], list[int]] = {}
        self.moves: dict[tuple[str, str], int] = {}

    def teardown(self) -> None:
        if hasattr(self, "registry"):
            assert_sound(self.registry, self.blobs)
            self.registry.close()
            shutil.rmtree(self.folder)

    @rule(name=ADAPTERS, content=CONTENTS)
    def publish(self, name: str, content: int) -> None:
        folder = self.folder / str(content)
        if not folder.exists():
            make_adapter(folder, fill=content)
        known = self.contents.setdefault(name, [])
        if content not in known:
            known.append(content)

        version = self.registry.publish(folder, name=name, base=TINY, actor="ada")

        assert version.number == known.index(content) + 1

    @precondition(lambda self: self.contents)
    @rule(name=ADAPTERS, alias=ALIASES, number=NUMBERS, behind=st.none() | st.integers(0, 1))
    def promote(self, name: str, alias: str, number: int, behind: int | None) -> None:
        if name not in self.contents:
            return
        done = self.moves.get((name, alias), 0)
        expected = None if behind is None else done + behind
        stack = self.targets.get((name, alias), [])
        if number > len(self.contents[name]):
            with pytest.raises(VersionNotFound):
                self.registry.promote(name, number, alias=alias, actor="ada")
            return
        if behind:
            with pytest.raises(StaleGeneration):
                self.registry.promote(
                    name, number, alias=alias, actor="ada", expected_generation=expected
                )
            return
        if stack[-1:] != [number]:
            self.targets[name, alias] = [*stack, number]
            self.moves[name, alias] = done + 1

        moved = self.registry.promote(
            name, number, alias=alias, actor="ada", expected_generation=expected
        )

        assert (moved.number, moved.generation) == (number, self.moves[name, alias])

    @precondition(lambda self: self.targets)
    @rule(name=ADAPTERS, alias=ALIASES)
    def rollback(self, name: str, alias: str) -> None:
        if name not in self.contents:
            return
        stack = self.targets.get((name, alias), [])
        if len(stack) < 2:
            with pytest.raises(NothingToRollBack if stack else AliasNotFound):
                self.registry.rollback(name, alias=alias, actor="ada")
            return
        stack.pop()
        self.moves[name, alias] += 1

        moved = self.registry.rollback(name, alias=alias, actor="ada")

        assert (moved.number, moved.generation) == (stack[-1], self.moves[name, alias])

    @invariant()
    def the_registry_is_what_the_model_says(self) -> None:
        if not hasattr(self, "registry"):
            return
        for name, contents in self.contents.items():
            assert len(self.registry.versions(name)) == len(contents)
        assert {(a.adapter, a.name): a.number for a in self.registry.aliases()} == {
            key: stack[-1] for key, stack in self.targets.items()
        }


class MemoryMachine(RegistryMachine):
    def open(self, folder: Path) -> tuple[Registry, BlobStore]:
        blobs = MemoryBlobs()
        return Registry(MemoryIndex(), blobs), blobs


class DurableMachine(RegistryMachine):
    def open(self, folder: Path) -> tuple[Registry, BlobStore]:
        blobs = folder_blobs(folder)
        return Registry(sqlite_index(folder), blobs), blobs


TestMemory = MemoryMachine.TestCase
TestMemory.settings = settings(max_examples=20, stateful_step_count=20, deadline=None)
TestDurable = DurableMachine.TestCase
TestDurable.settings = settings(max_examples=6, stateful_step_count=20, deadline=None)
