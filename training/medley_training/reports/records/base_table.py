"""The base models, and how the quantized ones were made of them."""

from medley_registry import BaseModel
from medley_registry.canonical import Json
from medley_registry.digest import Digest

from medley_training.amounts import size_text
from medley_training.reports.records.content import Block, Cell, Quantity, Section, Table
from medley_training.reports.records.environment import flat
from medley_training.reports.records.estimate import Estimate
from medley_training.reports.records.findings import Findings
from medley_training.reports.records.quantities import change

TITLE = "Base model"
QUANTIZATION_TITLE = "Quantization"
_SHORT = 19
_SIZES = ("bytes_before", "bytes_after")
_HEAD = (
    *("base", "architecture", "made from", "linear modules", "their parameters"),
    *("identity", "weights"),
)


def base_section(findings: Findings) -> Section:
    """What is registered of each base."""
    bases = findings.records.bases
    names = {base.base_id: base.name for base in bases}
    rows = [_row(base, names) for base in bases]
    return Section(TITLE, (Table.of(_HEAD, rows).without_empty_columns(),) if rows else ())


def quantization_section(findings: Findings) -> Section:
    """Every entry of the recipes, with a column for each base that has one."""
    made = [base for base in findings.records.bases if base.recipe]
    recipes = [_recipe(base) for base in made]
    names = sorted({name for recipe in recipes for name in recipe}, key=_order)
    blocks: list[Block] = []
    if made:
        rows = [(name, *(recipe.get(name, "") for recipe in recipes)) for name in names]
        blocks.append(Table.of(("recipe", *(base.name for base in made)), rows))
    served = _served(findings)
    return Section(QUANTIZATION_TITLE, (*blocks, *served))


def _recipe(base: BaseModel) -> dict[str, Cell]:
    """The recipe's entries, and how much smaller the weights are where it tells both sizes."""
    recipe = base.recipe or {}
    found: dict[str, Cell] = {**flat(recipe)}
    sizes = {name: recipe.get(name) for name in _SIZES}
    for name, size in sizes.items():
        if isinstance(size, int | float):
            found[name.replace("_", " ")] = Quantity(size, size_text(size))
    before, after = (_estimate(size) for size in sizes.values())
    smaller = change(after, before)
    return found | ({"bytes against before": smaller} if smaller.value is not None else {})


def _estimate(value: Json) -> Estimate | None:
    return Estimate(value) if isinstance(value, int | float) else None


def _order(name: str) -> tuple[bool, bool, str]:
    return name != "method", name != "tool", name


def _row(base: BaseModel, names: dict[Digest, str]) -> tuple[Cell, ...]:
    shapes = base.module_shapes.values()
    parameters = sum(shape[0] * shape[1] for shape in shapes if len(shape) == 2)
    origin = base.derived_from
    return (
        base.name,
        base.architecture,
        names.get(origin, _short(origin)) if origin else "",
        Quantity(len(base.module_shapes), f"{len(base.module_shapes):,}"),
        Quantity(parameters, f"{parameters:,}"),
        _short(base.base_id),
        _short(base.weights_digest),
    )


def _served(findings: Findings) -> list[Block]:
    """The variants of versions: on which base, and by which recipe."""
    rows = [
        (f"{each.adapter}:{each.number}", each.kind.value, each.base, _recipe_text(each.recipe))
        for each in findings.records.variants
        if each.recipe
    ]
    return [Table.of(("version", "variant", "on base", "recipe"), rows)] if rows else []


def _recipe_text(recipe: dict[str, Json]) -> str:
    return ", ".join(f"{name} {value}" for name, value in flat(recipe).items())


def _short(digest: Digest) -> str:
    return str(digest)[:_SHORT]
