"""What a site gets for its contribution shows it a coordinator that drops or rewrites."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from medley_registry import timestamps
from medley_training.errors import BadSignature, LogDamaged
from medley_training.identity.envelope import Envelope, seal
from medley_training.identity.keys import SigningKey
from medley_training.identity.merkle_log import MerkleLog
from medley_training.identity.round_statement import RoundStatement
from medley_training.identity.tree_head import Receipt, TreeHead
from medley_training.rounds.answers import AnswerFolder
from medley_training.rounds.events import Failed, RoundStarted
from medley_training.rounds.receipts import Acknowledgement, ReceiptBook
from medley_training.rounds.run_folder import Phase, RunFolder, read_json
from medley_training.rounds.transport import Answering, Question, Request, Response

from tests.unit.training.rounds.forging import new_key
from tests.unit.training.rounds.runs import SITES, Town, recipe

Sent = dict[tuple[str, int], str]


@dataclass
class Listening:
    """A site that keeps what the coordinator sends it at the end of its rounds."""

    name: str
    site: Answering
    sent: Sent

    def handle(self, request: Request) -> Response:
        answer = self.site.handle(request)
        if request.question is Question.RECEIPT:
            self.sent[self.name, json.loads(answer.body)["round"]] = request.body
        return answer


@dataclass(frozen=True)
class Office:
    """A finished run of three rounds, what it sent to north, and the coordinator's own key."""

    folder: RunFolder
    sent: Sent
    key: SigningKey
    book: ReceiptBook
    kept: Path

    def got(self, number: int) -> Acknowledgement:
        return Acknowledgement.from_json(json.loads(self.sent["north", number]))

    def take(self, number: int) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.book.take(self.sent["north", number], "north"))
        return found

    def take_other(self, other: Acknowledgement) -> str:
        return self.book.take(json.dumps(other.to_json()), "north")

    def stating(self, number: int, *, key: SigningKey | None = None, **changes: Any) -> Envelope:
        """Another statement of a round, signed."""
        said = json.loads(self.got(number).round_statement.payload)
        return seal(RoundStatement.payload_type, {**said, **changes}, key or self.key)

    def inputs(self, number: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.got(number).round_statement.payload)["inputs"]
        return found

    def head(self, log: MerkleLog, **changes: Any) -> TreeHead:
        run = str(read_json(self.folder.identity)["run"])
        return replace(TreeHead.of(log, run=run, at=timestamps.now()), **changes)

    def log_of(self, leaves: list[bytes], path: Path) -> MerkleLog:
        """Another log, of these leaves."""
        log = MerkleLog(path / "other.jsonl")
        for leaf in leaves:
            log.append(leaf)
        return log

    @property
    def leaves(self) -> list[bytes]:
        return list(MerkleLog(self.folder.log).leaves())


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Sent]:
    sent: Sent = {}
    town = Town(
        tmp_path_factory.mktemp("finished"),
        recipe(rounds=3),
        wrap=lambda name, site: Listening(name, site, sent),
    )
    town.carry_out()
    return town.path, sent


@pytest.fixture
def office(finished: tuple[Path, Sent], tmp_path: Path) -> Office:
    path, sent = finished
    folder, key = RunFolder(path), SigningKey.load(RunFolder(path).key)
    answers = AnswerFolder(folder.site("north") / "answers")
    book = ReceiptBook(tmp_path / "receipts", key.public, answers)
    return Office(folder, sent, key, book, tmp_path / "receipts")


def test_every_site_gets_a_receipt_for_every_round(finished: tuple[Path, Sent]) -> None:
    path, sent = finished

    assert set(sent) == {(site, number) for site in SITES for number in (1, 2, 3)}
    for site in SITES:
        kept = sorted((RunFolder(path).site(site) / "receipts").rglob("*.json"))
        assert [file.name for file in kept] == ["0001.json", "0002.json", "0003.json", "head.json"]
    assert read_json(RunFolder(path).round(3).marker(Phase.ACKNOWLEDGED)) == {"missed": []}


def test_the_receipt_is_under_the_head_that_the_run_keeps(office: Office) -> None:
    for number in (1, 2, 3):
        kept = office.folder.round(number).tree_head.read_text()
        assert office.got(number).receipt.head.to_json() == kept


