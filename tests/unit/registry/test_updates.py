"""Updates of modules: their norms and distances, against the whole matrices."""

import json
import math
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from medley_registry import AdmissionRefused
from medley_registry.adapter_config import parse_adapter_config
from medley_registry.updates import ModuleChange, Weights, compare_updates

from tests.builders import RANK, make_adapter, safetensors_bytes

SHAPES = {"model.layers.0.q_proj": (6, 8), "model.layers.0.v_proj": (4, 8)}
Factors = dict[str, tuple[np.ndarray, np.ndarray]]


def factors(seed: int, *, rank: int = RANK) -> Factors:
    random = np.random.default_rng(seed)
    return {
        module: (random.normal(size=(rank, into)), random.normal(size=(out, rank)))
        for module, (out, into) in SHAPES.items()
    }


def weights(of: Factors, *, dtype: str = "F32", rank: int = RANK, **config: object) -> Weights:
    header, data = {}, b""
    for module, pair in of.items():
        for side, matrix in zip("AB", pair, strict=True):
            content = encoded(matrix, dtype)
            header[f"base_model.model.{module}.lora_{side}.weight"] = {
                "dtype": dtype,
                "shape": matrix.shape,
                "data_offsets": [len(data), len(data) + len(content)],
            }
            data += content
    whole = {"peft_type": "LORA", "r": rank, "lora_alpha": 4, "target_modules": ["x"], **config}
    parsed = parse_adapter_config(json.dumps(whole).encode())
    return Weights(BytesIO(safetensors_bytes(header, data)), parsed)


def encoded(matrix: np.ndarray, dtype: str) -> bytes:
    if dtype == "BF16":
        return (matrix.astype("<f4").view("<u4") >> 16).astype("<u2").tobytes()
    return matrix.astype({"F32": "<f4", "F16": "<f2"}[dtype]).tobytes()


def by_module(changes: list[ModuleChange]) -> dict[str, ModuleChange]:
    return {change.module: change for change in changes}


def norm(matrix: np.ndarray) -> float:
    return float(np.linalg.norm(matrix))


def test_norms_and_distances_are_those_of_the_whole_matrices() -> None:
    old, new = factors(1), factors(2, rank=3)

    found = by_module(compare_updates(weights(old), weights(new, rank=3, use_rslora=True)))

    for module in SHAPES:
        (a, b), (c, d) = old[module], new[module]
        before, after = b @ a * 4 / RANK, d @ c * 4 / np.sqrt(3)
        change = found[module]
        assert change.old is not None
        assert change.new is not None
        assert change.old.a == pytest.approx(norm(a), rel=1e-6)
        assert change.new.b == pytest.approx(norm(d), rel=1e-6)
        assert change.old.update == pytest.approx(norm(before), rel=1e-6)
        assert change.new.update == pytest.approx(norm(after), rel=1e-6)
        assert change.distance == pytest.approx(norm(after - before), rel=1e-6)
        assert change.change == pytest.approx(norm(after - before) / norm(before), rel=1e-6)


@pytest.mark.parametrize("dtype", ["BF16", "F16", "F32"])
def test_norms_are_those_of_the_stored_numbers(dtype: str) -> None:
    a, b = np.array([[3.0, 0.0, 4.0]]), np.array([[0.5], [-2.0]])

    found = weights({"q": (a, b)}, dtype=dtype, rank=1).update("q").norms()

    assert (found.a, found.b) == (5.0, math.sqrt(4.25))


@pytest.mark.parametrize("shape", [(3, 2, 4), (40, 8, 30), (1, 1, 1), (9000, 33, 2100)])
def test_the_norm_of_an_update_is_that_of_the_product(shape: tuple[int, int, int]) -> None:
    out, rank, into = shape
    random = np.random.default_rng(1)
    a = random.standard_normal((rank, into)).astype("<f4")
    b = random.standard_normal((out, rank)).astype("<f4")

    found = weights({"q": (a, b)}, rank=rank, lora_alpha=rank).update("q").norms().update

    assert found == pytest.approx(np.linalg.norm(b.astype("f8") @ a.astype("f8")), rel=1e-12)


def test_an_adapter_that_does_nothing_has_a_norm_of_zero() -> None:
    nothing = (np.ones((2, 3)), np.zeros((4, 2)))

    assert weights({"q": nothing}).update("q").norms().update == 0.0


def test_what_is_no_adapter_has_no_updates() -> None:
    entry = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
    config = parse_adapter_config(
        b'{"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["x"]}'
    )

    with pytest.raises(AdmissionRefused, match="tensor-name"):
        Weights(BytesIO(safetensors_bytes({"a": entry}, bytes(4))), config)


@pytest.mark.parametrize(("dtype", "precision"), [("F16", 1e-2), ("BF16", 3e-2)])
def test_every_dtype_is_read(dtype: str, precision: float) -> None:
    made = factors(3)

    for change in compare_updates(weights(made), weights(made, dtype=dtype)):
        assert change.change is not None
        assert change.change < precision


def test_the_same_adapter_is_no_distance_away() -> None:
    changes = compare_updates(weights(factors(1)), weights(factors(1)))

    assert all(change.distance < 1e-6 for change in changes)


def test_an_update_turned_round_is_far_though_its_norm_is_the_same() -> None:
    turned = {module: (a, -b) for module, (a, b) in factors(1).items()}

    for change in compare_updates(weights(factors(1)), weights(turned)):
        assert change.change == pytest.approx(2)


def test_another_alpha_is_another_update() -> None:
    for change in compare_updates(weights(factors(1)), weights(factors(1), lora_alpha=6)):
        assert change.change == pytest.approx(0.5)


def test_modules_that_come_or_go_are_told() -> None:
    q, v = SHAPES
    made = factors(1)

    found = by_module(compare_updates(weights({q: made[q]}), weights({v: made[v]})))

    assert (found[q].new, found[v].old, found[v].change) == (None, None, None)
    assert found[q].change == pytest.approx(1)


def test_the_most_changed_come_first_and_new_ones_before_all() -> None:
    q, v = SHAPES
    made = factors(1)
    nothing = (made[q][0], made[q][1] * 0)

    changes = compare_updates(weights({q: nothing, v: made[v]}), weights({q: made[q], v: made[v]}))

    assert [(change.module, change.change) for change in changes] == [
        (q, None), (v, pytest.approx(0, abs=1e-6))
    ]  # fmt: skip


def test_an_adapter_on_disk_is_read(tmp_path: Path) -> None:
    folder = make_adapter(tmp_path / "adapter")
    config = parse_adapter_config((folder / "adapter_config.json").read_bytes())
    with (folder / "adapter_model.safetensors").open("rb") as stream:
        assert len(Weights(stream, config).modules) == 2
