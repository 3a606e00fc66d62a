"""What is packed of one module's slots, kept up with what vLLM writes into them.

Packing everything anew after each load stopped all requests for 200 ms and more (six adapters of
rank 8 on a base of 135M). So only a slot that was written is read again, and only once a row needs
it or there is time.
"""

import torch

from medley_server.engine.packed_lora import PackedAdapters, Prepack, columns_of

Epochs = tuple[int, ...]
"""How often each slot was written."""

LASTING = 32
"""After so many batches a pack is worth prepacking, which costs what it saves in as many."""

AT_ONCE = 4
"""Modules that prepack in the same batch."""


class PackedModule:
    """The slots of one module, as vLLM keeps them and as `PackedAdapters`."""

    def __init__(
        self,
        a_stacked: tuple[torch.Tensor, ...],
        b_stacked: tuple[torch.Tensor, ...],
        dtype: torch.dtype,
        prepack: Prepack,
        *,
        place: int,
    ) -> None:
        """Takes the slots.

        Args:
            a_stacked: see `columns_of`.
            b_stacked: see `columns_of`.
            dtype: the dtype of the module's activations.
            prepack: makes the product for few rows from a matrix.
            place: among the modules, of which few prepack in the same batch.
        """
        self._a, self._b = a_stacked, b_stacked
        self._dtype = dtype
        self._prepack = prepack
        self._writes: int | None = None
        self._epochs: Epochs | None = None
        self._packed: PackedAdapters | None = None
        self._place = place
        self._batches = 0

    def packed(self, used: frozenset[int], epochs: Epochs | None) -> PackedAdapters | None:
        """What answers the rows of a batch.

        Args:
            used: the slots that its rows belong to.
            epochs: of all slots; None where nobody counts, and any write may be to any slot.

        Returns:
            None if no adapter touches this module.
        """
        stale = self._stale(epochs)
        if stale and (epochs is None or not stale.isdisjoint(used)):
            self._repack(stale, epochs)
        self._batches += 1
        if self._batches == LASTING + self._place // AT_ONCE and self._packed is not None:
            self._packed = self._packed.prepacked(self._prepack)
        return self._packed

    def settle(self, epochs: Epochs) -> bool:
        """Packs what no batch has needed yet; False if that is nothing."""
        stale = self._stale(epochs)
        if stale:
            self._repack(stale, epochs)
        return bool(stale)

    def _stale(self, epochs: Epochs | None) -> set[int]:
        # vLLM writes a slot in place; torch counts such writes.
        if self._count() == self._writes:
            return set()
        everything = set(range(len(self._a[0])))
        if epochs is None or self._epochs is None:
            return everything
        written = {slot for slot in everything if epochs[slot] != self._epochs[slot]}
        return written or everything

    def _count(self) -> int:
        return sum(tensor._version for tensor in (*self._a, *self._b))

    def _repack(self, stale: set[int], epochs: Epochs | None) -> None:
        writes, before = self._count(), self._packed
        with torch.inference_mode():  # as in vLLM's steps, outside of which their work stays as is
            columns = {slot: columns_of(slot, self._a, self._b, self._dtype) for slot in stale}
            self._packed = before.rewritten(columns) if before else PackedAdapters.of(columns)
        self._writes, self._epochs = writes, epochs  # last: what fails is packed again
        self._batches = 0
