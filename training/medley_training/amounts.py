"""Sizes, durations and counts in words for people; programs get plain numbers."""


def size_text(size_bytes: float) -> str:
    """Three digits and a decimal unit, for example ``1.84 MB``."""
    amount = float(size_bytes)
    for unit in ("bytes", "kB", "MB", "GB"):
        if amount < 999.5:
            return f"{amount:.3g} {unit}"
        amount /= 1000
    return f"{amount:.3g} TB"


def count_text(count: float) -> str:
    """Exact below ten thousand, above it three digits: ``135 M``."""
    if count < 10_000:
        return f"{count:,.0f}"
    amount = float(count)
    for unit in ("", "k", "M", "G"):
        if amount < 999.5:
            return f"{amount:.3g} {unit}"
        amount /= 1000
    return f"{amount:.3g} T"


def duration_text(duration_s: float) -> str:
    """For example ``0.4 s``, ``58 s``, ``3 min 20 s`` or ``2 h 05 min``."""
    if duration_s < 9.95:
        return f"{duration_s:.1f} s"
    minutes, seconds = divmod(round(duration_s), 60)
    if not minutes:
        return f"{seconds} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {seconds:02d} s"


def counted(number: int, noun: str) -> str:
    """For example ``1 site``, ``2 sites``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
