"""Recipes: what may be left out, what is refused and how that is told, and what they are called."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medley_training.errors import RecipeError
from medley_training.local.lora import LoraShape
from medley_training.recipe import Recipe
from medley_training.recipe_file import built_in_recipes, load_recipe, parse_recipe

LEAST = """
name = "town"
adapter = "town"
rounds = 3

[base]
name = "tiny"

[sites]
names = ["north", "east"]

[data]
source = "demo_notes"
"""
FULL = """
seed = 11
codec = "topk:0.1"

[strategy]
name = "trimmed_mean"
weights = "equal"
options = { share = 0.2 }

[lora]
rank = 4
alpha = 8
ranks = { east = 2 }
"""


def least(**changes: Any) -> dict[str, Any]:
    """The least recipe with some sections and values changed; None leaves one out."""
    value = {**tomllib.loads(LEAST), **changes}
    return {name: found for name, found in value.items() if found is not None}


def flaw(text: str, **changes: object) -> str:
    with pytest.raises(RecipeError) as caught:
        parse_recipe(text, name="town.toml", **changes)
    return str(caught.value)


def test_most_of_a_recipe_can_be_left_out() -> None:
    recipe = parse_recipe(LEAST, name="town.toml")

    assert recipe.strategy.name == "stacking"
    assert recipe.strategy.weights == "samples"
    assert recipe.lora.shape() == LoraShape(rank=8, alpha=16, target_modules=("q_proj", "v_proj"))
    assert (recipe.codec, recipe.privacy.mechanism) == ("none", "none")
    assert (recipe.sites.min_contributions, recipe.sites.deadline_s) == (1, None)
    assert recipe.sites.names == ("east", "north")


def test_what_is_left_out_is_part_of_the_digest() -> None:
    spelled_out = parse_recipe(LEAST, name="town.toml").to_json()

    assert Recipe.model_validate(spelled_out).digest == Recipe.model_validate(least()).digest
    assert spelled_out["training"]["learning_rate"] == 1e-3


SPELLED_OUT = Recipe.model_validate(
    least(**tomllib.loads(FULL), training={"learning_rate": 2e-3, "max_steps": 5})
)


def shuffled(value: Any, draw: st.DataObject) -> Any:
    """The same JSON with its members in another order."""
    if not isinstance(value, dict):
        return value
    names = draw.draw(st.permutations(sorted(value)))
    return {name: shuffled(value[name], draw) for name in names}


@given(draw=st.data())
def test_the_order_of_members_does_not_change_the_digest(draw: st.DataObject) -> None:
    again = Recipe.model_validate(shuffled(SPELLED_OUT.to_json(), draw))

    assert again.digest == SPELLED_OUT.digest
    assert again == SPELLED_OUT


def test_the_order_of_sites_does_not_change_the_digest() -> None:
    crossed = Recipe.model_validate(least(sites={"names": ["east", "north"]}))

    assert crossed.digest == Recipe.model_validate(least()).digest


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 8},
        {"rounds": 4},
        {"codec": "int8"},
        {"lora": {"rank": 4}},
        {"checks": {"max_norm": 10.0}},
        {"strategy": {"options": {"rank": 8}}},
        {"sites": {"names": ["east", "west"]}},
    ],
)
def test_whatever_changes_the_result_changes_the_digest(changes: dict[str, Any]) -> None:
    assert Recipe.model_validate(least(**changes)).digest != Recipe.model_validate(least()).digest


def test_values_can_be_given_in_place_of_the_files() -> None:
    assert parse_recipe(LEAST, name="town.toml", seed=11).seed == 11


@pytest.mark.parametrize("name", built_in_recipes())
def test_the_built_in_recipes_can_be_used(name: str) -> None:
    recipe = load_recipe(name)

    assert recipe.name == name
    assert Recipe.model_validate(recipe.to_json()).digest == recipe.digest


def test_the_built_in_recipes_are_for_the_bases_that_they_are_called_after() -> None:
    assert {"smoke", "smollm2-135m", "qwen3-1.7b", "qwen3-8b", "llama-3.1-8b"} <= {
        *built_in_recipes()
    }
    mistral = load_recipe("mistral-7b-instruct-v0.2").lora
    assert (mistral.rank, mistral.target_modules) == (8, ("q_proj", "v_proj"))
    assert load_recipe("qwen2.5-vl-7b").lora.rank == 64


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"adapter": "Our Town"}, "adapter: "),
        ({"rounds": 0}, "rounds: Input should be greater than or equal to 1"),
        ({"rounds": 2.5}, "rounds: Input should be a valid integer"),
        ({"seed": -1}, "seed: Input should be greater than or equal to 0"),
        ({"round": 3}, "round: there is no such key"),
        ({"lora": {"r": 8}}, "lora.r: there is no such key"),
        ({"lora": {"target_modules": []}}, "lora.target_modules: Tuple should have at least 1"),
        ({"lora": {"ranks": {"west": 1}}}, "lora.ranks names 'west', which is no site"),
        ({"lora": {"ranks": {"east": 9}}}, "lora.ranks: east must have 1 to 8"),
        ({"lora": {"ranks": {"east": 0}}}, "lora.ranks: east must have 1 to 8"),
        ({"sites": {"names": []}}, "sites.names: Tuple should have at least 1"),
        ({"sites": {"names": ["a", "a"]}}, "sites.names: two sites have the same name"),
        ({"sites": {"names": ["../a"]}}, "sites.names: '../a' is no site name"),
        ({"sites": {"names": ["East"]}}, "sites.names: 'East' is no site name"),
        ({"sites": {"names": ["east\n"]}}, r"sites.names: 'east\n' is no site name"),
        ({"sites": {"names": ["a"], "per_round": 2}}, "sites: per_round is 2, but there are 1"),
        ({"sites": {"names": ["a"], "min_contributions": 2}}, "min_contributions is 2: never"),
        (
            {"sites": {"names": ["a", "b"], "min_contributions": 2, "close_after": 1}},
            "sites: min_contributions is 2: never reached",
        ),
        ({"sites": {"names": ["a"], "deadline_s": 0}}, "sites.deadline_s: Input should be greater"),
        ({"training": {"learning_rate": float("inf")}}, "training.learning_rate: Input should be"),
        ({"training": {"learning_rate": float("nan")}}, "training.learning_rate: Input should be"),
        ({"checks": {"max_norm": float("inf")}}, "checks.max_norm: Input should be a finite"),
        ({"data": {"source": "demo_notes", "alpha": float("inf")}}, "data.alpha: Input should be"),
        ({"data": {"source": "tea leaves"}}, "data.source: Input should be 'demo_notes'"),
        ({"data": {"source": "jsonl"}}, "data: jsonl needs a path"),
        ({"base": {"name": "tiny", "quantization": "nf2"}}, "base.quantization: Input should be"),
        ({"strategy": {"name": "fedsgd"}}, "town.toml: no strategy is called 'fedsgd'; there are"),
        (
            {"strategy": {"name": "fedavg", "options": {"mu": 1}}},
            "town.toml: fedavg has no option 'mu'; it has: none",
        ),
        ({"strategy": {"weights": "luck"}}, "strategy.weights: Input should be 'equal'"),
        ({"strategy": {"name": "fltrust"}}, "data.root_share"),
        ({"strategy": {"weights": "utility"}}, "data.root_share"),
        ({"codec": "zip"}, "town.toml: there is no codec 'zip'; there are none, bf16"),
        ({"codec": "topk:2"}, "town.toml: there is no codec 'topk:2'"),
        ({"privacy": {"mechanism": "product"}}, "product needs strategy ffa"),
        ({"evaluation": {"tasks": []}}, "evaluation.tasks: Tuple should have at least 1"),
    ],
)
def test_a_flaw_is_told_with_its_place(changes: dict[str, Any], message: str) -> None:
    text = flaw(LEAST, **changes)

    assert text.startswith("town.toml: ")
    assert message.removeprefix("town.toml: ") in text
    assert "\n" not in text


@pytest.mark.parametrize("name", ["our town", "", "t" * 51, "town\n", "../town"])
def test_a_run_can_be_called_after_its_recipe(name: str) -> None:
    text = LEAST.replace('name = "town"', f"name = {json.dumps(name)}")

    assert flaw(text).startswith("town.toml: name: String should match pattern")


def test_what_a_recipe_must_say_is_asked_for() -> None:
    text = flaw("seed = 1")

    assert all(f"{name}: Field required" in text for name in ("name", "rounds", "sites", "data"))


def test_all_flaws_are_told_at_once() -> None:
    text = flaw(LEAST, rounds=0, seed=-1, lora={"r": 8})

    assert all(place in text for place in ("rounds: ", "seed: ", "lora.r: "))


def test_what_is_not_toml_is_told() -> None:
    assert "town.toml is not TOML: " in flaw("rounds = ")


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "town.toml"
    path.write_text(LEAST)

    assert load_recipe(str(path)).digest == parse_recipe(LEAST, name="town").digest


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_a_recipe_that_cannot_be_read_is_told_with_the_built_in_ones(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "town.toml"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(RecipeError, match=r"no recipe file that can be read .*smoke"):
        load_recipe(str(path))


@pytest.mark.parametrize(("rank", "alpha"), [(8, 16), (4, 8), (2, 4), (1, 2)])
def test_a_smaller_rank_weighs_as_much(rank: int, alpha: int) -> None:
    recipe = Recipe.model_validate(least(lora={"ranks": {"east": rank}}))

    assert (recipe.lora.shape("east").rank, recipe.lora.shape("east").alpha) == (rank, alpha)
    assert recipe.lora.shape("east").scale == recipe.lora.shape("north").scale


@given(rounds=st.integers(1, 40), share=st.floats(0.01, 1))
def test_the_learning_rate_falls_to_its_share(rounds: int, share: float) -> None:
    training = Recipe.model_validate(
        least(training={"learning_rate": 0.5, "final_learning_rate_share": share})
    ).training

    rates = [training.learning_rate_in(number, rounds=rounds) for number in range(1, rounds + 1)]

    assert rates[0] == 0.5
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] == pytest.approx(0.5 * share if rounds > 1 else 0.5)
