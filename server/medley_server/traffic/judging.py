"""Whether a version that is tried has broken a bound; pure functions, no clock and no registry."""

from medley_registry import Bounds

from medley_server.traffic.window import Tally, percentile_95

_OF = ("time to first token", "time to answer")


def broken(bounds: Bounds, tried: Tally, stable: Tally) -> str | None:
    """What a version has broken beside the alias's target, in one line; None: nothing yet."""
    by_itself = broken_errors(bounds, tried) or _differs(bounds, tried)
    return by_itself or _broken_times(bounds, tried, stable)


def broken_errors(bounds: Bounds, tally: Tally) -> str | None:
    """Too many failures.

    Before there are enough requests it is reckoned as if those missing had all gone well: what is
    too much even so need not be waited for.
    """
    if bounds.max_error_rate is None or not tally.failed:
        return None
    if tally.failed / max(tally.requests, bounds.min_requests) <= bounds.max_error_rate:
        return None
    return f"{tally.failed} of {tally.requests} requests failed; {bounds.max_error_rate:g} may"


def _broken_times(bounds: Bounds, tried: Tally, stable: Tally) -> str | None:
    if bounds.max_latency_ratio is None:
        return None
    for what, ours, theirs in zip(_OF, tried.times, stable.times, strict=True):
        if min(len(ours), len(theirs)) < bounds.min_requests:
            continue
        slow, usual = percentile_95(ours), percentile_95(theirs)
        if slow > usual * bounds.max_latency_ratio:
            return (
                f"p95 {what} is {slow:.3f} s against {usual:.3f} s; "
                f"{bounds.max_latency_ratio:g} times that is allowed"
            )
    return None


def _differs(bounds: Bounds, tried: Tally) -> str | None:
    found = tried.agreement
    if bounds.min_agreement is None or found is None:
        return None
    if len(tried.agreements) < bounds.min_requests or found >= bounds.min_agreement:
        return None
    return (
        f"agreement is {found:.3f} over {len(tried.agreements)} answers; "
        f"{bounds.min_agreement:g} is needed"
    )
