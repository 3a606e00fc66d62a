"""What the gate says of adapters known to be equal or damaged, measured as they are served.

    python -m tests.bench.gate_judges --base DIR --adapters DIR --home DIR [--margin 0.05]

Publishes what `tests.bench.damaged_adapters` made, has `medley eval --suite extraction` measure
every version on the served path, and asks the gate to promote each over ``production``. Then the
documents are drawn anew, within each hospital and with replacement, and the gate's comparisons are
made again on each drawing: how often an equal adapter is refused, and how often a damaged one is.
"""

import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from medley_registry import (
    AliasPolicy,
    AliasProtected,
    Comparison,
    Item,
    Over,
    Registry,
    VariantKind,
    Version,
    open_registry,
)
from medley_registry.gate.bootstrap import adjusted, compare
from numpy.random import Generator

from tests.bench.damaged_adapters import CANDIDATES

NAME = "documents"
BASE = "base"
SUITE = "extraction"
SEED = 7  # of documents that none of them has learnt from
Pairs = list[tuple[Item, Item]]


def policy(margin: float) -> AliasPolicy:
    """Fields may be lost by the margin over all documents, and by twice of it at a hospital."""
    demands = {("field_f1", Over.ITEMS): 1, ("field_f1", Over.EACH_SITE): 2}
    demands |= {("row_exact_f1", Over.ITEMS): 1}
    return AliasPolicy(
        comparisons=tuple(
            Comparison(suite=SUITE, metric=metric, margin=times * margin, over=over)
            for (metric, over), times in demands.items()
        )
    )


def publish(
    registry: Registry, base: Path, adapters: Path, demanded: AliasPolicy
) -> dict[str, Version]:
    """The versions by what they are called in `tests.bench.damaged_adapters`."""
    registry.add_base(BASE, base, actor="bench")
    found = {
        each.name: registry.publish(
            adapters / each.name, name=NAME, base=BASE, actor="bench", note=each.name
        )
        for each in CANDIDATES
    }
    if not registry.aliases(NAME):
        registry.promote(NAME, found["production"].number, actor="bench")
    registry.protection.set(NAME, "production", demanded, actor="bench")
    return found


def measure(versions: Sequence[Version], home: Path, limit: int) -> None:
    """One server, every version on it."""
    command = [sys.executable, "-m", "medley.cli", "eval", *(each.reference for each in versions)]
    command += ["--suite", SUITE, "--limit", str(limit), "--registry", str(home / "registry")]
    command += ["--type", "lab_panel", "--type", "operative_note", "--seed", str(SEED)]
    command += ["--max-tokens", "384", "--out", str(home / "eval")]
    subprocess.run(command, check=True, env={**os.environ, "MEDLEY_HOME": str(home)})


def verdict(registry: Registry, version: Version) -> str:
    """What the gate says; the alias goes back to where it was."""
    try:
        registry.promote(version.adapter, version.number, actor="bench")
    except AliasProtected as refused:
        return f"refused: {'; '.join(refused.unmet)}"
    registry.rollback(version.adapter, actor="bench")
    return "passes"


def items(registry: Registry, version: Version) -> dict[str, Item]:
    found = [
        each
        for each in registry.evidence.of(version.adapter, version.number)
        if (each.suite, each.variant) == (SUITE, VariantKind.BF16)
    ]
    return {item.name: item for item in registry.evidence.items(found[-1])}


def drawn(pairs: Pairs, random: Generator, documents: int | None = None) -> Pairs:
    """So many documents of each hospital, or as many as there are, with replacement."""
    by_site: dict[str, Pairs] = defaultdict(list)
    for pair in pairs:
        by_site[pair[0].site].append(pair)
    return [
        (
            replace(candidate, name=f"{site}/{place}", cluster=f"{site}/{place}"),
            replace(baseline, name=f"{site}/{place}", cluster=f"{site}/{place}"),
        )
        for site, own in sorted(by_site.items())
        for place, chosen in enumerate(random.integers(len(own), size=documents or len(own)))
        for candidate, baseline in [own[chosen]]
    ]


def is_refused(demanded: AliasPolicy, pairs: Pairs, random: Generator) -> bool:
    """As the registry decides: every test of the policy, adjusted together."""
    level = demanded.significance
    p_values = [
        tested.p_value
        for comparison in demanded.comparisons
        for tested in compare(comparison, pairs, significance=level, random=random)
    ]
    return max(adjusted(p_values)) > level


def main(
    *,
    base: Annotated[Path, typer.Option(exists=True, file_okay=False)],
    adapters: Annotated[Path, typer.Option(exists=True, file_okay=False)],
    home: Annotated[Path, typer.Option(file_okay=False)],
    limit: Annotated[int, typer.Option(help="Documents of each hospital.")] = 30,
    margin: Annotated[float, typer.Option(help="What a candidate may lose.")] = 0.05,
    times: Annotated[int, typer.Option(help="Drawings of the documents.")] = 200,
    documents: Annotated[
        int | None, typer.Option(help="Draw so many of each hospital, as if there were more.")
    ] = None,
) -> None:
    """Publish, measure, judge; then draw the documents anew and judge again."""
    demanded = policy(margin)
    with open_registry(home / "registry", create=True) as registry:
        versions = publish(registry, base, adapters, demanded)
        if not all(registry.evidence.of(NAME, each.number) for each in versions.values()):
            measure([*versions.values()], home, limit)
        production = items(registry, versions["production"])
        for name, version in versions.items():
            if name == "production":
                continue
            typer.echo(f"{name:10} {verdict(registry, version)}")
            own = items(registry, version)
            pairs = [(own[each], production[each]) for each in sorted(production)]
            random = np.random.default_rng(7)
            refused = sum(
                is_refused(demanded, drawn(pairs, random, documents), random) for _ in range(times)
            )
            typer.echo(f"{'':10} refused in {refused} of {times} drawings of the documents")


if __name__ == "__main__":
    typer.run(main)
