"""Names of sites, which stand at the end of metrics' names."""

from collections.abc import Iterable

from medley_training.errors import BadSuite

BOUNDS = ("ci_low", "ci_high")
OVER_SITES = ("minimum", "maximum", "harmonic_mean")
_TAKEN = (*BOUNDS, *OVER_SITES)


def check_sites(sites: Iterable[str]) -> None:
    """Refuse a site whose metrics would pass for something else: ``field_f1/minimum``.

    Raises:
        BadSuite: There is one.
    """
    for site in sites:
        if site.rpartition("/")[2] in _TAKEN:
            raise BadSuite(
                f"no site may be called {site!r}: {', '.join(_TAKEN)} end metrics' names"
            )
