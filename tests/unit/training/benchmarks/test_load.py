"""Loads: arrivals, prompts, what is refused."""

import json
from pathlib import Path

import pytest
from medley_training.benchmarks.load import Load, LoadKind
from medley_training.benchmarks.plan import loads, parse_variants
from medley_training.benchmarks.prompts import Vocabulary
from medley_training.errors import BadLoad


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.json").write_text(json.dumps({"vocab_size": 50}))
    added = [{"id": 0, "content": "<end>"}, {"id": 3, "content": "<image>"}]
    (tmp_path / "tokenizer.json").write_text(json.dumps({"added_tokens": added}))
    return tmp_path


def test_arrivals_are_a_poisson_process_that_the_seed_decides() -> None:
    load = Load(kind=LoadKind.OPEN, rate_per_s=5, requests=4000, seed=3)

    due = load.due_s(0)

    gaps = [after - before for before, after in zip([0.0, *due], due, strict=False)]
    mean = sum(gaps) / len(gaps)
    spread = (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5
    assert due == sorted(due) == load.due_s(0) != load.due_s(1)
    assert mean == pytest.approx(1 / 5, rel=0.05)
    assert spread == pytest.approx(mean, rel=0.05)  # an exponential's are equal


def test_all_requests_of_a_closed_load_are_due_at_once() -> None:
    assert Load(requests=3).due_s(0) == [0.0, 0.0, 0.0]


def test_prompts_have_the_length_and_no_token_that_means_something(folder: Path) -> None:
    load = Load(input_tokens=20, requests=30)

    prompts = Vocabulary(folder).prompts(load, 0)

    assert [len(prompt) for prompt in prompts] == [20] * 30
    assert {0, 3} & {token for prompt in prompts for token in prompt} == set()
    assert len({tuple(prompt) for prompt in prompts}) == 30
    assert prompts == Vocabulary(folder).prompts(load, 0) != Vocabulary(folder).prompts(load, 1)


def test_with_a_prefix_cache_prompts_share_their_first_half(folder: Path) -> None:
    load = Load(input_tokens=20, requests=5, shares_prefix=True)

    first, second = (Vocabulary(folder).prompts(load, repeat) for repeat in (0, 1))

    assert {tuple(prompt[:10]) for prompt in [*first, *second]} == {tuple(first[0][:10])}
    assert len({tuple(prompt) for prompt in [*first, *second]}) == 10


@pytest.mark.parametrize(
    "wrong",
    [
        {"rate_per_s": 3.0},
        {"kind": LoadKind.OPEN},
        {"kind": LoadKind.OPEN, "rate_per_s": 0.0},
        {"concurrency": 0},
        {"output_tokens": 0},
    ],
)
def test_a_load_that_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(BadLoad):
        Load(**wrong)  # type: ignore[arg-type]


def test_the_digest_covers_everything_that_decides_the_load() -> None:
    seen = {load.digest for load in (Load(), Load(seed=1), Load(requests=9), Load(concurrency=2))}

    assert len(seen) == 4


def test_a_quick_run_is_a_smaller_load_unless_its_size_is_given() -> None:
    def made(**more: object) -> tuple[Load, ...]:
        given: dict[str, object] = {
            "kind": LoadKind.CLOSED,
            "concurrency": "1,8",
            "rate_per_s": None,
            "input_tokens": None,
            "output_tokens": None,
            "requests": None,
            "seed": 0,
            "shares_prefix": False,
            "is_quick": False,
        }
        return loads(**given | more)  # type: ignore[arg-type]

    whole, quick = made(), made(is_quick=True)

    assert [load.requests for load in whole] == [4, 16]
    assert [load.requests for load in quick] == [2, 8]
    assert quick[0].total_tokens < whole[0].total_tokens
    assert made(is_quick=True, input_tokens=99)[0].input_tokens == 99


@pytest.mark.parametrize("text", ["int8", "bf16,bf16", "", "merged"])
def test_variants_that_no_server_starts_with_are_refused(text: str) -> None:
    with pytest.raises(BadLoad, match="--variants"):
        parse_variants(text)
