"""Numbers as they stand in a report's tables: three digits, a unit, perhaps an interval."""

from medley_training.amounts import count_text, size_text
from medley_training.reports.records.content import Quantity
from medley_training.reports.records.estimate import Estimate

ABSENT = "-"
_MEGABYTE = 1_000_000
_MINUS = "\N{MINUS SIGN}"
_NOTHING = Quantity(None, ABSENT)


def milliseconds(number: Estimate | None) -> Quantity:
    """For example ``31.2 ms``."""
    return _NOTHING if number is None else _quantity(number, milliseconds_text(number.value))


def milliseconds_text(value: float) -> str:
    return f"{digits(value)} ms" if value < 10_000 else f"{digits(value / 1000)} s"


def megabytes(number: Estimate | None) -> Quantity:
    """For example ``269 MB``; the value stays in megabytes."""
    return _NOTHING if number is None else _quantity(number, megabytes_text(number.value))


def megabytes_text(value: float) -> str:
    return size_text(value * _MEGABYTE)


def seconds(number: Estimate | None) -> Quantity:
    return _NOTHING if number is None else _quantity(number, f"{digits(number.value)} s")


def percent(number: Estimate | None) -> Quantity:
    """A share, for example ``41.3 %``."""
    return _NOTHING if number is None else _quantity(number, percent_text(number.value))


def percent_text(share: float) -> str:
    return f"{100 * share:.1f} %"


def plain(number: Estimate | None) -> Quantity:
    """A number without a unit."""
    return _NOTHING if number is None else _quantity(number, digits(number.value))


def with_interval(number: Estimate | None) -> Quantity:
    """A score, for example ``0.412 [0.380, 0.444]``."""
    if number is None:
        return _NOTHING
    return Quantity(number.value, score_text(number), number.low, number.high)


def score_text(number: Estimate) -> str:
    """What `with_interval` shows."""
    text = digits(number.value)
    if number.low is not None and number.high is not None:
        text += f" [{digits(number.low)}, {digits(number.high)}]"
    return text


def whole(number: Estimate | None) -> Quantity:
    """A count."""
    return _NOTHING if number is None else _quantity(number, count_text(number.value))


def change(number: Estimate | None, against: Estimate | None) -> Quantity:
    """How much more or less than something else, for example ``-64.2 %``."""
    share = change_of(number, against)
    return _NOTHING if share is None else Quantity(share, change_text(share))


def change_of(number: Estimate | None, against: Estimate | None) -> float | None:
    """The relative change; None where one of them was not recorded, or is nothing."""
    if number is None or against is None or against.value == 0:
        return None
    return number.value / against.value - 1


def change_text(share: float) -> str:
    shown = round(100 * share, 1) + 0.0  # never -0.0
    return f"{shown:+.1f} %".replace("-", _MINUS)


def signed(value: float | None) -> Quantity:
    """A difference with its sign."""
    return _NOTHING if value is None else Quantity(value, signed_text(value))


def signed_text(value: float) -> str:
    return f"{'+' if value >= 0 else ''}{digits(value)}"


def ratio(number: Estimate | None, of: Estimate | None) -> Quantity:
    """How many times as much, for example 2.41 times."""
    share = change_of(number, of)
    if share is None:
        return _NOTHING
    return Quantity(share + 1, f"{digits(share + 1)} \N{MULTIPLICATION SIGN}")


def digits(value: float) -> str:
    """Three digits that count, never in powers of ten where people would stumble."""
    if value == 0 or 0.001 <= abs(value) < 1:
        text = f"{value:.3f}"
    else:
        text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return text.replace("-", _MINUS) if value < 0 else text


def _quantity(number: Estimate, text: str) -> Quantity:
    return Quantity(number.value, text, number.low, number.high)
