"""Numbers, dates and amounts, the way a site writes them."""

from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

from medley_training.documents.lexicon import Unit
from medley_training.documents.styles import SiteStyle

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
UCUM_AMOUNTS = {"mcg": "ug", "units": "[iU]"}


def converted(amount: float, unit: Unit) -> Decimal:
    """A customary amount in `unit`, rounded to the digits that are printed."""
    exact = Decimal(repr(amount)) * Decimal(repr(unit.scale)) + Decimal(repr(unit.offset))
    rounded = exact.quantize(Decimal(1).scaleb(-unit.digits), ROUND_HALF_UP)
    return abs(rounded) if rounded.is_zero() else rounded  # never "-0"


def printed(number: Decimal | str, style: SiteStyle) -> str:
    """A decimal with the site's decimal mark."""
    return str(number).replace(".", style.decimal)


def printed_unit(unit: str, style: SiteStyle) -> str:
    """A unit as the site spells it; of ``mcg/kg/min`` also only the first part."""
    if unit in style.units:
        return style.units[unit].strip()
    first, slash, rest = unit.partition("/")
    return style.units.get(first, first).strip() + slash + rest


def printed_dose(strength: str, style: SiteStyle) -> str:
    """A strength such as ``2.5 mg`` in the site's figures, unit and spacing."""
    amount, _, unit = strength.partition(" ")
    # Without a space "10 units" would read 10units, or with an abbreviation 10U, which reads 100.
    gap = " " if unit.startswith("units") else ""
    dose = style.dose.format(amount=printed(amount, style), unit=printed_unit(unit, style))
    return dose if " " in dose or not gap else dose.replace(amount, amount + gap, 1)


def normal_dose(strength: str) -> str:
    """A strength with its unit in UCUM."""
    amount, _, unit = strength.partition(" ")
    first, slash, rest = unit.partition("/")
    return f"{amount} {UCUM_AMOUNTS.get(first, first)}{slash}{rest}"


def printed_date(day: date, style: SiteStyle) -> str:
    """A date in the site's order."""
    return style.date.format(
        day=day.day, month=day.month, year=day.year, month_name=MONTHS[day.month - 1]
    )


def printed_time(at: datetime, style: SiteStyle) -> str:
    """A time of day in the site's form."""
    return style.time.format(
        hour=at.hour,
        minute=at.minute,
        hour12=at.hour % 12 or 12,
        am_pm="AM" if at.hour < 12 else "PM",
    )
