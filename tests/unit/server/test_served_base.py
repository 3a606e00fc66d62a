"""Which files a server runs, under which name, and whose adapters it takes."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from medley_registry import BaseModel, Registry, VariantKind, Version
from medley_server.catalogue import Catalogue
from medley_server.errors import CannotStart, ModelNotFound
from medley_server.following import read, versions_for
from medley_server.served_base import find_served_base

from tests.builders import TINY, make_adapter, make_base

BF16, NF4, AWQ = VariantKind.BF16, VariantKind.NF4, VariantKind.AWQ
Quantize = Callable[[VariantKind], BaseModel]


@pytest.fixture
def quantize(registry: Registry, tmp_path: Path) -> Quantize:
    """Registers a quantized form of the tiny base."""

    def quantize(kind: VariantKind) -> BaseModel:
        return registry.add_base(
            f"{TINY}-{kind}",
            make_base(tmp_path / f"{TINY}-{kind}", fill=len(kind) + 10),
            actor="test",
            derived_from=TINY,
            recipe={"method": kind.value},
        )

    return quantize


def test_a_base_is_served_as_it_stands_if_nothing_is_said(registry: Registry) -> None:
    served = find_served_base(registry, registry.base(TINY), None)

    assert (served.model.name, served.names, served.variant) == (TINY, (TINY,), BF16)
    assert not served.is_quantized_in_flight


@pytest.mark.parametrize("kind", [NF4, AWQ])
def test_a_quantized_form_is_served_under_the_name_of_its_origin(
    registry: Registry, quantize: Quantize, kind: VariantKind
) -> None:
    made = quantize(kind)

    by_variant = find_served_base(registry, registry.base(TINY), kind)
    by_name = find_served_base(registry, made, None)

    assert by_variant == by_name
    assert (by_variant.model, by_variant.name, by_variant.variant) == (made, TINY, kind)
    assert by_variant.names == (TINY, made.name)
    assert not by_variant.is_quantized_in_flight


def test_the_origin_is_served_if_bf16_of_a_quantized_form_is_asked_for(
    registry: Registry, quantize: Quantize
) -> None:
    served = find_served_base(registry, quantize(AWQ), BF16)

    assert (served.model.name, served.variant) == (TINY, BF16)


def test_without_files_of_its_own_nf4_is_quantized_in_flight(registry: Registry) -> None:
    served = find_served_base(registry, registry.base(TINY), NF4)

    assert (served.model.name, served.variant) == (TINY, NF4)
    assert served.is_quantized_in_flight


def test_a_form_that_was_never_made_is_refused_with_the_command_that_makes_it(
    registry: Registry,
) -> None:
    with pytest.raises(CannotStart, match=f"medley quantize {TINY} --method awq"):
        find_served_base(registry, registry.base(TINY), AWQ)


def test_a_form_whose_files_are_gone_is_refused(registry: Registry, quantize: Quantize) -> None:
    shutil.rmtree(quantize(AWQ).path)

    with pytest.raises(CannotStart, match=f"files of base {TINY}-awq are gone"):
        find_served_base(registry, registry.base(TINY), AWQ)


def test_a_quantized_form_needs_no_files_of_its_origin(
    registry: Registry, quantize: Quantize, tmp_path: Path
) -> None:
    made = quantize(AWQ)
    moved = shutil.copytree(registry.base(TINY).path, tmp_path / "moved")
    registry.add_base(TINY, moved, actor="test")
    shutil.rmtree(moved)

    assert find_served_base(registry, made, None).model == made
    with pytest.raises(CannotStart, match=f"files of base {TINY} are gone"):
        find_served_base(registry, made, BF16)


async def test_a_quantized_form_takes_the_adapters_of_its_origin_and_its_own(
    registry: Registry, versions: list[Version], quantize: Quantize, tmp_path: Path
) -> None:
    made = quantize(NF4)
    registry.publish(make_adapter(tmp_path / "own"), name="own", base=made.name, actor="t")
    registry.add_base("other", make_base(tmp_path / "other", fill=9), actor="t")
    registry.publish(make_adapter(tmp_path / "x"), name="foreign", base="other", actor="t")
    served = find_served_base(registry, made, None)
    catalogue = Catalogue(registry, served)

    names = {version.reference for version in versions_for(registry, served)}
    own = await catalogue.resolve("own:1")

    assert names == {"note:1", "note:2", "own:1"}
    assert (await catalogue.resolve("note:2")).reference == "note:2"
    with pytest.raises(ModelNotFound, match=f"this server runs {TINY}"):
        await catalogue.resolve("foreign:1")
    assert served.variant_of(versions[0]) is NF4
    assert served.variant_of(own) is BF16  # its own base, as it stands


def test_the_origin_does_not_take_the_adapters_of_a_quantized_form(
    registry: Registry, versions: list[Version], quantize: Quantize, tmp_path: Path
) -> None:
    made = quantize(NF4)
    registry.publish(make_adapter(tmp_path / "own"), name="own", base=made.name, actor="t")

    served = find_served_base(registry, registry.base(TINY), None)

    assert {version.adapter for version in versions_for(registry, served)} == {"note"}


def test_a_version_published_for_the_origin_is_followed_on_a_quantized_form(
    registry: Registry, versions: list[Version], quantize: Quantize, tmp_path: Path
) -> None:
    served = find_served_base(registry, quantize(AWQ), None)
    seen = registry.head()
    registry.publish(make_adapter(tmp_path / "n3", fill=3), name="note", base=TINY, actor="t")

    reading = read(registry, served, after=seen)

    assert [version.reference for version in reading.versions] == ["note:3"]
