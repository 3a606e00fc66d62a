"""The registry of the benchmark's own, its stand-ins, and what goes back into the real one."""

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from medley_registry import Registry, VariantKind, open_registry
from medley_registry.safetensors_header import read_header
from medley_training.benchmarks.scratch import fill_scratch
from medley_training.benchmarks.stand_ins import write_stand_in
from medley_training.errors import BadLoad

from tests.builders import TINY, adapter_tensors, make_adapter, make_base

BF16, NF4, AWQ = VariantKind.BF16, VariantKind.NF4, VariantKind.AWQ


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with open_registry(tmp_path / "real", create=True) as opened:
        opened.add_base(TINY, make_base(tmp_path / "base"), actor="x")
        for fill in (1, 2):
            opened.publish(
                make_adapter(tmp_path / f"a{fill}", fill=fill), name="notes", base=TINY, actor="x"
            )
        yield opened


def test_versions_are_published_anew_and_stand_ins_fill_the_rest(
    registry: Registry, tmp_path: Path
) -> None:
    head = registry.head()

    scratch = fill_scratch(
        tmp_path / "scratch",
        registry,
        registry.base(TINY),
        [registry.resolve("notes:2")],
        variants=(BF16, NF4),
        adapters=3,
        seed=0,
    )

    assert registry.head() == head  # only read
    assert scratch.own == {"notes:2": "notes:1"}
    assert scratch.stand_ins == ["stand-in-0:1", "stand-in-1:1"]
    assert scratch.forms[NF4].name == TINY  # bitsandbytes makes it in flight
    with open_registry(scratch.folder) as opened:
        assert opened.resolve("notes:1").digest == registry.resolve("notes:2").digest
        assert opened.base(TINY).base_id == registry.base(TINY).base_id


def test_a_base_variant_keeps_its_origin_and_recipe(registry: Registry, tmp_path: Path) -> None:
    made = make_base(tmp_path / "awq", fill=3)
    recipe: dict[str, object] = {"method": "awq"}
    registry.add_base("tiny-awq", made, actor="x", derived_from=TINY, recipe={"method": "awq"})

    scratch = fill_scratch(
        tmp_path / "scratch",
        registry,
        registry.base(TINY),
        [],
        variants=(AWQ,),
        adapters=0,
        seed=0,
    )

    with open_registry(scratch.folder) as opened:
        found = opened.base("tiny-awq")
        assert found.derived_from == opened.base(TINY).base_id
        assert found.recipe == recipe


def test_a_variant_that_was_never_made_is_refused_with_the_command_that_makes_it(
    registry: Registry, tmp_path: Path
) -> None:
    with pytest.raises(BadLoad, match="medley quantize tiny --method awq"):
        fill_scratch(
            tmp_path / "scratch",
            registry,
            registry.base(TINY),
            [],
            variants=(AWQ,),
            adapters=0,
            seed=0,
        )


def test_adapters_without_a_version_to_go_by_are_refused(
    registry: Registry, tmp_path: Path
) -> None:
    with pytest.raises(BadLoad, match="REF"):
        fill_scratch(
            tmp_path / "scratch",
            registry,
            registry.base(TINY),
            [],
            variants=(BF16,),
            adapters=1,
            seed=0,
        )


def test_a_stand_in_has_the_same_shapes_and_the_same_values_in_another_order(
    tmp_path: Path,
) -> None:
    pick = random.Random(0)
    contents = {
        name: pick.randbytes(4 * shape[0] * shape[1])
        for name, (_, shape) in adapter_tensors().items()
    }
    real = make_adapter(tmp_path / "real", contents=contents)

    made = write_stand_in(real, tmp_path / "made", seed=1)

    mine, theirs = ((folder / "adapter_model.safetensors") for folder in (made, real))
    with mine.open("rb") as one, theirs.open("rb") as other:
        assert read_header(one) == read_header(other)
        first, second = one.read(), other.read()
    words = [first[at : at + 4] for at in range(0, len(first), 4)]
    assert first != second
    assert sorted(words) == sorted(second[at : at + 4] for at in range(0, len(second), 4))
    config = "adapter_config.json"
    assert json.loads((made / config).read_text()) == json.loads((real / config).read_text())
