"""The packed arithmetic against its definition: y + x A^T B^T, with each row's own adapter."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from medley_server.engine.packed_lora import BatchRows, PackedAdapters, add_adapters, columns_of

INPUTS, RANK, SLOTS = 6, 3, 4
SLICES = (5, 2)

Stacked = tuple[tuple[torch.Tensor, ...], tuple[torch.Tensor, ...]]


def stacked(seed: int, empty: set[int]) -> Stacked:
    """vLLM's slot tensors; the slots in `empty` hold nothing."""
    generator = torch.Generator().manual_seed(seed)
    keep = torch.tensor([slot not in empty for slot in range(SLOTS)]).view(-1, 1, 1, 1)
    a = tuple(torch.randn(SLOTS, 1, RANK, INPUTS, generator=generator) * keep for _ in SLICES)
    b = tuple(torch.randn(SLOTS, 1, out, RANK, generator=generator) * keep for out in SLICES)
    return a, b


def packed_all(
    a: tuple[torch.Tensor, ...], b: tuple[torch.Tensor, ...], dtype: torch.dtype = torch.float32
) -> PackedAdapters | None:
    return PackedAdapters.of({slot: columns_of(slot, a, b, dtype) for slot in range(SLOTS)})


def expected(
    y: torch.Tensor,
    x: torch.Tensor,
    slots: list[int],
    a: tuple[torch.Tensor, ...],
    b: tuple[torch.Tensor, ...],
) -> torch.Tensor:
    rows = []
    for row, slot in enumerate(slots):
        if slot < 0:
            rows.append(y[row])
        else:
            parts = [x[row] @ a[i][slot, 0].T @ b[i][slot, 0].T for i in range(len(SLICES))]
            rows.append(y[row] + torch.cat(parts))
    return torch.stack(rows)


@given(
    slots=st.lists(st.integers(-1, SLOTS - 1), min_size=1, max_size=40),
    repeats=st.sampled_from([1, 7, 400]),
    empty=st.sets(st.integers(0, SLOTS - 1)),
    seed=st.integers(0, 99),
)
def test_each_row_gets_its_own_adapter_and_the_base_rows_none(
    slots: list[int], repeats: int, empty: set[int], seed: int
) -> None:
    rows = [slot for slot in slots for _ in range(repeats)]
    a, b = stacked(seed, empty)
    x = torch.randn(len(rows), INPUTS)
    y = torch.randn(len(rows), sum(SLICES))
    wanted = expected(y, x, rows, a, b)

    packed = packed_all(a, b)
    if packed is not None:
        add_adapters(y, x, packed, BatchRows.of(torch.tensor(rows)))

    assert torch.allclose(y, wanted, atol=1e-4)


def test_a_row_of_the_base_model_is_not_changed_by_one_bit() -> None:
    a, b = stacked(1, set())
    x, y = torch.randn(2, INPUTS), torch.randn(2, sum(SLICES))
    before = y.clone()
    packed = packed_all(a, b)
    assert packed is not None

    add_adapters(y, x, packed, BatchRows.of(torch.tensor([-1, 2])))

    assert torch.equal(y[0], before[0])
    assert not torch.equal(y[1], before[1])


def test_an_adapter_that_overflows_reaches_no_other_row() -> None:
    a, b = stacked(1, set())
    a[0][3] = torch.finfo(torch.float32).max
    x, y = torch.full((2, INPUTS), 9.0), torch.zeros(2, sum(SLICES))
    packed = packed_all(a, b)
    assert packed is not None

    add_adapters(y, x, packed, BatchRows.of(torch.tensor([1, -1])))

    assert y.isfinite().all()


@pytest.mark.parametrize("rows", [3, 300])
def test_a_layer_that_answers_in_float32_takes_bfloat16_inputs(rows: int) -> None:
    a, b = stacked(1, set())
    x, y = torch.randn(rows, INPUTS, dtype=torch.bfloat16), torch.zeros(rows, sum(SLICES))
    slots = [row % SLOTS for row in range(rows)]
    packed = packed_all(a, b, torch.bfloat16)
    assert packed is not None
    wanted = expected(torch.zeros_like(y), x.float(), slots, a, b)

    add_adapters(y, x, packed, BatchRows.of(torch.tensor(slots)))

    assert torch.allclose(y, wanted, atol=0.5, rtol=0.1)


def test_a_module_no_adapter_touches_packs_to_nothing() -> None:
    a, b = stacked(1, set(range(SLOTS)))

    assert packed_all(a, b) is None


def test_only_ranks_with_weights_become_columns() -> None:
    a, b = stacked(1, {0, 1, 3})
    a[0][2, 0, 1] = 0
    b[1][2, 0, :, 2] = 0

    packed = packed_all(a, b)

    assert packed is not None
    assert packed.slots == (2,) * (2 * RANK - 2)


def test_long_runs_are_multiplied_one_by_one_and_short_ones_together() -> None:
    a, b = stacked(1, set())
    packed = packed_all(a, b)
    assert packed is not None

    mixed = BatchRows.of(torch.arange(16) % SLOTS)
    prefill = BatchRows.of(torch.arange(SLOTS).repeat_interleave(700))

    assert not mixed.prefers_runs(packed)
    assert prefill.prefers_runs(packed)
