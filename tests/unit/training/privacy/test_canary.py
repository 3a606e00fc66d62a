import math
from collections.abc import Sequence

import pytest
from medley_training.data.examples import Example
from medley_training.privacy.canary import Canary, canaries, canary_examples, exposure


def _completion(example: Example) -> str:
    return example.messages[-1].content


def test_canaries_are_the_same_for_a_seed_and_differ_from_each_other() -> None:
    found = canaries(50, seed=3)

    assert found == canaries(50, seed=3)
    assert not {canary.secret for canary in found} & {c.secret for c in canaries(50, seed=4)}
    assert len({canary.patient for canary in found}) == 50
    assert len({canary.secret for canary in found}) == 50


def test_each_canary_is_there_as_often_as_asked() -> None:
    examples = canary_examples(4, repeats=3, seed=1)

    assert len(examples) == 12
    for canary in canaries(4, seed=1):
        assert examples.count(canary.example()) == 3


def test_a_secret_is_written_in_groups_with_its_zeros() -> None:
    assert "000 012 345" in _completion(Canary("C-0001", 12_345).example())
    assert "999 999 999" in _completion(Canary("C-0001", 12_345).example(999_999_999))


def test_a_model_that_knows_the_secret_exposes_all_the_bits_there_are() -> None:
    canary = canaries(1, seed=1)[0]
    known = _completion(canary.example())

    def losses(examples: Sequence[Example]) -> list[float]:
        return [0.1 if _completion(example) == known else 9.0 for example in examples]

    assert exposure(canary, losses, alternatives=1023, seed=5) == 10


def test_a_model_that_finds_the_secret_least_likely_exposes_nothing() -> None:
    canary = canaries(1, seed=1)[0]
    known = _completion(canary.example())

    def losses(examples: Sequence[Example]) -> list[float]:
        return [9.0 if _completion(example) == known else 0.1 for example in examples]

    assert exposure(canary, losses, alternatives=255, seed=5) == 0


def test_a_model_that_knows_nothing_exposes_a_bit_and_a_half_on_average() -> None:
    """Losses by a digest of the text: any order of the secrets is as likely."""
    import hashlib

    def losses(examples: Sequence[Example]) -> list[float]:
        return [
            float(int.from_bytes(hashlib.sha256(_completion(e).encode()).digest()[:6], "big"))
            for e in examples
        ]

    found = [exposure(c, losses, alternatives=127, seed=c.secret) for c in canaries(200, seed=2)]

    assert sum(found) / len(found) == pytest.approx(math.log2(math.e), abs=0.4)


def test_a_model_that_cannot_tell_secrets_apart_exposes_a_bit() -> None:
    def losses(examples: Sequence[Example]) -> list[float]:
        return [1.0] * len(examples)

    canary = canaries(1, seed=1)[0]
    assert exposure(canary, losses, alternatives=999, seed=1) == pytest.approx(1, abs=0.01)


def test_the_secret_itself_is_never_among_the_alternatives() -> None:
    seen: list[Example] = []

    def losses(examples: Sequence[Example]) -> list[float]:
        seen.extend(examples)
        return [0.0] * len(examples)

    canary = Canary("C-0000", 0)
    exposure(canary, losses, alternatives=300, seed=1)

    assert len(seen) == 301
    assert seen.count(canary.example()) == 1
    assert len({_completion(example) for example in seen}) == 301
