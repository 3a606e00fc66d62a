"""Encoding what changed, with error feedback: what could not be sent is added to the next change.

The sum of what the receiver decodes over the rounds then differs from the sum of the true changes
by the last round's feedback alone, however coarse the codec (Karimireddy et al., "Error Feedback
Fixes SignSGD", arXiv:1901.09847).
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from medley_training.compression.codec import Codec
from medley_training.compression.layout import Layout
from medley_training.compression.payload_file import torch_dtype

if TYPE_CHECKING:
    from torch import Tensor


def encode(
    deltas: "Mapping[str, Tensor]", codec: Codec, feedback: "Mapping[str, Tensor] | None"
) -> "tuple[dict[str, Tensor], dict[str, Tensor]]":
    """Encode what changed since the start.

    Args:
        deltas: By tensor, float32, finite. All modules of a factor, or none.
        codec: How.
        feedback: What the last call returned; a tensor that is not in it has none.

    Returns:
        The tensors to write, and the new feedback: also for tensors that were not sent this time.
    """
    import torch

    layout = Layout({name: tuple(delta.shape) for name, delta in deltas.items()}, codec)
    dtypes = {name: torch_dtype(text) for name, text in layout.dtypes.items()}
    payload = {
        name: torch.empty(length, dtype=dtypes[name]) for name, length in layout.lengths.items()
    }
    rest = dict(feedback or {})
    for name, delta in deltas.items():
        wanted = delta + rest[name] if name in rest else delta
        parts = codec.encode(wanted.flatten())
        sent = {}
        for part, place in layout.places(name).items():
            sent[part] = payload[place.name][place.begin : place.begin + place.count]
            sent[part].copy_(parts[part])
        rest[name] = wanted - codec.decode(sent, wanted.numel()).view(wanted.shape)
    return payload, rest
