"""The arithmetic of several LoRA adapters in one batch, on CPU.

A module's resident adapters are packed side by side into one pair of matrices, `A` (inputs by
columns) and `B` (columns by outputs). A column is one rank of one adapter; only columns that carry
weights are kept. A step then costs four calls per module, whatever the mix of adapters:

    columns = x @ A;  columns[foreign] = 0;  y += columns @ B

where `foreign` (rows by columns) leaves, for each row, the columns of its own adapter, and none for
a row of the base model. Long runs of rows on one adapter (prefill) skip the mask and use their own
columns. Punica (Chen et al. 2023, arXiv 2310.18547) names the problem; this is its dense answer for
few slots.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch

NO_SLOT = -1
"""vLLM's slot number for a row of the base model."""

SHORT_ROWS = 128
"""Up to this many rows a product is all overhead, and a prepacked matrix saves half of it."""

ROW_COLUMNS_PER_RUN = 4096
"""What one more run (two products) costs, in row-columns of a masked product: about 30 us."""

Product = Callable[[torch.Tensor], torch.Tensor]
Prepack = Callable[[torch.Tensor], Product]


def plain_product(weight: torch.Tensor) -> Product:
    """The product with `weight` (inputs by outputs), by torch."""
    return lambda x: torch.mm(x, weight)


@dataclass(frozen=True, slots=True)
class PackedAdapters:
    """All adapters resident in one module.

    Attributes:
        a: (inputs, columns), each adapter's columns adjacent, adapters in slot order.
        b: (columns, outputs), zero outside the column's own output slice.
        slots: the slot of each column, ascending.
        bounds: slot -> (first column, past the last column).
        shrink: the product with `a` for few rows.
        expand: the product with `b` for few rows.
    """

    a: torch.Tensor
    b: torch.Tensor
    slots: tuple[int, ...]
    bounds: dict[int, tuple[int, int]]
    shrink: Product
    expand: Product

    @property
    def widest(self) -> int:
        """Columns of the adapter that has most."""
        return max((end - start for start, end in self.bounds.values()), default=0)


def pack(
    a_stacked: tuple[torch.Tensor, ...],
    b_stacked: tuple[torch.Tensor, ...],
    output_slices: tuple[int, ...],
    dtype: torch.dtype,
    prepack: Prepack = plain_product,
) -> PackedAdapters | None:
    """Packs vLLM's slot tensors, leaving out every column that is zero in A or in B.

    Args:
        a_stacked: per output slice, (slots, 1, rank, inputs).
        b_stacked: per output slice, (slots, 1, outputs of the slice, rank).
        output_slices: outputs of each slice, in the order they lie in the module's output.
        dtype: the dtype of the module's activations.
        prepack: makes the product for few rows from a matrix.

    Returns:
        None if no resident adapter touches this module.
    """
    columns = [
        (slot, piece, rank)
        for slot in range(a_stacked[0].shape[0])
        for piece in range(len(a_stacked))
        for rank in _live_ranks(a_stacked[piece][slot, 0], b_stacked[piece][slot, 0])
    ]
    if not columns:
        return None
    a = torch.empty((a_stacked[0].shape[-1], len(columns)), dtype=dtype)
    b = torch.zeros((len(columns), sum(output_slices)), dtype=dtype)
    for column, (slot, piece, rank) in enumerate(columns):
        start = sum(output_slices[:piece])
        a[:, column] = a_stacked[piece][slot, 0, rank]
        b[column, start : start + output_slices[piece]] = b_stacked[piece][slot, 0, :, rank]
    slots = tuple(slot for slot, _, _ in columns)
    return PackedAdapters(a, b, slots, _bounds(slots), prepack(a), prepack(b))


def _live_ranks(a: torch.Tensor, b: torch.Tensor) -> list[int]:
    live = a.ne(0).any(dim=1) & b.ne(0).any(dim=0)
    return [int(rank) for rank in live.nonzero().flatten()]


def _bounds(slots: tuple[int, ...]) -> dict[int, tuple[int, int]]:
    edges = [0, *(i for i in range(1, len(slots)) if slots[i] != slots[i - 1]), len(slots)]
    return {slots[start]: (start, end) for start, end in pairwise(edges)}


@dataclass(frozen=True, slots=True)
class Run:
    """Adjacent rows of a batch on one slot (or on `NO_SLOT`, the base model)."""

    slot: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class BatchRows:
    """Which slot each row of the batch belongs to, and the masks made from it so far."""

    slots: torch.Tensor
    runs: tuple[Run, ...]
    masks: dict[tuple[int, ...], torch.Tensor]

    @classmethod
    def of(cls, slots: torch.Tensor) -> "BatchRows":
        """Reads the slot of each row, an integer tensor; copies it."""
        values, lengths = torch.unique_consecutive(slots, return_counts=True)
        ends = lengths.cumsum(0).tolist()
        runs = tuple(map(Run, values.tolist(), [0, *ends[:-1]], ends))
        return cls(slots.clone(), runs, {})

    @property
    def adapter_runs(self) -> tuple[Run, ...]:
        """The runs that are on an adapter, not on the base model."""
        return tuple(run for run in self.runs if run.slot != NO_SLOT)

    def foreign(self, packed: PackedAdapters) -> torch.Tensor:
        """(rows, columns): True where the column is not of the row's slot.

        Modules packed alike share one mask, so a step makes it once.
        """
        if (mask := self.masks.get(packed.slots)) is None:
            column_slots = torch.tensor(packed.slots, dtype=self.slots.dtype)
            mask = self.masks[packed.slots] = self.slots.unsqueeze(1).ne(column_slots)
        return mask

    def prefers_runs(self, packed: PackedAdapters) -> bool:
        """Whether a product per run costs less than one masked product over all columns."""
        spared = len(self.slots) * (len(packed.slots) - packed.widest)
        return len(self.runs) * ROW_COLUMNS_PER_RUN < spared


def add_adapters(y: torch.Tensor, x: torch.Tensor, packed: PackedAdapters, rows: BatchRows) -> None:
    """Adds to each row of `y` its own adapter's product; rows of the base model stay as they are.

    Args:
        y: (rows, outputs), changed in place.
        x: (rows, inputs).
        packed: the adapters of this module.
        rows: the adapter of each row.
    """
    if rows.prefers_runs(packed):
        _add_by_runs(y, x, packed, rows)
    elif len(x) <= SHORT_ROWS:
        y.add_(packed.expand(_own(packed.shrink(x), packed, rows)))
    else:
        _add_product(y, _own(torch.mm(x, packed.a), packed, rows), packed.b)


def _own(columns: torch.Tensor, packed: PackedAdapters, rows: BatchRows) -> torch.Tensor:
    # Filled, not multiplied: another adapter's column may have overflowed, and 0 * inf is NaN.
    return columns.masked_fill_(rows.foreign(packed), 0)


def _add_product(y: torch.Tensor, columns: torch.Tensor, b: torch.Tensor) -> None:
    if y.dtype == columns.dtype:
        y.addmm_(columns, b)
    else:  # a layer that answers in float32, such as logits
        y.add_(torch.mm(columns, b))


def _add_by_runs(y: torch.Tensor, x: torch.Tensor, packed: PackedAdapters, rows: BatchRows) -> None:
    for run in rows.adapter_runs:
        if (bounds := packed.bounds.get(run.slot)) is not None:
            first, last = bounds
            columns = torch.mm(x[run.start : run.end], packed.a[:, first:last])
            _add_product(y[run.start : run.end], columns, packed.b[first:last])
