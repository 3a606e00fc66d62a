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

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
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
class SlotColumns:
    """One adapter's columns in one module; only those that carry weights.

    Attributes:
        a: (columns, inputs).
        b: (columns, outputs), zero outside the column's own output slice.
    """

    a: torch.Tensor
    b: torch.Tensor


def columns_of(
    slot: int,
    a_stacked: tuple[torch.Tensor, ...],
    b_stacked: tuple[torch.Tensor, ...],
    dtype: torch.dtype,
) -> SlotColumns | None:
    """Reads one of vLLM's slots, leaving out every column that is zero in A or in B.

    Args:
        slot: its number.
        a_stacked: per output slice, (slots, 1, rank, inputs).
        b_stacked: per output slice, (slots, 1, outputs of the slice, rank).
        dtype: the dtype of the module's activations.

    Returns:
        None if the adapter does not touch this module.
    """
    a = [piece[slot, 0] for piece in a_stacked]
    b = [piece[slot, 0] for piece in b_stacked]
    live = [
        (one.ne(0).any(dim=1) & other.ne(0).any(dim=0)).nonzero().flatten()
        for one, other in zip(a, b, strict=True)
    ]
    if not (columns := sum(map(len, live))):
        return None
    placed = torch.zeros((columns, sum(len(piece) for piece in b)), dtype=dtype)
    row = column = 0
    for piece, ranks in zip(b, live, strict=True):
        placed[row : row + len(ranks), column : column + len(piece)] = piece[:, ranks].t()
        row, column = row + len(ranks), column + len(piece)
    chosen = [one[ranks] for one, ranks in zip(a, live, strict=True)]
    return SlotColumns(torch.cat(chosen).to(dtype), placed)


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

    @classmethod
    def of(cls, columns: Mapping[int, SlotColumns | None]) -> "PackedAdapters | None":
        """Puts the columns of slots side by side; None if there are none."""
        chosen = {slot: one for slot, one in sorted(columns.items()) if one is not None}
        if not chosen:
            return None
        a = torch.cat([one.a for one in chosen.values()]).t()
        b = torch.cat([one.b for one in chosen.values()])
        slots = tuple(slot for slot, one in chosen.items() for _ in one.a)
        return cls(a, b, slots, _bounds(slots), plain_product(a), plain_product(b))

    def columns(self) -> dict[int, SlotColumns | None]:
        """What `of` was given."""
        rows = self.a.t()
        return {
            slot: SlotColumns(rows[first:last], self.b[first:last])
            for slot, (first, last) in self.bounds.items()
        }

    def rewritten(self, columns: Mapping[int, SlotColumns | None]) -> "PackedAdapters | None":
        """With other columns of some slots: in place if there are as many as before.

        Memory that is new to a process costs more than what is written into it.
        """
        ends = {slot: self.bounds.get(slot, (0, 0)) for slot in columns}
        counts = {slot: 0 if one is None else len(one.a) for slot, one in columns.items()}
        if any(last - first != counts[slot] for slot, (first, last) in ends.items()):
            return PackedAdapters.of(self.columns() | dict(columns))
        for slot, one in columns.items():
            if one is not None:
                first, last = ends[slot]
                self.a[:, first:last] = one.a.t()
                self.b[first:last] = one.b
        return replace(self, shrink=plain_product(self.a), expand=plain_product(self.b))

    def prepacked(self, prepack: Prepack) -> "PackedAdapters":
        """The same with faster products for few rows."""
        return replace(self, shrink=prepack(self.a), expand=prepack(self.b))

    @property
    def widest(self) -> int:
        """Columns of the adapter that has most."""
        return max((end - start for start, end in self.bounds.values()), default=0)


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
    """Which slot each row of a batch belongs to, and the masks made from it so far.

    Attributes:
        slots: of each row.
        runs: the same, shorter.
        used: every slot with a row.
        masks: see `foreign`.
    """

    slots: torch.Tensor
    runs: tuple[Run, ...]
    used: frozenset[int]
    masks: dict[tuple[int, ...], torch.Tensor]

    @classmethod
    def of(cls, slots: torch.Tensor) -> "BatchRows":
        """Reads the slot of each row, an integer tensor; copies it."""
        values, lengths = torch.unique_consecutive(slots, return_counts=True)
        ends = lengths.cumsum(0).tolist()
        runs = tuple(map(Run, values.tolist(), [0, *ends[:-1]], ends))
        return cls(slots.clone(), runs, frozenset(run.slot for run in runs) - {NO_SLOT}, {})

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
