"""Printed text to normal form: decimals, dates, units, flags, and words of closed lists.

The normal form is what programs compare: a decimal with a point, a UCUM unit, an ISO date. What
could mean two things stays as it is printed, with a note that says why; nothing is guessed, and
nothing is converted from one unit to another.
"""

from medley_server.normal_forms.amounts import UcumAmount, dose_of
from medley_server.normal_forms.conventions import Conventions
from medley_server.normal_forms.dates import date_of, moment_of, time_of
from medley_server.normal_forms.fields import normal_form
from medley_server.normal_forms.frequencies import frequency_of
from medley_server.normal_forms.names import drug_name, lab_name, vital_name
from medley_server.normal_forms.normal_form import NormalForm
from medley_server.normal_forms.numbers import Number, number_of
from medley_server.normal_forms.ranges import Range, range_of
from medley_server.normal_forms.units import is_ucum, ucum_of
from medley_server.normal_forms.words import (
    assertion_of,
    flag_of,
    laterality_of,
    medication_status_of,
    route_of,
)

__all__ = [
    "Conventions",
    "NormalForm",
    "Number",
    "Range",
    "UcumAmount",
    "assertion_of",
    "date_of",
    "dose_of",
    "drug_name",
    "flag_of",
    "frequency_of",
    "is_ucum",
    "lab_name",
    "laterality_of",
    "medication_status_of",
    "moment_of",
    "normal_form",
    "number_of",
    "range_of",
    "route_of",
    "time_of",
    "ucum_of",
    "vital_name",
]
