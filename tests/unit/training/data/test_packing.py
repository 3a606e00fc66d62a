from collections.abc import Callable, Sequence
from functools import partial
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medley_training.data.formatting import IGNORED_LABEL, TokenizedExample
from medley_training.data.packing import PackedRow, pack, packed_loss
from medley_training.local.determinism import reproducible
from medley_training.local.loss import completion_loss

from tests.unit.training.tiny_base import VOCABULARY, tiny_base

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel


def _examples(lengths: list[int]) -> list[TokenizedExample]:
    return [TokenizedExample((n,) * length, (n,) * length) for n, length in enumerate(lengths)]


def _varied(count: int) -> list[TokenizedExample]:
    random = Random(3)
    return [
        TokenizedExample(tokens, (IGNORED_LABEL, *tokens[1:]))
        for tokens in (
            tuple(random.randrange(VOCABULARY) for _ in range(random.randint(2, 12)))
            for _ in range(count)
        )
    ]


@given(
    lengths=st.lists(st.integers(1, 50), max_size=40),
    max_tokens=st.integers(1, 120),
    seed=st.integers(0, 9),
)
def test_every_example_is_in_one_row_that_fits(
    lengths: list[int], max_tokens: int, seed: int
) -> None:
    examples = _examples(lengths)

    rows = pack(examples, Random(seed), max_tokens=max_tokens)

    packed = [example for row in rows for example in row.examples]
    assert sorted(each.input_ids for each in packed) == sorted(e.input_ids for e in examples)
    for row in rows:
        assert len(row) <= max_tokens or len(row.examples) == 1


@given(lengths=st.lists(st.integers(1, 60), min_size=1, max_size=40), seed=st.integers(0, 9))
def test_no_two_rows_would_fit_into_one(lengths: list[int], seed: int) -> None:
    rows = pack(_examples(lengths), Random(seed), max_tokens=60)

    shortest = sorted(map(len, rows))[:2]
    assert len(shortest) == 1 or sum(shortest) > 60


def test_positions_start_again_and_no_first_token_is_learnt() -> None:
    row = PackedRow((TokenizedExample((5, 6, 7), (5, 6, 7)), TokenizedExample((8, 9), (-100, 9))))

    assert row.input_ids == (5, 6, 7, 8, 9)
    assert row.position_ids == (0, 1, 2, 0, 1)
    assert row.labels == (-100, 6, 7, -100, 9)
    assert row.num_completion_tokens == 3


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_the_packed_loss_and_gradients_are_the_unpacked_ones(attention: str) -> None:
    model = tiny_base()
    model.set_attn_implementation(attention)
    examples = _varied(9)
    rows = pack(examples, Random(1), max_tokens=40)
    assert max(len(row.examples) for row in rows) > 2

    packed, packed_gradients = _trained(model, [partial(packed_loss, row=row) for row in rows])
    alone, gradients = _trained(
        model, [partial(completion_loss, batch=(each,), pad_token_id=0) for each in examples]
    )

    assert packed == pytest.approx(alone, rel=1e-6)
    for one, other in zip(gradients, packed_gradients, strict=True):
        assert (one - other).abs().max() < 1e-5


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_an_example_does_not_see_the_one_before_it(attention: str) -> None:
    model = tiny_base()
    model.set_attn_implementation(attention)
    example, *others = _varied(3)
    silent = [TokenizedExample(each.input_ids, (IGNORED_LABEL,) * len(each)) for each in others]

    alone, *behind = (
        float(packed_loss(model, PackedRow((*before, example))).detach())
        for before in ((), (silent[0],), (silent[1],), tuple(silent))
    )

    assert behind == pytest.approx([alone] * 3, rel=1e-6)


def _trained(
    model: "PreTrainedModel", losses: Sequence[Callable[..., "Tensor"]]
) -> "tuple[float, list[Tensor]]":
    model.zero_grad()
    with reproducible(0, threads=1):
        total = sum(loss(model) for loss in losses)
        total.backward()
    return float(total.detach()), [each.grad.clone() for each in model.parameters()]
