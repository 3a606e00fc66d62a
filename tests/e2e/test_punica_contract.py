"""Each call vLLM's LoRA layers make on the wrapper, against its definition, row by row."""

from typing import Any

import pytest
import torch

pytestmark = [
    pytest.mark.e2e,
    # Importing vLLM warns of torch's own deprecations.
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning"),
]

ROWS = [1, 0, 2, 2, 0, 1]
"""Adapter ids of the batch's rows; 0 is the base."""

SLOT_IDS = [2, 1, None]
"""Which adapter each slot holds."""

INPUTS, RANK, VOCABULARY = 6, 3, 7


@pytest.fixture
def wrapper() -> Any:
    from medley_server.engine.cpu_lora import MedleyPunicaCPU
    from vllm.lora.layers import LoRAMapping

    wrapper = MedleyPunicaCPU(64, max_batches=16, device=torch.device("cpu"))
    mapping = LoRAMapping(tuple(ROWS), tuple(ROWS), is_prefill=True)
    wrapper.update_metadata(mapping, SLOT_IDS, len(SLOT_IDS) + 1, VOCABULARY)
    return wrapper


def stacked(outputs: int, inputs: int) -> torch.Tensor:
    return torch.randn(len(SLOT_IDS), 1, outputs, inputs)


def slot_of(row: int) -> int | None:
    return SLOT_IDS.index(ROWS[row]) if ROWS[row] else None


def by_rows(y: torch.Tensor, x: torch.Tensor, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """y + x A^T B^T with each row's own adapter; `a` or `b` may be the identity."""
    wanted = y.clone()
    for row in range(len(ROWS)):
        if (slot := slot_of(row)) is not None:
            wanted[row] += x[row] @ a[slot, 0].T @ b[slot, 0].T
    return wanted


def test_linear_layers_with_slices(wrapper: Any) -> None:
    x, y = torch.randn(len(ROWS), INPUTS), torch.randn(len(ROWS), 9)
    a = (stacked(RANK, INPUTS), stacked(RANK, INPUTS))
    b = (stacked(5, RANK), stacked(4, RANK))
    wanted = torch.cat([by_rows(y[:, :5], x, a[0], b[0]), by_rows(y[:, 5:], x, a[1], b[1])], dim=1)

    wrapper.add_lora_linear(y, x, a, b, 1.0, (5, 4))

    assert torch.allclose(y, wanted, atol=1e-5)


def test_a_slot_that_was_rewritten_is_noticed(wrapper: Any) -> None:
    x, a, b = torch.randn(len(ROWS), INPUTS), (stacked(RANK, INPUTS),), (stacked(5, RANK),)
    wrapper.add_lora_linear(torch.zeros(len(ROWS), 5), x, a, b, 1.0, (5,))
    a[0][1].copy_(torch.randn(1, RANK, INPUTS))
    b[0][0] = 0
    y = torch.zeros(len(ROWS), 5)

    wrapper.add_lora_linear(y, x, a, b, 1.0, (5,))

    assert torch.allclose(y, by_rows(torch.zeros(len(ROWS), 5), x, a[0], b[0]), atol=1e-5)


def test_logits_leave_padding_columns_alone(wrapper: Any) -> None:
    x, y = torch.randn(len(ROWS), INPUTS), torch.randn(len(ROWS), VOCABULARY + 2)
    a, b = stacked(RANK, INPUTS), stacked(VOCABULARY, RANK)
    wanted = torch.cat([by_rows(y[:, :VOCABULARY], x, a, b), y[:, VOCABULARY:]], dim=1)

    wrapper.add_lora_logits(y, x, a, b, 1.0)

    assert torch.allclose(y, wanted, atol=1e-5)


def test_embeddings_get_b_alone(wrapper: Any) -> None:
    x, y, b = torch.randn(len(ROWS), RANK), torch.randn(len(ROWS), 5), stacked(5, RANK)
    identity = torch.eye(RANK).expand(len(SLOT_IDS), 1, RANK, RANK)
    wanted = by_rows(y, x, identity, b)

    wrapper.add_lora_embedding(y, x, b, add_input=True)

    assert torch.allclose(y, wanted, atol=1e-5)


def test_shrink_and_expand_are_the_two_halves(wrapper: Any) -> None:
    x, y = torch.randn(len(ROWS), INPUTS), torch.randn(len(ROWS), 9)
    a, b = (stacked(RANK, INPUTS),) * 2, (stacked(5, RANK), stacked(4, RANK))
    wanted = torch.cat([by_rows(y[:, :5], x, a[0], b[0]), by_rows(y[:, 5:], x, a[1], b[1])], dim=1)
    buffers = torch.zeros(2, len(ROWS), RANK)

    wrapper.add_shrink(buffers, x, a, 1.0)
    wrapper.add_expand(y, buffers, b, (5, 4), offset_start=0, add_input=True)

    assert torch.allclose(y, wanted, atol=1e-5)
