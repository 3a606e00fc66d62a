from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medley_training.compression.codec import codec
from medley_training.compression.contribution_file import ContributionFile, write_contribution
from medley_training.compression.deltas import encode
from medley_training.factors import adapter_of, tensors_of

from tests.unit.training.compression.adapters import SHAPE, drawn_tensors, start_tensors

LOSSY = ("bf16", "int8", "nf4", "nf4:f16", "topk:0.1")


@pytest.mark.parametrize("name", LOSSY)
@settings(max_examples=3)
@given(seed=st.integers(0, 2**16))
def test_what_arrives_over_the_rounds_converges_to_what_was_learnt(
    tmp_path_factory: pytest.TempPathFactory, name: str, seed: int
) -> None:
    """Each round's start is the last contribution, as with a single site."""
    folder = tmp_path_factory.mktemp("rounds")
    start, feedback = start_tensors(), None
    learnt = dict.fromkeys(start, 0.0)
    origin, gaps = start, []
    for number in range(20):
        step = drawn_tensors(seed + number, scale=1e-2)
        trained = {tensor: start[tensor] + step[tensor] for tensor in start}
        learnt = {tensor: learnt[tensor] + step[tensor] for tensor in start}
        path = folder / f"{number}.safetensors"
        feedback = write_contribution(path, trained, start, name, feedback)
        start = dict(tensors_of(ContributionFile(path, adapter_of(start, SHAPE), SHAPE, name)))
        gap = _norm({t: origin[t] + learnt[t] - start[t] for t in start})
        assert feedback is not None
        assert gap == pytest.approx(_norm(feedback), rel=1e-3, abs=1e-4)
        gaps.append(gap / _norm(learnt))

    # Bounded feedback under a growing sum: the last rounds' share is below the first ones'.
    assert gaps[-1] < max(0.75 * gaps[0], 1e-4)


def test_without_feedback_a_small_number_never_arrives() -> None:
    import torch

    name, delta = "base_model.model.m.lora_B.weight", torch.tensor([[1.0, 0.3]])
    found, feedback, arrived, forgetful = codec("topk:0.5"), None, torch.zeros(2), torch.zeros(2)
    for _ in range(30):
        payload, feedback = encode({name: delta}, found, feedback)
        arrived += found.decode(
            {part.removeprefix("lora_B."): tensor for part, tensor in payload.items()}, 2
        )
        forgetful += found.decode(found.encode(delta.flatten()), 2)

    assert forgetful.tolist() == [30.0, 0.0]
    torch.testing.assert_close(arrived / 30, delta.flatten(), rtol=0, atol=0.05)


def test_what_is_not_sent_waits_until_its_factor_is_trained_again() -> None:
    deltas = drawn_tensors(1)
    found = codec("nf4")
    a = {name: delta for name, delta in deltas.items() if ".lora_A." in name}
    b = {name: delta for name, delta in deltas.items() if ".lora_B." in name}

    _, after_a = encode(a, found, None)
    _, after_b = encode(b, found, after_a)

    assert after_b.keys() == deltas.keys()
    for name in a:
        assert after_b[name].equal(after_a[name])


def _norm(tensors: Mapping[str, Any]) -> float:
    import torch

    return float(torch.cat([tensor.flatten() for tensor in tensors.values()]).norm())
