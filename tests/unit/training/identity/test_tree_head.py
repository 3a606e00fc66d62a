from dataclasses import replace
from pathlib import Path

import pytest
from medley_training.errors import BadSignature, LogDamaged
from medley_training.identity.merkle_log import MerkleLog
from medley_training.identity.tree_head import Receipt, TreeHead, check_growth, check_receipt

from tests.unit.training.identity.made import COORDINATOR, HOUR, NOON, STRANGER

LEAVES = [b"leaf %d" % number for number in range(7)]


def made(path: Path, leaves: list[bytes] = LEAVES) -> MerkleLog:
    log = MerkleLog(path)
    for leaf in leaves:
        log.append(leaf)
    return log


def checked(receipt: Receipt, leaf: bytes, *, run: str = "smoke-7") -> TreeHead:
    return check_receipt(receipt, leaf, run=run, coordinator=COORDINATOR.public)


def test_a_receipt_shows_that_a_leaf_is_in_the_log(tmp_path: Path) -> None:
    log = made(tmp_path / "log.jsonl")
    head = TreeHead.of(log, run="smoke-7", at=NOON)

    for index, leaf in enumerate(LEAVES):
        receipt = Receipt.of(log, index, head=head, key=COORDINATOR)
        read = Receipt.from_json(receipt.to_json())

        assert read == receipt
        assert checked(read, leaf) == head


def test_a_receipt_under_an_earlier_head_stays_right(tmp_path: Path) -> None:
    log = made(tmp_path / "log.jsonl", LEAVES[:3])
    head = TreeHead.of(log, run="smoke-7", at=NOON)
    log.append(LEAVES[3])

    assert checked(Receipt.of(log, 1, head=head, key=COORDINATOR), LEAVES[1]) == head


def test_a_receipt_for_another_leaf_index_or_log_shows_nothing(tmp_path: Path) -> None:
    log = made(tmp_path / "log.jsonl")
    head = TreeHead.of(log, run="smoke-7", at=NOON)
    receipt = Receipt.of(log, 2, head=head, key=COORDINATOR)
    elsewhere = replace(head, root=bytes(32)).seal(COORDINATOR)

    for wrong, leaf in [
        (receipt, LEAVES[3]),
        (replace(receipt, index=3), LEAVES[2]),
        (replace(receipt, index=99), LEAVES[2]),
        (replace(receipt, proof=receipt.proof[:-1]), LEAVES[2]),
        (replace(receipt, head=elsewhere), LEAVES[2]),
    ]:
        with pytest.raises(LogDamaged, match="not shown"):
            checked(wrong, leaf)


def test_a_receipt_that_the_coordinator_did_not_sign_is_refused(tmp_path: Path) -> None:
    log = made(tmp_path / "log.jsonl")
    head = TreeHead.of(log, run="smoke-7", at=NOON)

    with pytest.raises(BadSignature, match="none of those"):
        checked(Receipt.of(log, 2, head=head, key=STRANGER), LEAVES[2])
    with pytest.raises(BadSignature, match="the run smoke-7"):
        checked(Receipt.of(log, 2, head=head, key=COORDINATOR), LEAVES[2], run="smoke-8")


def test_a_receipt_in_another_form_is_refused(tmp_path: Path) -> None:
    log = made(tmp_path / "log.jsonl")
    head = TreeHead.of(log, run="smoke-7", at=NOON)
    right = Receipt.of(log, 2, head=head, key=COORDINATOR).to_json()

    for member, value in [("head", "{}"), ("proof", ["00"]), ("proof", ["zz" * 32]), ("index", -1)]:
        with pytest.raises(BadSignature):
            Receipt.from_json({**right, member: value})  # type: ignore[dict-item]


def test_a_head_keeps_its_time_and_root(tmp_path: Path) -> None:
    head = TreeHead.of(made(tmp_path / "log.jsonl"), run="smoke-7", at=NOON)

    assert TreeHead.open(head.seal(COORDINATOR), [COORDINATOR.public]) == head
    assert head.to_json()["at"] == "2026-11-21T12:00:00.000000Z"
    with pytest.raises(ValueError, match="zone"):
        TreeHead.of(MerkleLog(tmp_path / "none"), run="x", at=NOON.replace(tzinfo=None))


def test_a_log_that_grew_is_shown_to_have_grown(tmp_path: Path) -> None:
    log = MerkleLog(tmp_path / "log.jsonl")
    heads = [TreeHead.of(log, run="smoke-7", at=NOON)]
    for leaf in LEAVES:
        log.append(leaf)
        heads.append(TreeHead.of(log, run="smoke-7", at=NOON + HOUR))

    for older in heads:
        for newer in heads[older.size :]:
            check_growth(older, newer, log.consistency_proof(older.size, newer.size))
        older.check_log(log)


def test_a_log_that_was_rewritten_is_found_by_an_older_head(tmp_path: Path) -> None:
    head = TreeHead.of(made(tmp_path / "log.jsonl", LEAVES[:4]), run="smoke-7", at=NOON)
    forged = made(tmp_path / "forged.jsonl", [*LEAVES[:2], b"another", *LEAVES[3:]])
    newer = TreeHead.of(forged, run="smoke-7", at=NOON)

    with pytest.raises(LogDamaged, match="not shown to begin"):
        check_growth(head, newer, forged.consistency_proof(4))
    with pytest.raises(LogDamaged, match="not those signed for"):
        head.check_log(forged)


def test_a_log_that_was_cut_is_found_by_a_later_head(tmp_path: Path) -> None:
    head = TreeHead.of(made(tmp_path / "log.jsonl"), run="smoke-7", at=NOON)
    cut = made(tmp_path / "cut.jsonl", LEAVES[:-1])

    with pytest.raises(LogDamaged, match="7 were signed for"):
        head.check_log(cut)
    with pytest.raises(LogDamaged, match="not shown"):
        check_growth(head, TreeHead.of(cut, run="smoke-7", at=NOON), ())


def test_heads_of_two_runs_are_not_compared(tmp_path: Path) -> None:
    head = TreeHead.of(made(tmp_path / "log.jsonl"), run="smoke-7", at=NOON)

    with pytest.raises(LogDamaged, match="two runs"):
        check_growth(head, replace(head, run="smoke-8"), ())
