"""What is not counted: each with its reason, while the round goes on with the others."""

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from medley_registry import timestamps
from medley_registry.digest import Digest
from medley_training.errors import TooFewContributions
from medley_training.identity.participants import ParticipantBook
from medley_training.rounds.event_log import read_events
from medley_training.rounds.events import Contributed, Event, Refused
from medley_training.rounds.run_folder import RunFolder
from medley_training.rounds.transport import Answering, Question, Request, Response
from medley_training.rounds.verifying import open_verifier
from safetensors.torch import load_file

from tests.unit.training.rounds.forging import Forge, Post, Sent, new_key
from tests.unit.training.rounds.runs import SITES, Town, recipe

pytestmark = pytest.mark.slow

DAY = timedelta(days=1)
OTHER = str(Digest.of(b"other"))
SEALS = {"third": new_key(), "unknown": new_key()}


def replayed(sent: Sent) -> Response:
    """The whole answer of the round before."""
    return sent.earlier[-1].answer


def as_neighbour(sent: Sent) -> Response:
    """Another site's answer, signature and all."""
    assert sent.neighbour is not None
    return sent.neighbour.answer


def in_neighbours_name(sent: Sent) -> Response:
    assert sent.neighbour is not None
    return sent.saying(participant=sent.neighbour.task.participant)


def one_bit(sent: Sent) -> Response:
    """One bit of a number is turned over; it is a file of numbers still."""
    data = bytearray(sent.answer.payload)
    data[-3] ^= 1
    return replace(sent.answer, payload=bytes(data))


def one_letter(sent: Sent) -> Response:
    """One letter of the signed text is another."""
    text = sent.reply["statement"]
    at = len(text) // 2
    return sent.replying(statement=text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :])


def by_revoked_key(sent: Sent) -> Response:
    name, key = sent.task.participant, new_key()
    now = timestamps.now()
    sent.book.rotate(name, key.public, at=now, overlap=DAY)
    sent.book.revoke(name, key.public.key_id, at=now)
    return sent.saying(key)


def by_expired_key(sent: Sent) -> Response:
    """The key that was the site's until it got its third one."""
    now = timestamps.now()
    sent.book.rotate(sent.task.participant, SEALS["third"].public, at=now)
    return sent.answer


def by_third_key(sent: Sent) -> Response:
    return sent.saying(SEALS["third"])


def by_key_of_tomorrow(sent: Sent) -> Response:
    key, now = new_key(), timestamps.now()
    sent.book.rotate(sent.task.participant, key.public, at=now + DAY, overlap=DAY)
    return sent.saying(key)


def with_number(number: float, sent: Sent) -> Response:
    """One number of the last tensor is this one."""
    tensors = sent.tensors
    tensors[max(tensors)][0, 0] = number
    return sent.training(tensors)


def balanced(sent: Sent) -> Response:
    """The same update, but with a huge A beside a tiny B."""
    return sent.changing(lambda name, t: t * (1e12 if "lora_A" in name else 1e-12))


def without_a_module(sent: Sent) -> Response:
    module = min(sent.tensors).split(".lora_")[0]
    return sent.training({n: t for n, t in sent.tensors.items() if not n.startswith(module)})


def with_a_tensor_more(sent: Sent) -> Response:
    return sent.training({**sent.tensors, "patients": torch.zeros(3)})


def half_of_it(sent: Sent) -> Response:
    return sent.training({name: t for name, t in sent.tensors.items() if "lora_B" in name})


def epsilon(value: Any, sent: Sent) -> Response:
    return sent.saying(privacy={**sent.statement["privacy"], "epsilon": value})


def losses(sent: Sent, **changes: Any) -> Response:
    return sent.saying(losses={**sent.statement["losses"], **changes})


