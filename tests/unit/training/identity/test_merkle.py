from collections.abc import Sequence
from hashlib import sha256
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medley_training.identity.merkle import (
    MerkleTree,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
)

# The tree of the Certificate Transparency project's tests (RFC 6962).
LEAVES = [
    *map(
        bytes.fromhex,
        (
            "",
            "00",
            "10",
            "2021",
            "3031",
            "40414243",
            "5051525354555657",
            "606162636465666768696a6b6c6d6e6f",
        ),
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
L1 = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
L4 = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
L6 = "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f"
N01, N0123 = ROOTS[2], ROOTS[4]
N23 = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
N45 = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
N67 = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
N4567 = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"

Hashes = Sequence[bytes]


def tree_of(leaves: Sequence[bytes]) -> MerkleTree:
    tree = MerkleTree()
    for leaf in leaves:
        tree.add(leaf_hash(leaf))
    return tree


def some_leaves(count: int) -> list[bytes]:
    return [b"leaf %d" % number for number in range(count)]


# RFC 9162's definitions, word for word (sections 2.1.1, 2.1.3.1, 2.1.4.1).


def power_below(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def mth(d: Sequence[bytes]) -> bytes:
    n = len(d)
    if n == 0:
        return sha256().digest()
    if n == 1:
        return sha256(b"\x00" + d[0]).digest()
    k = power_below(n)
    return sha256(b"\x01" + mth(d[:k]) + mth(d[k:])).digest()


def path_of(m: int, d: Sequence[bytes]) -> list[bytes]:
    n = len(d)
    if n == 1:
        return []
    k = power_below(n)
    if m < k:
        return [*path_of(m, d[:k]), mth(d[k:])]
    return [*path_of(m - k, d[k:]), mth(d[:k])]


def subproof(m: int, d: Sequence[bytes], *, is_whole: bool) -> list[bytes]:
    n = len(d)
    if m == n:
        return [] if is_whole else [mth(d)]
    k = power_below(n)
    if m <= k:
        return [*subproof(m, d[:k], is_whole=is_whole), mth(d[k:])]
    return [*subproof(m - k, d[k:], is_whole=False), mth(d[:k])]


@pytest.mark.parametrize("size", range(9))
def test_the_roots_are_those_published(size: int) -> None:
    assert tree_of(LEAVES[:size]).root().hex() == ROOTS[size]
    assert tree_of(LEAVES).root(size).hex() == ROOTS[size]


@pytest.mark.parametrize(
    ("index", "size", "proof"),
    [
        (0, 1, []),
        (0, 8, [L1, N23, N4567]),
        (5, 8, [L4, N67, N0123]),
        (2, 3, [N01]),
        (1, 5, [ROOTS[1], N23, L4]),
    ],
)
def test_inclusion_proofs_are_those_published(index: int, size: int, proof: list[str]) -> None:
    assert [step.hex() for step in tree_of(LEAVES).inclusion_proof(index, size)] == proof


@pytest.mark.parametrize(
    ("old", "new", "proof"),
    [
        (1, 1, []),
        (1, 8, [L1, N23, N4567]),
        (6, 8, [N45, N67, N0123]),
        (2, 5, [N23, L4]),
        (6, 7, [N45, L6, N0123]),
        (2, 8, [N23, N4567]),
    ],
)
def test_consistency_proofs_are_those_published(old: int, new: int, proof: list[str]) -> None:
    assert [step.hex() for step in tree_of(LEAVES).consistency_proof(old, new)] == proof


@given(st.lists(st.binary(max_size=4), max_size=40), st.data())
def test_trees_are_as_the_rfc_defines_them(leaves: list[bytes], data: st.DataObject) -> None:
    tree = tree_of(leaves)
    new = data.draw(st.integers(0, len(leaves)))
    old = data.draw(st.integers(0, new))

    assert tree.root(new) == mth(leaves[:new])
    if old:
        assert [*tree.consistency_proof(old, new)] == subproof(old, leaves[:new], is_whole=True)
    if old < new:
        assert [*tree.inclusion_proof(old, new)] == path_of(old, leaves[:new])


@pytest.mark.parametrize("size", range(1, 34))
def test_every_proof_is_verified_and_no_other(size: int) -> None:
    tree = tree_of(some_leaves(size))
    root = tree.root()
    for index, leaf in enumerate(some_leaves(size)):
        proof = tree.inclusion_proof(index)
        for claimed in range(size + 1):
            is_right = verify_inclusion(leaf_hash(leaf), proof, index=claimed, size=size, root=root)
            assert is_right == (claimed == index)
        old_root = tree.root(index)
        grown = tree.consistency_proof(index)
        for claimed in range(size + 1):
            is_right = verify_consistency(
                grown, old_size=claimed, old_root=old_root, new_size=size, new_root=root
            )
            assert is_right == (claimed == index)


def altered(proof: Hashes, random: Random) -> list[bytes]:
    """Another proof: a bit flipped, a step too many, too few, or two exchanged."""
    steps = [*proof]
    match random.randrange(4):
        case 0 if steps:
            at = random.randrange(len(steps))
            steps[at] = bytes([steps[at][0] ^ 1 << random.randrange(8)]) + steps[at][1:]
        case 1 if steps:
            steps.pop(random.randrange(len(steps)))
        case 2 if len(steps) > 1:
            steps[0], steps[1] = steps[1], steps[0]
        case _:
            steps.insert(random.randrange(len(steps) + 1), random.randbytes(32))
    return steps


@given(st.integers(1, 100), st.data())
def test_an_altered_proof_proves_nothing(size: int, data: st.DataObject) -> None:
    tree = tree_of(some_leaves(size))
    random = Random(data.draw(st.integers(0, 2**32)))
    index = data.draw(st.integers(0, size - 1))

    included = altered(tree.inclusion_proof(index), random)
    consistent = altered(tree.consistency_proof(index), random)

    leaf = leaf_hash(some_leaves(size)[index])
    assert not verify_inclusion(leaf, included, index=index, size=size, root=tree.root())
    assert not verify_consistency(
        consistent,
        old_size=index,
        old_root=tree.root(index),
        new_size=size,
        new_root=tree.root(),
    )


@given(st.integers(2, 60), st.data())
def test_a_changed_past_has_no_consistency_proof(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, size))
    changed = data.draw(st.integers(0, old - 1))
    before, leaves = tree_of(some_leaves(size)), some_leaves(size)
    leaves[changed] = b"another"
    after = tree_of(leaves)

    assert not verify_consistency(
        after.consistency_proof(old),
        old_size=old,
        old_root=before.root(old),
        new_size=size,
        new_root=after.root(),
    )


def test_a_leaf_is_never_taken_for_a_node() -> None:
    left, right = map(leaf_hash, some_leaves(2))
    tree = tree_of(some_leaves(2))

    assert tree_of([left + right]).root() != tree.root()


def test_what_the_tree_never_was_is_not_proved() -> None:
    tree = tree_of(some_leaves(3))

    for ask in (
        lambda: tree.root(4),
        lambda: tree.root(-1),
        lambda: tree.inclusion_proof(3),
        lambda: tree.inclusion_proof(2, 2),
        lambda: tree.inclusion_proof(-1),
        lambda: tree.consistency_proof(3, 2),
        lambda: tree.consistency_proof(1, 4),
        lambda: tree.consistency_proof(-1),
    ):
        with pytest.raises(ValueError, match=r"leaf|leaves"):
            ask()
    assert not verify_inclusion(b"", [], index=-1, size=0, root=tree.root())
    assert not verify_consistency([], old_size=2, old_root=b"", new_size=1, new_root=b"")
