"""How often the gate's comparison passes and refuses, over drawn documents of one site.

    python -m tests.bench.gate [--times 300]

"equal": the candidate answers as the baseline does, but for noise on each document. "at the
margin": it has lost just the margin, evenly. "rare failures": the same loss, but as documents of
which nothing is right among others that are as before, which few documents cannot show.
"""

from collections.abc import Callable
from typing import Annotated

import numpy as np
import typer
from medley_registry import Comparison, Item
from medley_registry.gate.bootstrap import compare
from numpy.random import Generator
from numpy.typing import NDArray

MARGIN = 0.02
LEVEL = 0.05
NOISE = 0.03
DOCUMENTS = (8, 20, 50, 100, 200)
Scores = NDArray[np.float64]


def baseline(random: Generator, num: int) -> Scores:
    return random.beta(8, 2, num)


def equal(random: Generator, scores: Scores) -> Scores:
    return scores + random.normal(0, NOISE, len(scores))


def at_the_margin(random: Generator, scores: Scores) -> Scores:
    return equal(random, scores) - MARGIN


def rare_failures(random: Generator, scores: Scores) -> Scores:
    share = MARGIN / float(scores.mean())  # so that the loss expected is the margin
    return np.where(random.random(len(scores)) < share, 0.0, scores)


KINDS: dict[str, Callable[[Generator, Scores], Scores]] = {
    "equal": equal,
    "at the margin": at_the_margin,
    "rare failures": rare_failures,
}


def passes(random: Generator, candidate: Scores, scores: Scores) -> bool:
    comparison = Comparison(suite="drawn", metric="f1", margin=MARGIN)
    pairs = [
        (Item(str(n), str(n), "", {"f1": (new, 1)}), Item(str(n), str(n), "", {"f1": (old, 1)}))
        for n, (new, old) in enumerate(zip(candidate.tolist(), scores.tolist(), strict=True))
    ]
    (found,) = compare(comparison, pairs, significance=LEVEL, random=random)
    return found.p_value <= LEVEL


def main(times: Annotated[int, typer.Option()] = 300) -> None:
    """Print the share that passes, by kind and number of documents."""
    random = np.random.default_rng(7)
    typer.echo("documents       " + "".join(f"{num:>8}" for num in DOCUMENTS))
    for name, kind in KINDS.items():
        shares = []
        for num in DOCUMENTS:
            passed = 0
            for _ in range(times):
                scores = baseline(random, num)
                passed += passes(random, kind(random, scores), scores)
            shares.append(passed / times)
        typer.echo(f"{name:16}" + "".join(f"{share:>8.0%}" for share in shares))


if __name__ == "__main__":
    typer.run(main)
