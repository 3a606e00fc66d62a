"""A Merkle tree over leaves that are only ever added (RFC 9162, section 2.1).

Whoever holds a root of the tree can be shown that a leaf is in it, and that a later tree begins
with all the leaves of an earlier one, by about log2(size) hashes.
"""

import hashlib
from collections.abc import Sequence

EMPTY_ROOT = hashlib.sha256().digest()


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of a leaf; its prefix keeps it from ever being that of a node."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees, from theirs."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class MerkleTree:
    """The hashes of a tree; every size that it has had can still be asked for."""

    def __init__(self) -> None:
        self._leaves: list[bytes] = []
        self._full: dict[tuple[int, int], bytes] = {}

    @property
    def size(self) -> int:
        """The number of leaves."""
        return len(self._leaves)

    def add(self, leaf: bytes) -> int:
        """Add a leaf by its `leaf_hash`; returns its index, counted from 0."""
        self._leaves.append(leaf)
        return len(self._leaves) - 1

    def root(self, size: int | None = None) -> bytes:
        """The root over the first `size` leaves, or over all.

        Raises:
            ValueError: The tree has fewer leaves.
        """
        size = self._checked(size)
        return self._hash(0, size) if size else EMPTY_ROOT

    def inclusion_proof(self, index: int, size: int | None = None) -> tuple[bytes, ...]:
        """PATH(m, D_n) of section 2.1.3.1: what leads from a leaf to the root of that size.

        Raises:
            ValueError: There is no such leaf among the first `size`.
        """
        size = self._checked(size)
        if not 0 <= index < size:
            raise ValueError(f"there is no leaf {index} among {size}")
        path, begin, end = [], 0, size
        while end - begin > 1:
            middle = begin + _split(end - begin)
            if index < middle:
                path.append(self._hash(middle, end))
                end = middle
            else:
                path.append(self._hash(begin, middle))
                begin = middle
        return tuple(reversed(path))

    def consistency_proof(self, old: int, new: int | None = None) -> tuple[bytes, ...]:
        """PROOF(m, D_n) of section 2.1.4.1: that the tree of size `new` begins as that of `old`.

        It is empty where `old` is 0 or `new`: then there is nothing to prove.

        Raises:
            ValueError: The tree never had these sizes, or not in this order.
        """
        new = self._checked(new)
        if not 0 <= old <= new:
            raise ValueError(f"a tree of {new} leaves does not grow from {old}")
        if old in (0, new):
            return ()
        path, begin, end = [], 0, new
        while end != old:
            middle = begin + _split(end - begin)
            if old <= middle:
                path.append(self._hash(middle, end))
                end = middle
            else:
                path.append(self._hash(begin, middle))
                begin = middle
        if begin:  # else this subtree is the whole old tree, whose root the verifier holds
            path.append(self._hash(begin, end))
        return tuple(reversed(path))

    def _checked(self, size: int | None) -> int:
        if size is None:
            return self.size
        if not 0 <= size <= self.size:
            raise ValueError(f"the tree has {self.size} leaves, not {size}")
        return size

    def _hash(self, begin: int, end: int) -> bytes:
        """MTH(D[begin:end]); full subtrees never change, so theirs are kept."""
        length = end - begin
        if length == 1:
            return self._leaves[begin]
        if (kept := self._full.get((begin, end))) is not None:
            return kept
        middle = begin + _split(length)
        found = node_hash(self._hash(begin, middle), self._hash(middle, end))
        if length & (length - 1) == 0:
            self._full[begin, end] = found
        return found


def verify_inclusion(
    leaf: bytes, proof: Sequence[bytes], *, index: int, size: int, root: bytes
) -> bool:
    """Whether the leaf of this `leaf_hash` is in the tree of that root (section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    node, last, found = index, size - 1, leaf
    for step in proof:
        if last == 0:
            return False
        if node & 1 or node == last:
            found = node_hash(step, found)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            found = node_hash(found, step)
        node, last = node >> 1, last >> 1
    return last == 0 and found == root


def verify_consistency(
    proof: Sequence[bytes], *, old_size: int, old_root: bytes, new_size: int, new_root: bytes
) -> bool:
    """Whether the new tree begins with all the leaves of the old one (section 2.1.4.2)."""
    if not 0 <= old_size <= new_size:
        return False
    if old_size in (0, new_size):
        expected = new_root if old_size else EMPTY_ROOT
        return not proof and old_root == expected
    path = list(proof)
    if old_size & (old_size - 1) == 0:
        path.insert(0, old_root)
    if not path:
        return False
    node, last = old_size - 1, new_size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old_found = new_found = path[0]
    for step in path[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            old_found, new_found = node_hash(step, old_found), node_hash(step, new_found)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            new_found = node_hash(new_found, step)
        node, last = node >> 1, last >> 1
    return last == 0 and old_found == old_root and new_found == new_root


def _split(length: int) -> int:
    """The largest power of two below a length: where RFC 9162 cuts a list of leaves in two."""
    return 1 << (length - 1).bit_length() - 1