CASES: dict[str, tuple[str, Forge]] = {
    "last-rounds-answer": ("wrong_round", replayed),
    "old-nonce": ("replayed", lambda sent: sent.saying(nonce=sent.earlier[-1].task.nonce)),
    "other-run": ("wrong_run", lambda sent: sent.saying(run="town-0")),
    "other-round": ("wrong_round", lambda sent: sent.saying(round=3)),
    "other-start": ("wrong_start", lambda sent: sent.saying(start=OTHER)),
    "other-base": ("wrong_base", lambda sent: sent.saying(base=OTHER)),
    "other-quantization": ("wrong_quantization", lambda sent: sent.saying(quantization="nf4")),
    "other-codec": ("wrong_codec", lambda sent: sent.saying(codec="int8")),
    "other-privacy": ("wrong_privacy", lambda sent: sent.saying(privacy={})),
    "other-rank": (
        "wrong_shape",
        lambda sent: sent.saying(shape={**sent.statement["shape"], "rank": 3}),
    ),
    "other-factors": ("wrong_shape", lambda sent: sent.saying(trains=["B"])),
    "neighbours-answer": ("unknown_signer", as_neighbour),
    "neighbours-name": ("unknown_signer", in_neighbours_name),
    "unknown-key": ("unknown_signer", lambda sent: sent.saying(SEALS["unknown"])),
    "revoked-key": ("revoked_key", by_revoked_key),
    "expired-key": ("expired_key", by_expired_key),
    "key-of-tomorrow": ("expired_key", by_key_of_tomorrow),
    "altered-file": ("altered", one_bit),
    "lost-file": ("altered", lambda sent: replace(sent.answer, payload=b"")),
    "altered-statement": ("unsigned", one_letter),
    "no-statement": ("unsigned", lambda sent: sent.replying(statement="")),
    "open-statement": (
        "unsigned",
        lambda sent: sent.replying(statement=json.dumps(sent.statement)),
    ),
    "odd-letters": ("unsigned", lambda sent: sent.replying(statement="\ud800\x00\x1b[2J")),
    "member-more": ("malformed", lambda sent: sent.saying(patients=["Ada"])),
    "exact-count": ("malformed", lambda sent: sent.saying(sample_bucket=41)),
    "no-loss": ("malformed", lambda sent: sent.saying(losses={})),
    "huge-loss": ("malformed", partial(losses, last=1e308)),
    "negative-loss": ("malformed", partial(losses, first=-1.0)),
    "odd-epsilon": ("malformed", partial(epsilon, "much")),
    "true-epsilon": ("malformed", partial(epsilon, True)),
    "negative-epsilon": ("malformed", partial(epsilon, -1)),
    "not-json": ("malformed", lambda sent: replace(sent.answer, body="<html>")),
    "no-body": ("malformed", lambda sent: replace(sent.answer, body="")),
    "json-list": ("malformed", lambda sent: replace(sent.answer, body="[1]")),
    "deep-json": ("malformed", lambda sent: replace(sent.answer, body="[" * 100_000)),
    "long-number": ("malformed", lambda sent: sent.replying(num_tokens=int("9" * 400))),
    "negative-tokens": ("malformed", lambda sent: sent.replying(num_tokens=-1)),
    "no-time": ("malformed", lambda sent: sent.replying(duration_s=float("nan"))),
    "endless": ("malformed", lambda sent: sent.replying(num_tokens=float("inf"))),
    "empty-file": ("malformed", lambda sent: sent.sending(b"")),
    "no-safetensors": ("malformed", lambda sent: sent.sending(b"PK\x03\x04" * 100)),
    "cut-file": ("malformed", lambda sent: sent.sending(sent.answer.payload[:-1])),
    "longer-file": ("malformed", lambda sent: sent.sending(sent.answer.payload + b"\0")),
    "huge-header": ("malformed", lambda sent: sent.sending(b"\xff" * 8 + sent.answer.payload)),
    "no-tensors": ("malformed", lambda sent: sent.training({})),
    "codec-in-file": ("malformed", lambda sent: sent.training(sent.tensors, {"codec": "int8"})),
    "note-in-file": (
        "malformed",
        lambda sent: sent.training(sent.tensors, {"codec": "none", "note": "Ada"}),
    ),
    "half-precision": ("malformed", lambda sent: sent.changing(lambda _, t: t.half())),
    "without-a-module": ("malformed", without_a_module),
    "tensor-more": ("malformed", with_a_tensor_more),
    "one-factor": ("malformed", half_of_it),
    "wrong-shape": ("wrong_shape", lambda sent: sent.changing(lambda _, t: t.T)),
    "rank-more": (
        "wrong_shape",
        lambda sent: sent.changing(lambda n, t: torch.cat([t, t], 0 if "lora_A" in n else 1)),
    ),
    "not-a-number": ("not_finite", partial(with_number, float("nan"))),
    "infinite": ("not_finite", partial(with_number, float("-inf"))),
    "huge-number": ("absurd_norm", partial(with_number, 3e38)),
    "absurd-norm": ("absurd_norm", lambda sent: sent.changing(lambda _, t: t * 1e3)),
    "balanced": ("absurd_norm", balanced),
}
HONEST = ("a-first", "a-second")


