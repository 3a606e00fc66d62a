"""Which registered base models are forms of which, on every store."""

from collections.abc import Callable
from pathlib import Path

import pytest
from medley_registry import BaseModel, Registry, VariantKind
from medley_registry.base_variants import base_variant, kind_of, origin

from tests.builders import TINY, make_base

Derive = Callable[..., BaseModel]


@pytest.fixture
def derive(registry: Registry, tmp_path: Path) -> Derive:
    """Registers a base of its own content as made from the tiny one by a method."""

    def derive(name: str, method: str, *, fill: int) -> BaseModel:
        return registry.add_base(
            name,
            make_base(tmp_path / name, fill=fill),
            actor="ada",
            derived_from=TINY,
            recipe={"method": method, "tool": "a test"},
        )

    return derive


def test_a_base_that_was_made_from_none_is_its_own_origin(registry: Registry) -> None:
    base = registry.base(TINY)

    assert kind_of(base) is VariantKind.BF16
    assert origin(registry, base) == base
    assert base_variant(registry, base, VariantKind.BF16) == base
    assert base_variant(registry, base, VariantKind.AWQ) is None


def test_each_form_is_found_from_each_other(registry: Registry, derive: Derive) -> None:
    forms = {
        VariantKind.BF16: registry.base(TINY),
        VariantKind.NF4: derive("tiny-nf4", "nf4", fill=2),
        VariantKind.AWQ: derive("tiny-awq", "awq", fill=3),
    }

    for given in forms.values():
        assert origin(registry, given).name == TINY
        for kind, form in forms.items():
            assert base_variant(registry, given, kind) == form
            assert kind_of(form) is kind


def test_of_several_the_one_with_the_usual_name_is_meant_else_the_newest(
    registry: Registry, derive: Derive
) -> None:
    base = registry.base(TINY)
    derive("z-first", "awq", fill=2)
    derive("a-second", "awq", fill=3)

    newest = base_variant(registry, base, VariantKind.AWQ)
    derive("tiny-awq", "awq", fill=4)
    derive("a-third", "awq", fill=5)
    named = base_variant(registry, base, VariantKind.AWQ)

    assert newest is not None
    assert named is not None
    assert (newest.name, named.name) == ("a-second", "tiny-awq")


def test_one_of_several_that_is_given_stays_itself(registry: Registry, derive: Derive) -> None:
    derive("tiny-awq", "awq", fill=2)
    other = derive("tiny-awq-32", "awq", fill=3)

    assert base_variant(registry, other, VariantKind.AWQ) == other


def test_a_base_made_by_another_method_counts_as_one_of_its_own(
    registry: Registry, derive: Derive
) -> None:
    made = derive("tiny-fp8", "fp8", fill=2)

    assert kind_of(made) is VariantKind.BF16
    assert origin(registry, made) == made


@pytest.mark.parametrize("kind", [VariantKind.MERGED, VariantKind.MERGED_AWQ, VariantKind.GGUF])
def test_what_only_adapters_have_is_no_form_of_a_base(
    registry: Registry, derive: Derive, kind: VariantKind
) -> None:
    made = derive("tiny-merged", kind.value, fill=2)

    assert kind_of(made) is VariantKind.BF16
    assert base_variant(registry, registry.base(TINY), kind) is None
