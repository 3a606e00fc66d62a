"""Which variant of a version it is that was served and measured."""

from medley_registry import BaseMismatch, BaseModel, Registry, VariantKind, Version
from medley_registry.base_variants import base_variant, kind_of
from medley_registry.canonical import Json

_UNMERGED: dict[str, Json] = {"served": "unmerged"}


def served_form(registry: Registry, base: BaseModel, kind: VariantKind) -> BaseModel:
    """The base whose files are served as this form; the origin's where it is made in flight."""
    return base_variant(registry, base, kind) or base


def variant_of(
    registry: Registry, version: Version, form: BaseModel, kind: VariantKind
) -> VariantKind:
    """The variant that evidence would belong to; called before measuring, a refusal costs nothing.

    To a version that was published for this very form, it is its own base as it is.

    Args:
        registry: Where the version is; it is only read.
        version: What is served, unmerged.
        form: See `served_form`.
        kind: How.

    Raises:
        BaseMismatch: The version has another variant of this kind, or is not for this base.
    """
    if version.base_id == form.base_id and kind_of(form) is kind:
        return VariantKind.BF16
    if version.base_id not in {form.base_id, form.derived_from}:
        raise BaseMismatch(
            f"{form.name!r} is neither {version.base!r} nor derived from it: measure"
            f" {version.reference} as {kind_of(registry.base(version.base))}"
        )
    for known in registry.evidence.variants(version.adapter, version.number):
        if known.kind is kind and (known.base_id, known.recipe) != (form.base_id, _UNMERGED):
            raise BaseMismatch(
                f"{version.reference} has another {kind} variant, on {known.base!r}, and served"
                f" would be {form.name!r}: publish a new version, or serve it as it was then"
            )
    return kind


def recorded_variant(
    registry: Registry, version: Version, form: BaseModel, kind: VariantKind, *, actor: str
) -> VariantKind:
    """The same, after measuring; the registry knows the variant from now on.

    Raises:
        BaseMismatch: See `variant_of`.
    """
    found = variant_of(registry, version, form, kind)
    if found is not VariantKind.BF16:
        registry.evidence.add_variant(
            version.adapter,
            version.number,
            found,
            base=form.name,
            recipe=dict(_UNMERGED),
            actor=actor,
        )
    return found
