"""The registry against a model of a few lines, under any sequence of calls, on every store."""

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from medley_registry import (
    AliasInUse,
    AliasNotFound,
    AliasPolicy,
    AliasProtected,
    IllegalTransition,
    NothingToRollBack,
    NotServable,
    Registry,
    RegistryError,
    StaleGeneration,
    VersionNotFound,
    VersionState,
    Withdrawn,
)
from medley_registry.adapters import FIRST_STATES, NEXT_STATES

from tests.builders import TINY, make_adapter, make_base
from tests.contract.conftest import new_registry
from tests.invariants import assert_sound

ADAPTERS = st.sampled_from(["letters", "notes"])
ALIASES = st.sampled_from(["production", "canary"])
CONTENTS = st.integers(1, 5)
NUMBERS = st.integers(1, 6)
ACTORS = st.sampled_from(["ada", "bob", "cas"])

Refusal = type[RegistryError] | None


class RegistryMachine(RuleBasedStateMachine):
    """All that a user can observe, kept in plain dictionaries."""

    def open(self, folder: Path) -> Registry:
        raise NotImplementedError

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.registry = self.open(self.folder)
        self.registry.add_base(TINY, make_base(self.folder / "base"), actor="ada")
        self.contents: dict[str, list[int]] = {}
        self.states: dict[tuple[str, int], VersionState] = {}
        self.revoked: set[int] = set()
        self.stacks: dict[tuple[str, str], list[int]] = {}
        self.generations: dict[tuple[str, str], int] = {}
        self.demanded: dict[tuple[str, str], int] = {}
        self.approved: dict[tuple[str, str], set[tuple[int, int, str]]] = {}
        self.policies: Counter[tuple[str, str]] = Counter()
        self.decided: dict[tuple[str, str], object] = {}

    def teardown(self) -> None:
        if hasattr(self, "registry"):
            assert_sound(self.registry, self.registry.blobs)
            self.registry.close()
            shutil.rmtree(self.folder)

    def expect(self, refusal: Refusal, call: Callable[[], object], *, told: int = 0) -> bool:
        """Make the call; whether it was to succeed, and did. A refusal is `told` in the log."""
        head = self.registry.head()
        if refusal is None:
            call()
            return True
        with pytest.raises(refusal):
            call()
        assert self.registry.head() == head + told
        return False

    def missing(self, name: str, number: int) -> Refusal:
        state = self.states.get((name, number), VersionState.DELETED)
        return VersionNotFound if state is VersionState.DELETED else None

    def step_back(
        self, key: tuple[str, str], states: dict[tuple[str, int], VersionState]
    ) -> list[int] | None:
        """The alias's stack after it stepped back; None if it has nowhere to go."""
        stack = self.stacks[key][:-1]
        while stack and not states[key[0], stack[-1]].is_servable:
            stack.pop()
        return stack or None

    def move(self, key: tuple[str, str], stack: list[int]) -> None:
        self.stacks[key] = stack
        self.generations[key] = self.generations.get(key, 0) + 1

    @rule(name=ADAPTERS, content=CONTENTS, state=st.sampled_from(sorted(FIRST_STATES)))
    def publish(self, name: str, content: int, state: VersionState) -> None:
        folder = self.folder / str(content)
        if not folder.exists():
            make_adapter(folder, fill=content)
        known = self.contents.get(name, [])
        number = known.index(content) + 1 if content in known else len(known) + 1
        is_deleted = self.states.get((name, number)) is VersionState.DELETED
        refusal = Withdrawn if content in self.revoked or is_deleted else None

        def publish() -> None:
            version = self.registry.publish(folder, name=name, base=TINY, actor="ada", state=state)
            assert version.number == number

        if self.expect(refusal, publish) and content not in known:
            self.contents[name] = [*known, content]
            self.states[name, number] = state

    @precondition(lambda self: self.contents)
    @rule(
        name=ADAPTERS,
        alias=ALIASES,
        number=NUMBERS,
        behind=st.none() | st.integers(0, 1),
        actor=ACTORS,
    )
    def promote(self, name: str, alias: str, number: int, behind: int | None, actor: str) -> None:
        if name not in self.contents:
            return
        key = (name, alias)
        generation = self.generations.get(key, 0)
        stack = self.stacks.get(key, [])
        approvers = {
            who
            for at, which, who in self.approved.get(key, set())
            if (at, which) == (generation, number) and who != actor
        }
        refusal = self.missing(name, number)
        if refusal is None and behind:
            refusal = StaleGeneration
        if refusal is None and stack[-1:] != [number]:
            if self.states[name, number] is not VersionState.ADMITTED:
                refusal = NotServable
            elif len(approvers) < self.demanded.get(key, 0):
                refusal = AliasProtected
        decision = (generation, number, self.policies[key], approvers, actor)
        is_new = refusal is AliasProtected and self.decided.get(key) != decision
        if is_new:
            self.decided[key] = decision
        is_done = self.expect(
            refusal,
            lambda: self.registry.promote(
                name,
                number,
                alias=alias,
                actor=actor,
                expected_generation=None if behind is None else generation + behind,
            ),
            told=int(is_new),
        )
        if is_done and stack[-1:] != [number]:
            self.move(key, [*stack, number])

    @precondition(lambda self: self.stacks)
    @rule(name=ADAPTERS, alias=ALIASES)
    def rollback(self, name: str, alias: str) -> None:
        if name not in self.contents:
            return
        key = (name, alias)
        stack = self.step_back(key, self.states) if key in self.stacks else None
        refusal = AliasNotFound if key not in self.stacks else NothingToRollBack
        if self.expect(
            None if stack else refusal,
            lambda: self.registry.rollback(name, alias=alias, actor="ada"),
        ):
            assert stack
            self.move(key, stack)

    @precondition(lambda self: self.contents)
    @rule(
        name=ADAPTERS,
        number=NUMBERS,
        state=st.sampled_from(
            [VersionState.VALIDATED, VersionState.ADMITTED, VersionState.DEPRECATED]
        ),
    )
    def change_state(self, name: str, number: int, state: VersionState) -> None:
        if name not in self.contents:
            return
        refusal = self.missing(name, number)
        if refusal is None and state not in NEXT_STATES[self.states[name, number]]:
            refusal = IllegalTransition
        change = {
            VersionState.VALIDATED: self.registry.lifecycle.validate,
            VersionState.ADMITTED: self.registry.lifecycle.admit,
            VersionState.DEPRECATED: self.registry.lifecycle.deprecate,
        }[state]
        if self.expect(refusal, lambda: change(name, number, actor="eve")):
            self.states[name, number] = state

    @precondition(lambda self: self.contents)
    @rule(name=ADAPTERS, number=NUMBERS)
    def quarantine(self, name: str, number: int) -> None:
        if name not in self.contents:
            return
        refusal = self.missing(name, number)
        if refusal is None and (
            VersionState.QUARANTINED not in NEXT_STATES[self.states[name, number]]
        ):
            refusal = IllegalTransition
        self.withdraw(
            {(name, number)} if refusal is None else set(),
            VersionState.QUARANTINED,
            refusal,
            lambda: self.registry.lifecycle.quarantine(name, number, actor="eve", reason="odd"),
        )

    @precondition(lambda self: self.contents)
    @rule(content=CONTENTS)
    def revoke(self, content: int) -> None:
        having = {
            (name, contents.index(content) + 1)
            for name, contents in self.contents.items()
            if content in contents
        }
        if not having:
            return
        name, number = min(having)
        digest = self.registry.versions(name)[number - 1].digest
        refusal = Withdrawn if content in self.revoked else None
        alive = {key for key in having if self.states[key] is not VersionState.DELETED}
        if self.withdraw(
            alive if refusal is None else set(),
            VersionState.REVOKED,
            refusal,
            lambda: self.registry.lifecycle.revoke(digest, actor="eve", reason="poisoned"),
        ):
            self.revoked.add(content)

    def withdraw(
        self,
        versions: set[tuple[str, int]],
        state: VersionState,
        refusal: Refusal,
        call: Callable[[], object],
    ) -> bool:
        """Expect every alias to step back from these versions, or the call to be refused."""
        states = self.states | dict.fromkeys(versions, state)
        pointing = [k for k, stack in self.stacks.items() if (k[0], stack[-1]) in versions]
        stacks = {key: self.step_back(key, states) for key in pointing}
        if refusal is None and None in stacks.values():
            refusal = AliasInUse
        if not self.expect(refusal, call):
            return False
        self.states = states
        for key, stack in stacks.items():
            assert stack
            self.move(key, stack)
        return True

    @precondition(lambda self: self.contents)
    @rule(name=ADAPTERS, number=NUMBERS)
    def delete(self, name: str, number: int) -> None:
        if name not in self.contents:
            return
        pointing = [k for k, stack in self.stacks.items() if (k[0], stack[-1]) == (name, number)]
        refusal = self.missing(name, number) or (AliasInUse if pointing else None)
        if self.expect(
            refusal,
            lambda: self.registry.lifecycle.delete(name, number, actor="eve", reason="tidy"),
        ):
            self.states[name, number] = VersionState.DELETED

    @precondition(lambda self: self.contents)
    @rule(name=ADAPTERS, alias=ALIASES, approvals=st.integers(0, 2))
    def protect(self, name: str, alias: str, approvals: int) -> None:
        if name in self.contents:
            policy = AliasPolicy(approvals=approvals)
            self.registry.protection.set(name, alias, policy, actor="eve")
            self.demanded[name, alias] = approvals
            self.policies[name, alias] += 1

    @precondition(lambda self: self.contents)
    @rule(name=ADAPTERS, alias=ALIASES, number=NUMBERS, actor=ACTORS)
    def approve(self, name: str, alias: str, number: int, actor: str) -> None:
        if name not in self.contents:
            return
        refusal = self.missing(name, number)
        if refusal is None and self.states[name, number] is not VersionState.ADMITTED:
            refusal = NotServable
        if self.expect(
            refusal,
            lambda: self.registry.protection.approve(name, number, alias=alias, actor=actor),
        ):
            given = (self.generations.get((name, alias), 0), number, actor)
            self.approved.setdefault((name, alias), set()).add(given)

    @invariant()
    def the_registry_is_what_the_model_says(self) -> None:
        if not hasattr(self, "registry"):
            return
        for name in self.contents:
            for version in self.registry.versions(name):
                assert version.state is self.states[name, version.number]
        assert {
            (alias.adapter, alias.name): (alias.number, alias.generation)
            for alias in self.registry.aliases()
        } == {key: (stack[-1], self.generations[key]) for key, stack in self.stacks.items()}


def machine_on(store: str) -> type[RegistryMachine]:
    """The machine, on a store of this kind."""

    class Machine(RegistryMachine):
        def open(self, folder: Path) -> Registry:
            return new_registry(store, folder)

    return Machine


@pytest.mark.parametrize(
    ("store", "examples", "steps"),
    [
        ("memory", 8, 40),
        pytest.param("memory", 40, 40, marks=pytest.mark.slow),
        pytest.param("disk", 10, 25, marks=pytest.mark.slow),
        ("scale", 3, 15),
    ],
)
def test_the_registry_does_what_its_model_does(store: str, examples: int, steps: int) -> None:
    size = settings(max_examples=examples, stateful_step_count=steps, deadline=None)
    run_state_machine_as_test(machine_on(store), settings=size)
