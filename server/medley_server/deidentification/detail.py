"""A person's detail in a text."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What is masked; each stands for one or more of HIPAA's 18 kinds (45 CFR 164.514(b)(2)).

    Attributes:
        NAME: Of patients, relatives and clinicians.
        PLACE: Streets, towns with their postcodes, hospitals.
        DATE: Everything finer than a year.
        AGE: From 90 on.
        PHONE: Telephone and fax.
        EMAIL: Addresses of electronic mail.
        WEB: URLs and IP addresses.
        ID: Numbers of people, records, insurances, accounts, licences, vehicles and devices.
    """

    NAME = "name"
    PLACE = "place"
    DATE = "date"
    AGE = "age"
    PHONE = "phone"
    EMAIL = "email"
    WEB = "web"
    ID = "id"


@dataclass(frozen=True, slots=True, order=True)
class Detail:
    """Where it stands: the characters from `start` to before `end`."""

    start: int
    end: int
    kind: Kind
