"""The forms of one base model that its adapters may be served on: as it is, and quantized."""

from medley_registry.bases import BaseModel
from medley_registry.errors import BaseNotFound
from medley_registry.reading import RegistryReader
from medley_registry.variants import VariantKind

QUANTIZED = (VariantKind.NF4, VariantKind.AWQ)
"""The kinds that are base models of their own, which the adapters of the origin fit."""

FORMS = (VariantKind.BF16, *QUANTIZED)
"""The forms a base model is served in, with its adapters unmerged."""


def kind_of(base: BaseModel) -> VariantKind:
    """The form this base model is: by its recipe's method, else as it is (`BF16`).

    A base derived by a method that is not one of `QUANTIZED` counts as one of its own.
    """
    method = (base.recipe or {}).get("method") if base.derived_from else None
    return next((kind for kind in QUANTIZED if kind.value == method), VariantKind.BF16)


def origin(registry: RegistryReader, base: BaseModel) -> BaseModel:
    """The base this one is a quantized form of, which adapters are published for; else itself.

    Raises:
        BaseNotFound: the registry no longer knows that base.
    """
    if kind_of(base) is VariantKind.BF16:
        return base
    known = [one for one in registry.bases() if one.base_id == base.derived_from]
    if not known:
        raise BaseNotFound(f"{base.name!r} was made from {base.derived_from}, which is not here")
    return min(known, key=lambda one: (one.created_at, one.name))


def base_variant(registry: RegistryReader, base: BaseModel, kind: VariantKind) -> BaseModel | None:
    """The registered form `kind` of a base model, whichever of its forms is given.

    Of several, such as of two group sizes, the one called `{base}-{kind}` is meant, else the
    newest.

    Raises:
        BaseNotFound: see `origin`.
    """
    own = origin(registry, base)
    if kind is VariantKind.BF16:
        return own
    if kind_of(base) is kind:
        return base
    made = [
        one for one in registry.bases() if one.derived_from == own.base_id and kind_of(one) is kind
    ]
    named = f"{own.name}-{kind.value}"
    return max(made, key=lambda one: (one.name == named, one.created_at, one.name), default=None)
