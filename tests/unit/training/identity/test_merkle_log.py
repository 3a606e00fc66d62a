from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medley_registry.errors import Unavailable
from medley_training.errors import LogDamaged
from medley_training.identity.merkle import MerkleTree, leaf_hash
from medley_training.identity.merkle_log import MerkleLog

LEAVES = [b"", b"one", b"two\n\x00", b"one"]


def made(path: Path) -> MerkleLog:
    log = MerkleLog(path)
    for index, leaf in enumerate(LEAVES):
        assert log.append(leaf) == index
    return log


def test_a_log_that_is_opened_again_is_the_same(tmp_path: Path) -> None:
    path = tmp_path / "run" / "log.jsonl"
    log = made(path)

    again = MerkleLog(path)

    assert [*again.leaves()] == LEAVES
    assert again.root() == log.root()
    assert again.root(2) == log.root(2)
    assert again.inclusion_proof(1) == log.inclusion_proof(1)
    assert again.consistency_proof(3) == log.consistency_proof(3)


def test_opening_a_log_that_is_not_there_writes_nothing(tmp_path: Path) -> None:
    assert MerkleLog(tmp_path / "log.jsonl").size == 0
    assert [*tmp_path.iterdir()] == []


def test_a_leaf_is_found_where_it_first_came(tmp_path: Path) -> None:
    made(tmp_path / "log.jsonl")

    log = MerkleLog(tmp_path / "log.jsonl")

    assert log.index_of(leaf_hash(b"one")) == 1
    assert log.index_of(leaf_hash(b"three")) is None


def test_a_power_loss_at_any_byte_leaves_the_leaves_before_it(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    made(path)
    whole = path.read_bytes()

    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        survivors = LEAVES[: whole[:length].count(b"\n")]
        log = MerkleLog(path)
        assert [*log.leaves()] == survivors
        assert path.read_bytes() == whole[:length]  # opening changed nothing


def test_a_log_goes_on_after_a_power_loss(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    made(path)
    whole = path.read_bytes()

    for length in range(0, len(whole), 29):
        path.write_bytes(whole[:length])
        log = MerkleLog(path)
        for leaf in LEAVES[log.size :]:
            log.append(leaf)

        assert path.read_bytes() == whole


def test_nothing_is_left_of_a_torn_line_behind_a_shorter_one(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    MerkleLog(path).append(b"x" * 1000)
    path.write_bytes(path.read_bytes()[:-1])

    MerkleLog(path).append(b"short")

    assert [*MerkleLog(path).leaves()] == [b"short"]
    assert len(path.read_bytes()) < 200


def test_any_other_damage_is_found(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    made(path)
    whole = path.read_bytes()

    for at in range(len(whole) - 1):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(LogDamaged, match=r"log\.jsonl: leaf"):
            MerkleLog(path)


def test_lines_left_out_or_exchanged_are_found(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    made(path)
    lines = path.read_bytes().splitlines(keepends=True)

    for wrong in (lines[1:], [lines[1], lines[0]], [lines[0], b"\n"], [*lines, lines[1]]):
        path.write_bytes(b"".join(wrong))
        with pytest.raises(LogDamaged, match="leaf"):
            MerkleLog(path)


def test_a_second_process_that_appends_is_found_out(tmp_path: Path) -> None:
    log = made(tmp_path / "log.jsonl")
    other = MerkleLog(tmp_path / "log.jsonl")
    other.append(b"theirs")

    with pytest.raises(LogDamaged, match="another process"):
        log.append(b"ours")

    assert [*MerkleLog(tmp_path / "log.jsonl").leaves()] == [*LEAVES, b"theirs"]


def test_a_file_cut_while_it_is_open_is_found(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    log = made(path)
    path.write_bytes(b"")

    with pytest.raises(LogDamaged, match="lost leaves"):
        log.append(b"more")


def test_a_log_that_cannot_be_written_is_as_before(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    log = MerkleLog(tmp_path / "file" / "log.jsonl")

    with pytest.raises(Unavailable):
        log.append(b"leaf")

    assert log.size == 0
    assert [*log.leaves()] == []


@settings(max_examples=20)
@given(leaves=st.lists(st.binary(max_size=20), max_size=6))
def test_the_log_is_the_tree_of_its_leaves(
    leaves: list[bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    log = MerkleLog(tmp_path_factory.mktemp("log") / "log.jsonl")
    tree = MerkleTree()
    for leaf in leaves:
        log.append(leaf)
        tree.add(leaf_hash(leaf))

    assert log.root() == tree.root()
    assert [*log.leaves()] == leaves
