"""AWQ's two searches: how to scale a weight's inputs, and where to clip it, before it is rounded.

They are autoawq 0.2.9's, computed so that a CPU gets them right and in time. Its own search for
scales keeps "copies" of the weights that on a CPU are the weights themselves: every weight comes
out multiplied by the first scales that were tried, and the model answers noise. Its search for
clipping multiplies and sums element by element, for 64 rows at a time.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn

_MOST = 15
"""The largest value of four bits."""
_SCALE_STEPS = 20
_CLIP_STEPS, _CLIP_TOKENS = 10, 512
"""Clipping is tried from the largest weight down to half of it, on so many tokens."""


def quantized(weight: "Tensor", group_size: int) -> "tuple[Tensor, Tensor, Tensor]":
    """The weight rounded to 16 values a group, with its scales and zeros by [out, groups].

    As autoawq computes it, without its checks for NaN, which take as long again on a CPU.
    """
    groups = weight.reshape(-1, group_size)
    largest, smallest = groups.amax(dim=1, keepdim=True), groups.amin(dim=1, keepdim=True)
    scales = (largest - smallest).clamp(min=1e-5) / _MOST
    zeros = (-(smallest / scales).round()).clamp(0, _MOST)
    rounded = (groups / scales).round_().add_(zeros).clamp_(0, _MOST).sub_(zeros).mul_(scales)
    rows = len(weight)
    return rounded.view_as(weight), scales.view(rows, -1), zeros.view(rows, -1)


def best_clip(weight: "Tensor", inputs: "Tensor", group_size: int) -> "Tensor":
    """The largest weight to keep in each group, [out, groups, 1], as autoawq searches for it.

    One product of matrices per group gives the outputs, for any number of rows.
    """
    import torch

    out, into = weight.shape
    groups = into // group_size
    by_group = inputs.reshape(-1, groups, group_size)
    step = max(1, len(by_group) // _CLIP_TOKENS)
    by_group = by_group[::step].to(weight).transpose(0, 1)  # [groups, tokens, size]

    def outputs(candidate: "Tensor") -> "Tensor":
        rows = candidate.reshape(out, groups, group_size).permute(1, 2, 0)
        return torch.bmm(by_group, rows)  # [groups, tokens, out]

    wanted = outputs(weight)
    full = weight.reshape(out, groups, group_size).abs().amax(dim=-1, keepdim=True)
    best, least = full.clone(), torch.full_like(full, torch.inf)
    for tried in range(_CLIP_STEPS):
        limit = full * (1 - tried / (2 * _CLIP_STEPS))
        clipped = weight.reshape(out, groups, group_size).clamp(-limit, limit).reshape(out, into)
        error = (outputs(quantized(clipped, group_size)[0]) - wanted).pow(2).mean(dim=1)
        error = error.T.unsqueeze(-1)
        is_better = error < least
        least[is_better] = error[is_better]
        best[is_better] = limit[is_better]
    return best


def best_scales(
    linears: "Sequence[nn.Linear]",
    weight_means: "Tensor",
    input_means: "Tensor",
    *,
    group_size: int,
    loss: Callable[[], float],
) -> "Tensor":
    """The scale of each input that keeps the outputs of all `linears` best when they are rounded.

    Tried are ``inputs**r / weights**(1 - r)``, for r from 0 towards 1 (arXiv:2306.00978, §3.2).

    Args:
        linears: They read the same inputs; their weights are as before when this returns.
        weight_means: The mean size of each column, relative to its group.
        input_means: The mean size of each input.
        group_size: How many weights share a scale when they are rounded.
        loss: How far the outputs are from the right ones with the weights as they are now.
    """
    import torch

    whole = [linear.weight.data for linear in linears]
    inputs, weights = input_means.flatten(), weight_means.flatten()
    best, least = torch.ones_like(inputs), torch.inf
    try:
        for step in range(_SCALE_STEPS):
            ratio = step / _SCALE_STEPS
            scales = (inputs.pow(ratio) / (weights.pow(1 - ratio) + 1e-4)).clamp(min=1e-4)
            scales = (scales / (scales.max() * scales.min()).sqrt()).nan_to_num(1.0, 1.0)
            for linear, weight in zip(linears, whole, strict=True):
                linear.weight.data = quantized(weight * scales, group_size)[0] / scales
            if (found := loss()) < least:
                best, least = scales, found
    finally:
        for linear, weight in zip(linears, whole, strict=True):
            linear.weight.data = weight
    return best
