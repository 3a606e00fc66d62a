"""Whatever is written into whichever slot, a batch is answered by what its slots hold now."""

from collections.abc import Callable

import torch
from hypothesis import given
from hypothesis import strategies as st
from medley_server.engine.packed_lora import BatchRows, Product, add_adapters, plain_product
from medley_server.engine.packed_module import AT_ONCE, LASTING, PackedModule

INPUTS, RANK, SLOTS, SLICES = 6, 3, 4, (5, 2)
ALL = frozenset(range(SLOTS))


class Module:
    """A module's slots, the counts of its writes, and what is packed of it."""

    def __init__(self, prepack: Callable[[torch.Tensor], Product] = plain_product) -> None:
        self.a = tuple(torch.zeros(SLOTS, 1, RANK, INPUTS) for _ in SLICES)
        self.b = tuple(torch.zeros(SLOTS, 1, out, RANK) for out in SLICES)
        self.packing = PackedModule(self.a, self.b, torch.float32, prepack, place=0)
        self.epochs = (0,) * SLOTS

    def write(self, slot: int, rank: int, seed: int, *, counted: bool = True) -> None:
        """As vLLM does: zeros first, then the adapter, in place."""
        drawn = torch.Generator().manual_seed(seed)
        for a, b in zip(self.a, self.b, strict=True):
            a[slot] = 0
            b[slot] = 0
            a[slot, 0, :rank].copy_(torch.randn(rank, INPUTS, generator=drawn))
            b[slot, 0, :, :rank].copy_(torch.randn(len(b[slot, 0]), rank, generator=drawn))
        if counted:
            self.epochs = tuple(n + (at == slot) for at, n in enumerate(self.epochs))

    def off(self, slots: list[int], *, counted: bool = True) -> float:
        """How far the answer of a batch is from what its slots hold now."""
        x = torch.randn(len(slots), INPUTS)
        y = torch.zeros(len(slots), sum(SLICES))
        packed = self.packing.packed(frozenset(slots), self.epochs if counted else None)
        if packed is not None:
            add_adapters(y, x, packed, BatchRows.of(torch.tensor(slots)))
        wanted = [
            torch.cat([x[i] @ a[s, 0].T @ b[s, 0].T for a, b in zip(self.a, self.b, strict=True)])
            for i, s in enumerate(slots)
        ]
        return float((y - torch.stack(wanted)).abs().max())


written = st.tuples(st.just("write"), st.integers(0, SLOTS - 1), st.integers(0, RANK))
asked = st.tuples(st.just("ask"), st.lists(st.integers(0, SLOTS - 1), min_size=1), st.just(0))
settled = st.tuples(st.just("settle"), st.just(0), st.just(0))


@given(acts=st.lists(st.one_of(written, asked, settled), max_size=30), counted=st.booleans())
def test_every_batch_gets_what_its_slots_hold_when_it_asks(
    acts: list[tuple[str, int | list[int], int]], counted: bool
) -> None:
    module = Module()
    for seed, (act, what, rank) in enumerate(acts):
        if act == "write":
            assert isinstance(what, int)
            module.write(what, rank, seed)
        elif act == "settle" and counted:
            module.packing.settle(module.epochs)
        elif isinstance(what, list):
            assert module.off(what, counted=counted) < 1e-4


def test_a_batch_that_does_not_need_the_written_slot_does_not_wait_for_it() -> None:
    module = Module()
    module.write(0, RANK, 1)
    before = module.packing.packed(ALL, module.epochs)
    module.write(1, RANK, 2)

    assert module.packing.packed(frozenset({0}), module.epochs) is before
    assert module.packing.settle(module.epochs)
    assert not module.packing.settle(module.epochs)
    assert module.packing.packed(frozenset({0}), module.epochs) is not before
    assert module.off([0, 1, 1]) < 1e-4


def test_what_a_batch_packed_can_be_kept_up_outside_of_it() -> None:
    module = Module()
    module.write(0, RANK, 1)
    module.write(1, RANK, 2)
    with torch.inference_mode():  # as vLLM runs its steps
        assert module.off([0, 1]) < 1e-4
    module.write(1, RANK, 3)

    assert module.packing.settle(module.epochs)

    with torch.inference_mode():
        assert module.off([0, 1]) < 1e-4
        module.write(0, RANK, 4)  # a slot that vLLM writes in the middle of a step
        assert module.off([0, 1]) < 1e-4


def test_a_write_that_nobody_counted_makes_every_slot_new() -> None:
    module = Module()
    module.write(0, RANK, 1)
    assert module.off([0]) < 1e-4

    module.write(0, RANK, 2, counted=False)

    assert module.off([0]) < 1e-4


def test_what_lasts_is_prepacked_and_what_was_written_since_is_not() -> None:
    made: list[int] = []

    def prepack(weight: torch.Tensor) -> Product:
        made.append(weight.shape[1])
        return plain_product(weight)

    module = Module(prepack)
    module.write(0, RANK, 1)
    for _ in range(LASTING):
        assert module.off([0]) < 1e-4
    assert len(made) == 2

    module.write(0, RANK, 2)
    for _ in range(LASTING - AT_ONCE):
        assert module.off([0]) < 1e-4
    assert len(made) == 2