@dataclass(frozen=True)
class Attacked:
    """A run of three rounds, in the second of which most sites send something else."""

    folder: RunFolder
    events: tuple[Event, ...]
    summary: dict[str, Any]

    def record(self, case: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.folder.round(2).refusal(case).read_text())
        return found


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Attacked:
    folder = tmp_path_factory.mktemp("attacked")
    post = Post(folder / "run")
    forges = {(case, 2): forge for case, (_, forge) in CASES.items()}
    forges["expired-key", 3] = by_third_key
    town = Town(
        folder,
        recipe(
            rounds=3,
            sites={"names": (*HONEST, *CASES), "min_contributions": 2},
            strategy={"name": "fedavg"},
        ),
        wrap=post.forging(forges),
    )
    summary = town.carry_out()
    return Attacked(RunFolder(town.path), tuple(town.events), summary)


@pytest.mark.parametrize("case", CASES)
def test_what_does_not_fit_is_refused_with_its_reason(attacked: Attacked, case: str) -> None:
    reason, _ = CASES[case]
    told = [e for e in read_events(attacked.folder.events) if isinstance(e, Refused)]

    record = attacked.record(case)
    assert record["reason"] == reason
    assert attacked.summary["rounds"][1]["refused"][case] == reason
    assert [(e.round, e.reason) for e in told if e.site == case] == [(2, reason)]
    assert not attacked.folder.round(2).statement(case).exists()
    assert not attacked.folder.round(2).contribution(case).exists()


@pytest.mark.parametrize("case", CASES)
def test_what_was_refused_is_kept_to_be_looked_at(attacked: Attacked, case: str) -> None:
    record = attacked.record(case)
    kept = attacked.folder.round(2).refusal(case).with_suffix(".bin").read_bytes()

    assert str(Digest.of(kept)) == record["update"]
    assert "body" in record


def test_the_round_goes_on_with_the_others(attacked: Attacked) -> None:
    assert set(attacked.summary["rounds"][1]["weights"]) == set(HONEST)
    assert set(attacked.summary["rounds"][1]["refused"]) == set(CASES)


def test_a_refused_site_takes_part_again_in_the_next_round(attacked: Attacked) -> None:
    assert set(attacked.summary["rounds"][2]["weights"]) == {*HONEST, *CASES}
    assert attacked.summary["rounds"][2]["refused"] == {}


def test_what_was_refused_changed_no_number(attacked: Attacked) -> None:
    served = load_file(attacked.folder.round(2).served / "adapter_model.safetensors")

    assert all(bool(torch.isfinite(tensor).all()) for tensor in served.values())
    assert max(float(tensor.abs().max()) for tensor in served.values()) < 10


def test_a_run_with_refusals_verifies(attacked: Attacked) -> None:
    verified = list(open_verifier(attacked.folder.path, coordinator=None, book=None).verify())

    assert [set(round_.participants) for round_ in verified][1] == set(HONEST)


def mutilated(random: Random, sent: Sent) -> Response:
    """Some bytes of the file are others, some are gone; the site signs for that."""
    data = bytearray(sent.answer.payload)
    for _ in range(random.randint(1, 4)):
        data[random.randrange(len(data))] = random.randrange(256)
    return sent.sending(bytes(data[: random.choice([None, random.randrange(len(data))])]))


def test_no_mutilated_file_stops_a_round(tmp_path: Path) -> None:
    names = tuple(f"site-{number:02}" for number in range(20))
    random = Random(4)
    forges: dict[tuple[str, int], Forge] = {(n, 1): partial(mutilated, random) for n in names}
    town = Town(
        tmp_path,
        recipe(rounds=1, sites={"names": ("honest", *names)}, strategy={"name": "fedavg"}),
        wrap=Post(tmp_path / "run").forging(forges),
    )

    summary = town.carry_out()["rounds"][0]

    served = load_file(RunFolder(town.path).round(1).served / "adapter_model.safetensors")
    assert summary["refused"]
    assert {"honest", *names} == {*summary["refused"], *summary["weights"]}
    assert all(bool(torch.isfinite(tensor).all()) for tensor in served.values())


def test_a_loss_that_was_asked_for_must_be_told(tmp_path: Path) -> None:
    forges: dict[tuple[str, int], Forge] = {("north", 1): partial(losses, of_start=None)}
    town = Town(
        tmp_path,
        recipe(rounds=1, strategy={"name": "qffl"}),
        wrap=Post(tmp_path / "run").forging(forges),
    )

    assert town.carry_out()["rounds"][0]["refused"] == {"north": "malformed"}


def test_numbers_that_an_encoded_file_hides_are_found(tmp_path: Path) -> None:
    def hiding(sent: Sent) -> Response:
        tensors = {
            name: torch.full_like(tensor, torch.nan) if tensor.is_floating_point() else tensor
            for name, tensor in sent.tensors.items()
        }
        return sent.training(tensors, {"codec": "int8"})

    town = Town(
        tmp_path,
        recipe(rounds=1, codec="int8"),
        wrap=Post(tmp_path / "run").forging({("north", 1): hiding}),
    )

    assert town.carry_out()["rounds"][0]["refused"] == {"north": "not_finite"}


