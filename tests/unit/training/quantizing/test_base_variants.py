"""NF4 and AWQ of a tiny base, from the plan to the registry."""

import json
from pathlib import Path

import pytest
from medley_registry import BaseModel
from medley_training.quantizing.autoawq import AutoAwq
from medley_training.quantizing.awq_settings import AwqSettings
from medley_training.quantizing.maker import Maker
from medley_training.quantizing.making import make_base
from medley_training.quantizing.nf4 import Nf4

from tests.unit.training.quantizing.conftest import Stock

pytestmark = pytest.mark.slow

SMALL = AwqSettings(samples=2, tokens=32)
MAKERS: dict[str, Maker] = {"nf4": Nf4(), "awq": AutoAwq(SMALL)}


def _make(stock: Stock, maker: Maker, name: str) -> BaseModel:
    return make_base(
        stock.registry,
        stock.base,
        maker,
        name=name,
        folder=stock.home / "bases" / name,
        actor="test",
        progress=lambda done, total: None,
    )


@pytest.mark.parametrize("method", MAKERS)
def test_a_variant_is_a_base_of_its_own_that_takes_the_same_adapters(
    stock: Stock, method: str
) -> None:
    made = _make(stock, MAKERS[method], f"tiny-{method}")

    assert made.derived_from == stock.base.base_id
    assert made.base_id != stock.base.base_id
    assert dict(made.module_shapes) == dict(stock.base.module_shapes)
    assert "lm_head" in made.module_shapes
    assert made.tokenizer_digest == stock.base.tokenizer_digest
    assert made.chat_template_digest == stock.base.chat_template_digest


@pytest.mark.parametrize("method", MAKERS)
def test_the_recipe_tells_tool_settings_error_and_size(stock: Stock, method: str) -> None:
    recipe = _make(stock, MAKERS[method], f"tiny-{method}").recipe

    assert recipe is not None
    assert recipe["method"] == method
    assert str(recipe["tool"]).split()[0] == {"nf4": "bitsandbytes", "awq": "autoawq"}[method]
    error = recipe["weight_error"]
    assert isinstance(error, dict)
    assert error["modules"] == 14
    assert 0.05 < float(str(error["mean"])) <= float(str(error["max"])) < 0.3
    assert int(str(recipe["bytes_after"])) < int(str(recipe["bytes_before"]))


def test_the_calibration_is_known_by_its_content(stock: Stock, tmp_path: Path) -> None:
    texts = tmp_path / "texts.jsonl"
    rows = [{"text": "warm and dry. " * 40}, {"messages": _chat("pain", "since Monday")}]
    texts.write_text("".join(json.dumps(row) + "\n" for row in rows))
    settings = AwqSettings(file=texts, samples=2, tokens=32)

    before = AutoAwq(settings).plan(stock.base)["calibration"]
    texts.write_text(texts.read_text().replace("dry", "wet"))
    after = AutoAwq(settings).plan(stock.base)["calibration"]

    assert isinstance(before, dict)
    assert isinstance(after, dict)
    assert before["digest"] != after["digest"]
    assert {key: before[key] for key in ("source", "samples", "tokens")} == {
        "source": "texts.jsonl",
        "samples": 2,
        "tokens": 32,
    }


def test_the_same_again_gives_what_is_there(stock: Stock) -> None:
    first = _make(stock, Nf4(), "tiny-nf4")

    again = _make(stock, Nf4(), "tiny-nf4")

    assert again == first


def _chat(question: str, answer: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
