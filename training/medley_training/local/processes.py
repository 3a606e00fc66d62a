"""Several processes, one per GPU, that train one adapter together.

`accelerate launch` starts them (https://huggingface.co/docs/accelerate), each calls `train` with
the same arguments, and each ends with the same adapter. The base is held whole by every process; it
is frozen, so per step only the adapter's gradients travel.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from medley_training.data.batches import Batch

if TYPE_CHECKING:
    from accelerate import PartialState
    from torch.nn import Parameter

_WAIT = timedelta(days=30)


class Processes:
    """The processes of one training, seen from one of them.

    Gradients are summed and not averaged: a loss is already divided by the completion tokens of the
    whole step, so the sum is what one process alone would have computed, up to rounding.
    """

    def __init__(self, state: "PartialState") -> None:
        self._state = state

    @classmethod
    def join(cls) -> "Processes | None":
        """The processes that were launched together with this one, or None if it is alone.

        The model belongs on `device` before the training.
        """
        import torch
        from accelerate import PartialState

        # Those that follow wait for the next task, which can be as far away as the next round.
        state = PartialState(cpu=not torch.cuda.is_available(), timeout=_WAIT)
        return cls(state) if state.num_processes > 1 else None

    @property
    def device(self) -> str:
        """Where this process computes."""
        return str(self._state.device)

    @property
    def is_first(self) -> bool:
        """Whether it is for this process to write files and talk to others."""
        return bool(self._state.is_main_process)

    def hand_out(self, value: object) -> None:
        """Give a value to the other processes, which `take` it; only the first one may."""
        from accelerate.utils import broadcast_object_list

        broadcast_object_list([value])

    def take(self) -> Any:
        """Wait for what the first process hands out."""
        from accelerate.utils import broadcast_object_list

        return broadcast_object_list([None])[0]

    def share(self, step: Sequence[Batch]) -> list[Batch]:
        """This process's part of a step: whole batches, or rows of each where they are too few.

        All parts together are the step. A part can be empty.
        """
        index, count = self._state.process_index, self._state.num_processes
        if len(step) >= count:
            return list(step[index::count])
        return [batch[index::count] for batch in step if len(batch) > index]

    def start_alike(self, parameters: "Sequence[Parameter]") -> None:
        """Give every process the first one's values."""
        from accelerate.utils import broadcast

        for parameter in parameters:
            parameter.data.copy_(broadcast(parameter.data.clone()))

    def add_up(self, parameters: "Sequence[Parameter]", loss: float) -> float:
        """Give every process the sum of all gradients; returns the sum of the losses."""
        import torch
        from accelerate.utils import reduce

        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        # One message per step: the adapter's many small tensors would each wait for the network.
        flat = torch.cat([*(each.flatten() for each in gradients), gradients[0].new_tensor([loss])])
        *parts, total = reduce(flat, reduction="sum").split([*map(torch.numel, gradients), 1])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))
        return float(total)
