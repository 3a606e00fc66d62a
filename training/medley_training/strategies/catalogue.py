"""The strategies by the names that recipes call them."""

from collections.abc import Mapping
from dataclasses import fields
from types import UnionType
from typing import Any, get_args, get_type_hints

from medley_training.errors import RecipeError
from medley_training.strategies.base import Strategy
from medley_training.strategies.fedadam import FedAdam
from medley_training.strategies.fedavg import FedAvg
from medley_training.strategies.fedex import FedEx
from medley_training.strategies.fedprox import FedProx
from medley_training.strategies.fedyogi import FedYogi
from medley_training.strategies.ffa import FfaLora
from medley_training.strategies.fltrust import FlTrust
from medley_training.strategies.geometric_median import GeometricMedian
from medley_training.strategies.krum import Krum
from medley_training.strategies.median import Median
from medley_training.strategies.qffl import QFfl
from medley_training.strategies.rolora import RoLora
from medley_training.strategies.stacking import Stacking
from medley_training.strategies.trimmed_mean import TrimmedMean

STRATEGIES: Mapping[str, type[Strategy]] = {
    rule.name: rule
    for rule in (
        FedAdam,
        FedAvg,
        FedEx,
        FedProx,
        FedYogi,
        FfaLora,
        FlTrust,
        GeometricMedian,
        Krum,
        Median,
        QFfl,
        RoLora,
        Stacking,
        TrimmedMean,
    )
}


def strategy(name: str, /, **options: bool | int | float | None) -> Strategy:
    """The strategy of that name with these options.

    Raises:
        RecipeError: There is no such strategy or option, or a value has the wrong type or range.
    """
    if name not in STRATEGIES:
        known = ", ".join(sorted(STRATEGIES))
        raise RecipeError(f"no strategy is called {name!r}; there are: {known}")
    rule: Any = STRATEGIES[name]
    types = {field.name: get_type_hints(rule)[field.name] for field in fields(rule)}
    for option, value in options.items():
        if option not in types:
            known = ", ".join(types) or "none"
            raise RecipeError(f"{name} has no option {option!r}; it has: {known}")
        if not _fits(value, types[option]):
            raise RecipeError(f"{name}: {option} is {value!r}, not {_plain(types[option])}")
    built: Strategy = rule(**options)
    return built


def _fits(value: object, wanted: Any) -> bool:
    if isinstance(wanted, UnionType):
        return any(_fits(value, one) for one in get_args(wanted))
    if isinstance(value, bool) or wanted is bool:
        return isinstance(value, bool) and wanted is bool
    return isinstance(value, (int, float) if wanted is float else wanted)


def _plain(wanted: Any) -> str:
    kinds = [kind for kind in get_args(wanted) or (wanted,) if kind is not type(None)]
    return " or ".join(
        {bool: "true or false", int: "a whole number"}.get(k, "a number") for k in kinds
    )