def test_receipts_are_checked_and_kept(office: Office) -> None:
    taken = [office.take(number) for number in (1, 2, 3)]

    assert taken == [{"round": number, "tree_size": 3 * number} for number in (1, 2, 3)]
    assert len(list(office.kept.rglob("*.json"))) == 4


def test_a_site_that_missed_a_receipt_is_shown_all_that_came_since(office: Office) -> None:
    office.take(1)

    assert office.take(3) == {"round": 3, "tree_size": 9}


def test_a_receipt_may_come_twice(office: Office) -> None:
    assert office.take(1) == office.take(1)


def other_run(office: Office) -> Acknowledgement:
    return replace(office.got(1), round_statement=office.stating(1, run="town-0"))


def dropped(office: Office) -> Acknowledgement:
    others = [each for each in office.inputs(1) if each["participant"] != "north"]
    return replace(office.got(1), round_statement=office.stating(1, inputs=others))


def swapped(office: Office) -> Acknowledgement:
    """Something else is counted in north's name."""
    east, north, south = office.inputs(1)
    inputs = [east, {**north, "statement": south["statement"]}, south]
    return replace(office.got(1), round_statement=office.stating(1, inputs=inputs))


def twice(office: Office) -> Acknowledgement:
    """North is counted, and something else in its name besides."""
    east, north, south = office.inputs(1)
    inputs = [east, north, {**south, "participant": "north"}]
    return replace(office.got(1), round_statement=office.stating(1, inputs=inputs))


def of_another_round(office: Office) -> Acknowledgement:
    return replace(office.got(1), round_statement=office.stating(1, round=2))


def at_another_leaf(office: Office) -> Acknowledgement:
    east, north, south = office.inputs(1)
    inputs = [{**east, "leaf": 1}, {**north, "leaf": 0}, south]
    return replace(office.got(1), round_statement=office.stating(1, inputs=inputs))


def by_another(office: Office) -> Acknowledgement:
    return replace(office.got(1), round_statement=office.stating(1, key=new_key()))


def head_by_another(office: Office) -> Acknowledgement:
    log = MerkleLog(office.folder.log)
    receipt = Receipt.of(log, 1, head=office.head(log), key=new_key())
    return replace(office.got(1), receipt=receipt)


def head_of_another_run(office: Office) -> Acknowledgement:
    log = MerkleLog(office.folder.log)
    receipt = Receipt.of(log, 1, head=office.head(log, run="town-0"), key=office.key)
    return replace(office.got(1), receipt=receipt)


@pytest.mark.parametrize(
    ("forge", "message"),
    [
        (other_run, "does not count this site's statement"),
        (dropped, "round 1 does not count this site's statement"),
        (swapped, "round 1 does not count this site's statement"),
        (twice, "round 1 does not count this site's statement"),
        (of_another_round, "round 2 does not count this site's statement"),
        (at_another_leaf, "round 1 names another leaf than the receipt"),
        (by_another, "none of those that count"),
        (head_by_another, "none of those that count"),
        (head_of_another_run, "tree head is of the run town-0"),
    ],
)
def test_a_receipt_for_something_else_is_not_taken(
    office: Office, forge: Callable[[Office], Acknowledgement], message: str
) -> None:
    with pytest.raises(BadSignature, match=message):
        office.take_other(forge(office))
    assert not office.kept.exists()


def test_a_receipt_for_another_sites_leaf_is_none(office: Office) -> None:
    log = MerkleLog(office.folder.log)
    receipt = Receipt.of(log, 0, head=office.head(log), key=office.key)

    with pytest.raises(LogDamaged, match="the leaf was not shown to be in the log"):
        office.take_other(replace(office.got(1), receipt=receipt))


def test_a_log_without_the_sites_leaf_is_found(office: Office, tmp_path: Path) -> None:
    log = office.log_of([leaf for at, leaf in enumerate(office.leaves) if at != 1], tmp_path)
    receipt = Receipt.of(log, 1, head=office.head(log), key=office.key)

    with pytest.raises(LogDamaged, match="the leaf was not shown to be in the log"):
        office.take_other(replace(office.got(1), receipt=receipt))


