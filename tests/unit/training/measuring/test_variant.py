"""Which variant a measurement belongs to, and what is refused before it is taken."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from medley_registry import BaseMismatch, BaseModel, Registry, VariantKind, Version, open_registry
from medley_training.measuring.variant import recorded_variant, served_form, variant_of

from tests.builders import TINY, make_adapter, make_base

NF4 = VariantKind.NF4


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with open_registry(tmp_path / "registry", create=True) as opened:
        opened.add_base(TINY, make_base(tmp_path / "base"), actor="x")
        opened.publish(make_adapter(tmp_path / "a"), name="notes", base=TINY, actor="x")
        yield opened


@pytest.fixture
def version(registry: Registry) -> Version:
    return registry.resolve("notes:1")


def _quantize(registry: Registry, tmp_path: Path) -> BaseModel:
    folder = make_base(tmp_path / "nf4", fill=5)
    return registry.add_base(
        "tiny-nf4", folder, actor="x", derived_from=TINY, recipe={"method": "nf4"}
    )


def _served(registry: Registry) -> BaseModel:
    return served_form(registry, registry.base(TINY), NF4)


def test_asking_which_variant_it_would_be_records_none(
    registry: Registry, version: Version
) -> None:
    assert variant_of(registry, version, _served(registry), NF4) is NF4
    assert [one.kind for one in registry.evidence.variants("notes", 1)] == [VariantKind.BF16]


def test_nf4_made_in_flight_and_nf4_from_files_are_not_one_variant(
    registry: Registry, version: Version, tmp_path: Path
) -> None:
    recorded_variant(registry, version, _served(registry), NF4, actor="x")
    _quantize(registry, tmp_path)

    with pytest.raises(BaseMismatch, match="publish a new version") as refusal:
        variant_of(registry, version, _served(registry), NF4)

    assert "another nf4 variant, on 'tiny', and served would be 'tiny-nf4'" in str(refusal.value)


def test_nor_the_other_way_round(registry: Registry, version: Version, tmp_path: Path) -> None:
    recorded_variant(registry, version, _quantize(registry, tmp_path), NF4, actor="x")

    with pytest.raises(BaseMismatch, match="on 'tiny-nf4', and served would be 'tiny'"):
        recorded_variant(registry, version, registry.base(TINY), NF4, actor="x")


def test_a_version_for_a_quantized_base_is_not_one_for_its_origin(
    registry: Registry, tmp_path: Path
) -> None:
    form = _quantize(registry, tmp_path)
    folder = make_adapter(tmp_path / "q", fill=3)
    version = registry.publish(folder, name="q", base=form.name, actor="x")

    assert variant_of(registry, version, form, NF4) is VariantKind.BF16
    with pytest.raises(BaseMismatch, match="measure q:1 as nf4"):
        variant_of(registry, version, registry.base(TINY), VariantKind.BF16)
