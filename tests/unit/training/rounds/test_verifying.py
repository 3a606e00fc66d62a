"""Verifying a run: a good one is found good, and no part of it can be changed unnoticed."""

import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from medley_registry import timestamps
from medley_registry.digest import Digest
from medley_training.errors import (
    BadKey,
    BadSignature,
    LogDamaged,
    NotReproduced,
    RunDamaged,
    TrainingError,
)
from medley_training.identity.envelope import Envelope, seal
from medley_training.identity.keys import SigningKey
from medley_training.identity.merkle_log import MerkleLog
from medley_training.identity.participants import ParticipantBook
from medley_training.identity.round_statement import RoundStatement
from medley_training.identity.statement import Statement
from medley_training.identity.tree_head import TreeHead
from medley_training.recipe import Recipe
from medley_training.rounds.ballot import read_ballot, read_tree_head
from medley_training.rounds.run_folder import Phase, RunFolder, read_json, write_json
from medley_training.rounds.verifying import Verified, open_verifier

from tests.unit.training.rounds.forging import new_key
from tests.unit.training.rounds.runs import SITES, Town, recipe

pytestmark = pytest.mark.slow

CONFIGS: dict[str, dict[str, Any]] = {
    "stacking": {"rounds": 3},
    "stacking-carry": {"strategy": {"name": "stacking", "options": {"carry": True}}},
    "fedadam": {"strategy": {"name": "fedadam"}, "rounds": 3},
    "fedyogi": {"strategy": {"name": "fedyogi"}},
    "ffa": {"strategy": {"name": "ffa"}},
    "mixed-ranks": {"lora": {"rank": 2, "alpha": 4, "ranks": {"north": 1}}},
    "int8": {"codec": "int8", "rounds": 3},
    "topk": {"codec": "topk:0.2", "rounds": 3},
    "agentic": {"strategy": {"name": "fedavg", "weights": "agentic"}},
    "root": {
        "data": {"source": "demo_notes", "root_share": 0.1},
        "strategy": {"name": "fltrust", "weights": "utility"},
    },
}
Good = Callable[[str], Path]
Run = Callable[[str], RunFolder]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Good:
    """The folder of a good run of a configuration; each is carried out once."""
    found: dict[str, Path] = {}

    def carried_out(name: str) -> Path:
        if name not in found:
            town = Town(tmp_path_factory.mktemp(name), recipe(**CONFIGS[name]))
            town.carry_out()
            found[name] = town.path
        return found[name]

    return carried_out


@pytest.fixture
def run(good: Good, tmp_path: Path) -> Run:
    """A copy of such a run, to be changed."""

    def copied(name: str) -> RunFolder:
        shutil.copytree(good(name), tmp_path / "run")
        return RunFolder(tmp_path / "run")

    return copied


def verified(path: Path, **given: Path | None) -> list[Verified]:
    keys = {"coordinator": None, "book": None, **given}
    return list(open_verifier(path, **keys).verify())


@pytest.mark.parametrize("config", CONFIGS)
def test_a_good_run_verifies(good: Good, config: str) -> None:
    path = good(config)
    summary = read_json(RunFolder(path).summary)

    found = verified(path)

    served = [
        Digest.of((RunFolder(path).round(n).served / "adapter_model.safetensors").read_bytes())
        for n in range(1, len(found) + 1)
    ]
    assert len(found) == len(summary["rounds"])
    assert [each.output for each in found] == served
    assert {each.participants for each in found} == {SITES}


def test_verifying_writes_nothing(good: Good) -> None:
    path = good("stacking")
    before = {file: file.stat().st_mtime_ns for file in path.rglob("*")}

    verified(path)

    assert {file: file.stat().st_mtime_ns for file in path.rglob("*")} == before


def test_a_run_that_still_goes_on_verifies_as_far_as_it_is(run: Run) -> None:
    folder = run("stacking")
    folder.summary.unlink()
    for phase in (Phase.PUBLISHED, Phase.ACKNOWLEDGED):
        folder.round(3).marker(phase).unlink()

    assert [each.round for each in verified(folder.path)] == [1, 2]


def test_the_coordinators_key_can_come_from_elsewhere(good: Good, tmp_path: Path) -> None:
    path = good("stacking")
    key = tmp_path / "coordinator.pub.pem"
    key.write_text(SigningKey.load(RunFolder(path).key).public.pem)

    assert len(verified(path, coordinator=key)) == 3