def cut(sent: Sent) -> Response:
    return sent.sending(sent.answer.payload[:-1])


def test_refused_contributions_do_not_count_towards_the_least_number(tmp_path: Path) -> None:
    town = Town(
        tmp_path,
        recipe(sites={"names": SITES, "min_contributions": 3}),
        wrap=Post(tmp_path / "run").forging({("north", 1): cut}),
    )

    with pytest.raises(TooFewContributions, match=r"2 of 3 sites contributed.*north: malformed"):
        town.carry_out()


def test_a_site_without_which_no_round_closes_is_asked_again(tmp_path: Path) -> None:
    forges: dict[tuple[str, int], Forge] = {("north", 1): cut}
    town = Town(
        tmp_path,
        recipe(sites={"names": SITES, "min_contributions": 3}),
        wrap=Post(tmp_path / "run").forging(forges),
    )
    with pytest.raises(TooFewContributions):
        town.carry_out()
    forges.clear()

    first = town.carry_out()["rounds"][0]

    assert set(first["weights"]) == set(SITES)
    assert first["refused"] == {}
    assert town.learners["north"].calls == [1, 2]


def test_a_site_that_was_refused_is_left_alone_where_the_others_are_enough(tmp_path: Path) -> None:
    post = Post(tmp_path / "run")
    asked = []

    class Stopping:
        """Stops the coordinator when south is asked, once north was refused."""

        def __init__(self, name: str, site: Answering) -> None:
            self.name, self.site = name, post.forging({("north", 1): cut})(name, site)

        def handle(self, request: Request) -> Response:
            if request.question is Question.TRAIN:
                asked.append(self.name)
                if asked == ["east", "north", "south"]:
                    raise KeyboardInterrupt
            return self.site.handle(request)

    town = Town(tmp_path, recipe(rounds=1), wrap=Stopping)
    with pytest.raises(KeyboardInterrupt):
        town.carry_out()

    assert set(town.carry_out()["rounds"][0]["weights"]) == {"east", "south"}
    assert asked == ["east", "north", "south", "south"]


@dataclass
class Clerk:
    """Does something to the book of participants before the last site's answer comes in."""

    act: str
    run: Path

    def __call__(self, name: str, site: Answering) -> Answering:
        return _BeforeTheLast(self, site) if name == SITES[-1] else site

    def change(self) -> None:
        book = ParticipantBook(self.run / "participants.json")
        [key] = book.keys("east")
        now = timestamps.now()
        if self.act == "revoke":
            book.revoke("east", key.public.key_id, at=now)
        else:
            book.rotate("east", new_key().public, at=now, overlap=DAY * (self.act == "overlap"))


@dataclass
class _BeforeTheLast:
    clerk: Clerk
    site: Answering

    def handle(self, request: Request) -> Response:
        if request.question is Question.TRAIN:
            self.clerk.change()
        return self.site.handle(request)


@pytest.mark.parametrize(("act", "reason"), [("revoke", "revoked_key"), ("rotate", "expired_key")])
def test_a_key_that_ends_before_the_round_is_closed_does_not_count(
    tmp_path: Path, act: str, reason: str
) -> None:
    town = Town(tmp_path, recipe(rounds=1), wrap=Clerk(act, tmp_path / "run"))

    [only] = town.carry_out()["rounds"]

    assert only["refused"] == {"east": reason}
    assert set(only["weights"]) == {"north", "south"}
    assert [e.site for e in town.events if isinstance(e, Contributed)] == list(SITES)
    assert [(e.site, e.reason) for e in town.events if isinstance(e, Refused)] == [("east", reason)]
    [verified] = open_verifier(town.path, coordinator=None, book=None).verify()
    assert verified.participants == ("north", "south")


def test_a_key_that_is_replaced_with_an_overlap_counts_until_that_ends(tmp_path: Path) -> None:
    town = Town(tmp_path, recipe(rounds=1), wrap=Clerk("overlap", tmp_path / "run"))

    assert set(town.carry_out()["rounds"][0]["weights"]) == set(SITES)


def test_a_round_that_a_revocation_leaves_too_small_is_not_closed(tmp_path: Path) -> None:
    town = Town(
        tmp_path,
        recipe(rounds=1, sites={"names": SITES, "min_contributions": 3}),
        wrap=Clerk("revoke", tmp_path / "run"),
    )

    with pytest.raises(TooFewContributions, match="keys of 1 contributions came to their end"):
        town.carry_out()
