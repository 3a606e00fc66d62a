from random import Random

from hypothesis import given
from hypothesis import strategies as st
from medley_training.data.batches import batches_by_length
from medley_training.data.formatting import TokenizedExample


def _examples(lengths: list[int]) -> list[TokenizedExample]:
    return [
        TokenizedExample(input_ids=(index,) * length, labels=(index,) * length)
        for index, length in enumerate(lengths)
    ]


@given(
    lengths=st.lists(st.integers(1, 50), max_size=40),
    max_tokens=st.integers(1, 200),
    seed=st.integers(0, 9),
)
def test_every_example_is_in_one_batch_that_fits(
    lengths: list[int], max_tokens: int, seed: int
) -> None:
    examples = _examples(lengths)

    batches = batches_by_length(examples, Random(seed), max_tokens=max_tokens)

    batched = [example for batch in batches for example in batch]
    assert sorted(example.input_ids for example in batched) == sorted(
        example.input_ids for example in examples
    )
    for batch in batches:
        padded = len(batch) * max(len(example) for example in batch)
        assert padded <= max_tokens or len(batch) == 1


def test_the_same_seed_gives_the_same_order() -> None:
    examples = _examples([5, 1, 5, 3, 5, 2, 4])

    first = batches_by_length(examples, Random(3), max_tokens=10)

    assert batches_by_length(examples, Random(3), max_tokens=10) == first
    assert batches_by_length(examples, Random(4), max_tokens=10) != first