@pytest.mark.parametrize(
    "rewrite",
    [
        lambda leaves: [b"another first one", *leaves[1:]],
        lambda leaves: [*leaves[:3][::-1], *leaves[3:]],
        lambda leaves: [leaves[1], *leaves[1:]],
    ],
)
def test_another_history_is_found(
    office: Office, tmp_path: Path, rewrite: Callable[[list[bytes]], list[bytes]]
) -> None:
    """The site's newest leaf is in it, but what the site was shown before is not its beginning."""
    office.take(1)
    log = office.log_of(rewrite(office.leaves), tmp_path)
    receipt = Receipt.of(log, 4, head=office.head(log), key=office.key)
    growth = {"3": log.consistency_proof(3)}

    with pytest.raises(LogDamaged, match="not shown to begin as that of 3"):
        office.take_other(replace(office.got(2), receipt=receipt, growth=growth))


def test_a_log_that_shrank_is_found(office: Office) -> None:
    office.take(3)

    with pytest.raises(LogDamaged, match="the log shrank from 9 leaves to 6"):
        office.take(2)


def test_a_proof_of_growth_cannot_be_left_out(office: Office) -> None:
    office.take(1)

    with pytest.raises(LogDamaged, match="no proof that the log grew from 3 leaves"):
        office.take_other(replace(office.got(2), growth={}))


@pytest.mark.parametrize("body", ["", "[]", "{}", "null", '"{}"', '{"receipt": 1}', "\ud800"])
def test_what_is_no_acknowledgement_is_not_taken(office: Office, body: str) -> None:
    with pytest.raises(BadSignature):
        office.book.take(body, "north")


def test_every_member_of_an_acknowledgement_counts(office: Office) -> None:
    body = json.loads(office.sent["north", 1])
    for name in body:
        with pytest.raises(BadSignature):
            office.book.take(json.dumps({**body, name: None}), "north")
    with pytest.raises(BadSignature):
        office.book.take(json.dumps({**body, "thanks": True}), "north")


class Lossy(list[Any]):
    """Events; when the second round starts, the log loses its first leaf."""

    log: Path

    def append(self, event: Any) -> None:
        super().append(event)
        if isinstance(event, RoundStarted) and event.round == 2:
            leaves = list(MerkleLog(self.log).leaves())[1:]
            self.log.unlink()
            for leaf in leaves:
                MerkleLog(self.log).append(leaf)


def test_a_coordinator_signs_for_no_log_that_lost_a_leaf(tmp_path: Path) -> None:
    town = Town(tmp_path, recipe(), events=Lossy())
    Lossy.log = RunFolder(town.path).log

    with pytest.raises(LogDamaged, match="2 leaves; 3 were signed for"):
        town.carry_out()


def test_a_site_that_objects_is_named_and_the_run_goes_on(tmp_path: Path) -> None:
    @dataclass
    class Objecting:
        name: str
        site: Answering

        def handle(self, request: Request) -> Response:
            if self.name == "south" and request.question is Question.RECEIPT:
                raise LogDamaged("the log shrank")
            return self.site.handle(request)

    town = Town(tmp_path, recipe(), wrap=Objecting)

    assert len(town.carry_out()["rounds"]) == 2
    failed = [event for event in town.events if isinstance(event, Failed)]
    assert [(e.round, e.site) for e in failed] == [(1, "south"), (2, "south")]
    assert {e.detail for e in failed} == {"receipt: the log shrank"}
    acknowledged = RunFolder(town.path).round(1).marker(Phase.ACKNOWLEDGED)
    assert read_json(acknowledged) == {"missed": ["south"]}


def test_a_site_that_was_set_up_anew_knows_of_no_statement(office: Office, tmp_path: Path) -> None:
    shutil.rmtree(office.kept, ignore_errors=True)
    book = ReceiptBook(tmp_path / "new", office.key.public, AnswerFolder(tmp_path / "answers"))

    with pytest.raises(BadSignature, match="does not count this site's statement"):
        book.take(office.sent["north", 1], "north")
