"""What one server answers with: a base model in one of its forms, and whose adapters fit it."""

from dataclasses import dataclass
from pathlib import Path

from medley_registry import BaseModel, Digest, Registry, VariantKind, Version
from medley_registry.base_variants import base_variant, kind_of, origin

from medley_server.errors import CannotStart


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedBase:
    """The base model that the engine runs, under the name of the one that callers know.

    Attributes:
        model: whose files the engine loads.
        origin: the base it is a form of, which the adapters were published for; often `model`.
        variant: the form.
    """

    model: BaseModel
    origin: BaseModel
    variant: VariantKind

    @classmethod
    def as_it_is(cls, base: BaseModel) -> "ServedBase":
        """A base that is served from its own files, unquantized unless they are."""
        return cls(model=base, origin=base, variant=VariantKind.BF16)

    @property
    def name(self) -> str:
        """What it is called in answers and lists, whatever its form."""
        return self.origin.name

    @property
    def names(self) -> tuple[str, ...]:
        """What asks for the base itself: its name first, then that of its form."""
        return tuple(dict.fromkeys((self.origin.name, self.model.name)))

    @property
    def base_ids(self) -> frozenset[Digest]:
        """The bases whose adapters fit."""
        return frozenset({self.origin.base_id, self.model.base_id})

    @property
    def is_quantized_in_flight(self) -> bool:
        """Whether the files are the origin's, and the engine quantizes them while it loads."""
        return self.variant is VariantKind.NF4 and self.model is self.origin

    def variant_of(self, version: Version) -> VariantKind:
        """The variant of a version that is served here: what was measured of it may be shown.

        A version that was trained on this very quantized base is served on its own base as it is.
        """
        is_own = version.base_id == self.model.base_id and self.model is not self.origin
        return VariantKind.BF16 if is_own else self.variant


def find_served_base(
    registry: Registry, given: BaseModel, variant: VariantKind | None
) -> ServedBase:
    """The form of a base to serve: the one asked for, else the one that was given.

    Raises:
        CannotStart: there is no such form yet, or its files are gone.
        BaseNotFound: the base it was made from is not in the registry.
    """
    kind = variant or kind_of(given)
    own = origin(registry, given)
    model = base_variant(registry, given, kind)
    if model is None and kind is VariantKind.NF4:
        model = own  # needs no files of its own: the engine quantizes while it loads
    if model is None:
        raise CannotStart(
            f"base {own.name} has no {kind} variant yet; make it with: "
            f"medley quantize {own.name} --method {kind}"
        )
    return ServedBase(model=_with_files(model), origin=own, variant=kind)


def _with_files(base: BaseModel) -> BaseModel:
    if not Path(base.path).is_dir():
        raise CannotStart(f"the files of base {base.name} are gone from {base.path}")
    return base
