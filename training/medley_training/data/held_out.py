"""Which examples are kept for evaluation: whole groups, the same ones for the same seed."""

from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import sha256

from medley_training.data.labelled import LabelledExample, SiteData


def hold_out(
    sites: Mapping[str, Sequence[LabelledExample]], *, share: float, seed: int
) -> dict[str, SiteData]:
    """Keep about `share` of each site's examples for evaluation.

    A group that is held out at one site is held out at all, because every adapter learns from every
    site. Groups are taken in the order of a keyed hash of their names: what is held out at a site
    does not depend on which others are asked about, unless they share a group.
    """
    chosen: set[str] = set()
    for own in sites.values():
        chosen |= draw_groups(own, share=share, seed=seed, purpose="held out")
    return {site: _split(own, chosen) for site, own in sites.items()}


def hold_out_tests(sites: Mapping[str, Sequence[LabelledExample]]) -> dict[str, SiteData]:
    """Keep what the data set's authors test on, and all of its groups, for evaluation."""
    chosen = {each.group for own in sites.values() for each in own if each.is_test}
    return {site: _split(own, chosen) for site, own in sites.items()}


def draw_groups(
    examples: Sequence[LabelledExample], *, share: float, seed: int, purpose: str
) -> set[str]:
    """Draw groups that together have the number of examples closest to `share` of them.

    At least one group is drawn where `share` is not 0, and one is left.
    """
    sizes = Counter(each.group for each in examples)
    if share == 0 or len(sizes) < 2:
        return set()
    drawn: set[str] = set()
    missing = share * len(examples)
    for group in sorted(
        sizes, key=lambda name: sha256(f"{seed}/{purpose}/{name}".encode()).digest()
    ):
        # A group that overshoots by more than it misses stays out; a smaller one may still fit.
        if len(drawn) < len(sizes) - 1 and (not drawn or sizes[group] / 2 < missing):
            drawn.add(group)
            missing -= sizes[group]
    return drawn


def _split(examples: Sequence[LabelledExample], held_out: set[str]) -> SiteData:
    return SiteData(
        train=tuple(each for each in examples if each.group not in held_out),
        held_out=tuple(each for each in examples if each.group in held_out),
    )