def test_another_coordinators_run_does_not_verify(good: Good, tmp_path: Path) -> None:
    key = tmp_path / "other.pub.pem"
    key.write_text(new_key().public.pem)

    with pytest.raises(BadSignature, match="none of those that count"):
        verified(good("stacking"), coordinator=key)


def test_only_known_participants_count(good: Good, tmp_path: Path) -> None:
    path = good("stacking")
    book = ParticipantBook(tmp_path / "book.json")
    for name in SITES[1:]:
        [key] = ParticipantBook(RunFolder(path).participants).keys(name)
        book.register(name, key.public, valid_from=key.valid_from)

    with pytest.raises(NotReproduced, match="round 1: east: unknown_signer"):
        verified(path, book=tmp_path / "book.json")


def flip(path: Path, at: int = -3) -> None:
    """Turn one bit over."""
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(bytes(data))


def edit(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change a file's JSON object."""
    value = read_json(path)
    change(value)
    write_json(path, value)


def say(folder: RunFolder, number: int, *, key: SigningKey | None = None, **changes: Any) -> None:
    """Let the coordinator sign another statement of a round."""
    path = folder.round(number).marker(Phase.PUBLISHED)
    said = json.loads(Envelope.from_json(path.read_text()).payload)
    signer = key or SigningKey.load(folder.key)
    path.write_text(seal(RoundStatement.payload_type, {**said, **changes}, signer).to_json())


def vote(folder: RunFolder, number: int, change: Callable[[dict[str, Any]], Any]) -> None:
    """Let the coordinator change its ballot, and sign for that."""
    edit(folder.round(number).marker(Phase.CLOSED), change)
    inputs = read_ballot(folder.round(number)).counted
    said = [{**counted.to_json()} for counted in inputs]
    for each in said:
        del each["key_id"], each["utility"]
    say(folder, number, inputs=said)


def head(folder: RunFolder, number: int, *, key: SigningKey | None = None, **changes: Any) -> None:
    """Let the coordinator sign another tree head."""
    path = folder.round(number).tree_head
    signed = json.loads(Envelope.from_json(path.read_text()).payload)
    signer = key or SigningKey.load(folder.key)
    path.write_text(seal(TreeHead.payload_type, {**signed, **changes}, signer).to_json())


def lines(folder: RunFolder, change: Callable[[list[str]], list[str]]) -> None:
    folder.log.write_text("\n".join([*change(folder.log.read_text().splitlines()), ""]))


def swap_statements(folder: RunFolder) -> None:
    one, other = (folder.round(2).statement(name) for name in SITES[:2])
    text = one.read_text()
    one.write_text(other.read_text())
    other.write_text(text)


def swap_files(folder: RunFolder) -> None:
    one, other = (folder.round(2).contribution(name) for name in SITES[:2])
    data = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(data)


def swap_lines(texts: list[str]) -> list[str]:
    return [texts[1], texts[0], *texts[2:]]


def move_weight(ballot: dict[str, Any]) -> None:
    ballot["counted"][0]["weight"] -= 0.1
    ballot["counted"][1]["weight"] += 0.1


def count_again(folder: RunFolder) -> None:
    """Count in round 2 what north sent in round 1."""
    old, new = folder.round(1), folder.round(2)
    shutil.copy(old.contribution("north"), new.contribution("north"))
    shutil.copy(old.statement("north"), new.statement("north"))
    before = read_json(old.marker(Phase.CLOSED))["counted"][1]

    def replace_it(ballot: dict[str, Any]) -> None:
        ballot["counted"][1] = {**before, "weight": ballot["counted"][1]["weight"]}

    vote(folder, 2, replace_it)


def make_up(folder: RunFolder) -> None:
    """Count something in north's name that north never signed."""
    path = folder.round(2).statement("north")
    envelope = Envelope.from_json(path.read_text())
    made_up = seal(envelope.payload_type, json.loads(envelope.payload), new_key())
    path.write_text(made_up.to_json())
    digest = str(Digest.of(made_up.to_json().encode()))
    vote(folder, 2, lambda ballot: ballot["counted"][1].update(statement=digest))


def restate(folder: RunFolder, **changes: Any) -> None:
    """Let north sign another statement in round 2, and the coordinator all that follows from it."""
    path = folder.round(2).statement("north")
    said = json.loads(Envelope.from_json(path.read_text()).payload)
    key = SigningKey.load(folder.site("north") / "key.pem")
    text = seal(Statement.payload_type, {**said, **changes}, key).to_json()
    path.write_text(text)
    leaves = list(MerkleLog(folder.log).leaves())
    folder.log.unlink()
    log = MerkleLog(folder.log)
    for leaf in [*leaves[:4], text.encode(), *leaves[5:]]:
        log.append(leaf)
    for number in (1, 2, 3):
        head(folder, number, root=log.root(3 * number).hex())
    digest = str(Digest.of(text.encode()))
    vote(folder, 2, lambda ballot: ballot["counted"][1].update(statement=digest))


def smaller_head(folder: RunFolder) -> None:
    """The coordinator signs a head that does not reach to the last statement that it counts."""
    head(folder, 1, size=2, root=MerkleLog(folder.log).root(2).hex())
    edit(folder.round(1).marker(Phase.CLOSED), lambda ballot: ballot.update(tree_size=2))


def other_recipe(folder: RunFolder) -> None:
    edit(folder.recipe, lambda value: value.update(seed=8))
    digest = Recipe.model_validate(read_json(folder.recipe)).digest
    edit(folder.identity, lambda value: value.update(recipe=str(digest)))


def no_round(number: int, folder: RunFolder) -> None:
    shutil.rmtree(folder.round(number).path)


def no_statement(folder: RunFolder) -> None:
    for phase in (Phase.PUBLISHED, Phase.ACKNOWLEDGED):
        folder.round(2).marker(phase).unlink()


def exchange_statements(folder: RunFolder) -> None:
    shutil.copy(folder.round(1).marker(Phase.PUBLISHED), folder.round(2).marker(Phase.PUBLISHED))


def other_start(folder: RunFolder) -> None:
    """Another start, which the coordinator signs for."""
    path = folder.round(1).start / "rank-2" / "adapter_model.safetensors"
    flip(path)
    say(folder, 1, start=str(Digest.of(path.read_bytes())))


def broken_chain(folder: RunFolder) -> None:
    """Round 2 begins elsewhere than round 1 ended, and the coordinator signs for that."""
    path = folder.round(2).start / "rank-2" / "adapter_model.safetensors"
    flip(path)
    say(folder, 2, start=str(Digest.of(path.read_bytes())))


Tampering = tuple[type[TrainingError], str, Callable[[RunFolder], Any]]
TAMPERINGS: dict[str, Tampering] = {
    "a contribution's number": (
        NotReproduced,
        "round 2: north: altered",
        lambda run: flip(run.round(2).contribution("north")),
    ),
    "a contribution is gone": (
        RunDamaged,
        "round 2: a file is missing",
        lambda run: run.round(2).contribution("north").unlink(),
    ),
    "two contributions are swapped": (NotReproduced, "round 2: east: altered", swap_files),
    "two statements are swapped": (NotReproduced, "not the one in the log", swap_statements),
    "a statement's letter": (
        NotReproduced,
        "statement of south is not the one",
        lambda run: flip(run.round(1).statement("south"), 40),
    ),
    "a statement that nobody signed": (NotReproduced, "not the one in the log", make_up),
    "a contribution of the round before": (NotReproduced, "north: of another round", count_again),
    "a contribution to another run": (
        NotReproduced,
        "round 2: a statement is of another run",
        lambda run: restate(run, run="town-0"),
    ),
    "a contribution in another's name": (
        NotReproduced,
        "north: another participant's statement",
        lambda run: restate(run, participant="east"),
    ),
    "a contribution from another start": (
        NotReproduced,
        "north: from another start",
        lambda run: restate(run, start=str(Digest.of(b"other"))),
    ),
    "a contribution of another bucket": (
        NotReproduced,
        "round 2: the weights do not follow",
        lambda run: restate(run, sample_bucket=80),
    ),
    "which file the ballot counts": (
        NotReproduced,
        "north: another update",
        lambda run: vote(
            run, 2, lambda ballot: ballot["counted"][1].update(update=str(Digest.of(b"other")))
        ),
    ),
    "a statement past the tree head": (
        NotReproduced,
        "round 1: the statement of south is not the one in the log",
        smaller_head,
    ),
    "the ballot's root": (
        NotReproduced,
        "the ballot's root is not what was signed",
        lambda run: edit(
            run.round(1).marker(Phase.CLOSED),
            lambda ballot: ballot.update(root=str(Digest.of(b"other"))),
        ),
    ),
    "the ballot's weights": (
        NotReproduced,
        "the ballot is not what was signed",
        lambda run: edit(run.round(1).marker(Phase.CLOSED), move_weight),
    ),
    "the ballot's weights, signed": (
        NotReproduced,
        "weights do not follow",
        lambda run: vote(run, 1, move_weight),
    ),
    "a vote is left out, signed": (
        NotReproduced,
        "weights do not follow",
        lambda run: vote(run, 1, lambda ballot: ballot["counted"].pop()),
    ),
    "whose key the ballot names": (
        NotReproduced,
        "east: signed with another key",
        lambda run: edit(
            run.round(1).marker(Phase.CLOSED),
            lambda ballot: ballot["counted"][0].update(key_id="00" * 32),
        ),
    ),
    "the ballot's refusals": (
        NotReproduced,
        "the refusals are not what was signed",
        lambda run: edit(
            run.round(1).marker(Phase.CLOSED),
            lambda ballot: ballot.update(refused={"west": "malformed"}),
        ),
    ),
    "the ballot is of another form": (
        RunDamaged,
        "is no ballot",
        lambda run: edit(run.round(1).marker(Phase.CLOSED), lambda ballot: ballot.pop("counted")),
    ),
    "the ballot is no JSON": (
        RunDamaged,
        "cannot be read",
        lambda run: run.round(1).marker(Phase.CLOSED).write_text("{"),
    ),
    "the served file": (
        NotReproduced,
        "the file of the served adapter is not what was signed",
        lambda run: flip(run.round(3).served / "adapter_model.safetensors"),
    ),
    "the served adapter's scale": (
        NotReproduced,
        "served adapter's shape is changed",
        lambda run: edit(
            run.round(3).served / "adapter_config.json", lambda config: config.update(lora_alpha=64)
        ),
    ),
    "the served file, signed": (
        NotReproduced,
        "output is .*, signed was",
        lambda run: say(run, 3, output=str(Digest.of(b"other"))),
    ),
    "the next start": (
        NotReproduced,
        "the file of the next start is not what was signed",
        lambda run: flip(run.round(3).next_start / "adapter_model.safetensors"),
    ),
    "a state where there is none": (
        NotReproduced,
        "the file of the strategy's state",
        lambda run: run.round(1).state.write_bytes(b"\0"),
    ),
    "the start": (
        NotReproduced,
        "round 2: the start is not what was signed",
        lambda run: flip(run.round(2).start / "rank-2" / "adapter_model.safetensors"),
    ),
    "the first start, signed": (NotReproduced, "from another start", other_start),
    "a later start, signed": (NotReproduced, "not begin where the last ended", broken_chain),
    "the recipe": (
        RunDamaged,
        "not the recipe that the run was begun with",
        lambda run: edit(run.recipe, lambda value: value.update(seed=8)),
    ),
    "the recipe and its digest": (
        NotReproduced,
        "the statement is of another recipe",
        other_recipe,
    ),
    "the recipe is none": (
        RunDamaged,
        "is not the recipe that the run was begun with",
        lambda run: edit(run.recipe, lambda value: value.pop("rounds")),
    ),
    "the strategy, signed": (
        NotReproduced,
        "it names another strategy",
        lambda run: say(run, 1, strategy="fedavg"),
    ),
    "a round statement by another key": (
        BadSignature,
        "none of those that count",
        lambda run: say(run, 2, key=new_key()),
    ),
    "a round statement's letter": (
        BadSignature,
        "the envelope",
        lambda run: flip(run.round(2).marker(Phase.PUBLISHED), 60),
    ),
    "a round statement of another round": (
        NotReproduced,
        "round 2: the statement is of another round",
        exchange_statements,
    ),
    "a round statement of another run": (
        NotReproduced,
        "of another run",
        lambda run: say(run, 2, run="town-0"),
    ),
    "a round in the middle is gone": (
        RunDamaged,
        "round 2: a file is missing",
        lambda run: no_round(2, run),
    ),
    "the last round is gone": (
        RunDamaged,
        "round 3: a file is missing",
        lambda run: no_round(3, run),
    ),
    "a round statement in the middle is gone": (
        RunDamaged,
        "round 2: a file is missing",
        no_statement,
    ),
    "a line of the log": (LogDamaged, "leaf 0", lambda run: flip(run.log, 100)),
    "the log's last line is gone": (
        LogDamaged,
        "8 leaves; 9 were signed for",
        lambda run: lines(run, lambda texts: texts[:-1]),
    ),
    "two lines of the log are swapped": (
        LogDamaged,
        "leaf 0 is not what was appended",
        lambda run: lines(run, swap_lines),
    ),
    "the log is gone": (LogDamaged, "0 leaves; 3 were", lambda run: run.log.unlink()),
    "a tree head is gone": (
        RunDamaged,
        "tree head of round 2 is missing",
        lambda run: run.round(2).tree_head.unlink(),
    ),
    "a tree head by another key": (
        BadSignature,
        "none of those that count",
        lambda run: head(run, 2, key=new_key()),
    ),
    "a tree head of another round": (
        NotReproduced,
        "round 2: the ballot is of another tree head",
        lambda run: shutil.copy(run.round(1).tree_head, run.round(2).tree_head),
    ),
    "a tree head of another run": (
        NotReproduced,
        "tree head is of another run",
        lambda run: head(run, 2, run="town-0"),
    ),
    "a tree head of another log": (
        LogDamaged,
        "not those signed for",
        lambda run: head(run, 2, root="00" * 32),
    ),
    "the run's identity is gone": (RunDamaged, "holds no run", lambda run: run.identity.unlink()),
    "the coordinator's key": (
        BadSignature,
        "none of those that count",
        lambda run: edit(
            run.identity, lambda value: value.update(coordinator=new_key().public.pem)
        ),
    ),
    "the coordinator has no key": (
        BadKey,
        "not a public key",
        lambda run: edit(run.identity, lambda value: value.pop("coordinator")),
    ),
}


@pytest.mark.parametrize("what", TAMPERINGS)
def test_what_was_changed_is_found(run: Run, what: str) -> None:
    error, message, change = TAMPERINGS[what]
    folder = run("stacking")
    change(folder)

    with pytest.raises(error, match=message) as caught:
        verified(folder.path)
    assert type(caught.value) is error


def test_the_strategys_state_cannot_be_changed(run: Run) -> None:
    folder = run("fedadam")
    flip(folder.round(1).state)

    with pytest.raises(NotReproduced, match="round 1: the file of the strategy's state"):
        verified(folder.path)


def test_the_strategys_state_cannot_be_left_out(run: Run) -> None:
    folder = run("fedadam")
    folder.round(2).state.unlink()

    with pytest.raises(RunDamaged, match="round 2: a file is missing"):
        verified(folder.path)


def test_what_the_coordinator_trained_cannot_be_changed(run: Run) -> None:
    folder = run("root")
    flip(folder.round(1).path / "root" / "adapter.safetensors")

    with pytest.raises(NotReproduced, match="the root's file is not what was signed"):
        verified(folder.path)


def test_a_utility_that_gives_other_weights_is_found(run: Run) -> None:
    folder = run("root")
    edit(
        folder.round(1).marker(Phase.CLOSED),
        lambda ballot: ballot["counted"][0].update(utility=1.0),
    )

    with pytest.raises(NotReproduced, match="weights do not follow"):
        verified(folder.path)


def test_the_start_of_a_smaller_rank_cannot_be_changed(run: Run) -> None:
    folder = run("mixed-ranks")
    flip(folder.round(1).start / "rank-1" / "adapter_model.safetensors")

    with pytest.raises(NotReproduced, match="north: from another start"):
        verified(folder.path)


def test_a_key_that_is_revoked_later_undoes_no_round(run: Run) -> None:
    folder = run("stacking")
    book = ParticipantBook(folder.participants)
    [key] = book.keys("north")
    book.revoke("north", key.public.key_id, at=timestamps.now())

    assert len(verified(folder.path)) == 3


def test_a_key_that_was_replaced_later_undoes_no_round(run: Run) -> None:
    folder = run("stacking")
    book = ParticipantBook(folder.participants)
    book.rotate("north", new_key().public, at=timestamps.now())

    assert len(verified(folder.path)) == 3


@pytest.mark.parametrize("before", [timedelta(), timedelta(microseconds=1)])
def test_what_was_signed_with_a_revoked_key_does_not_verify(run: Run, before: timedelta) -> None:
    folder = run("stacking")
    key = SigningKey.load(folder.key).public
    closed = read_tree_head(folder.round(2), [key]).at
    book = ParticipantBook(folder.participants)
    [known] = book.keys("north")
    book.revoke("north", known.public.key_id, at=closed - before)

    found = open_verifier(folder.path, coordinator=None, book=None).verify()

    assert next(found).round == 1
    with pytest.raises(NotReproduced, match="round 2: north: revoked_key"):
        next(found)


def test_what_was_signed_before_a_key_counted_does_not_verify(run: Run) -> None:
    folder = run("stacking")
    later = timestamps.to_text(timestamps.now())

    def begin_later(book: dict[str, Any]) -> None:
        book["participants"]["north"][0]["valid_from"] = later

    edit(folder.participants, begin_later)

    with pytest.raises(NotReproduced, match="round 1: north: expired_key"):
        verified(folder.path)
