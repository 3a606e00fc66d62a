"""References: the strings callers write to name a version.

::

    name                     the version that the alias `production` points at
    name@alias               the version that this alias points at
    name:7                   version 7
    name@sha256:<hex>      the version with this digest; 12 to 64 digits that fit only one will do
"""

import re
from dataclasses import dataclass

from medley_registry.digest import ALGORITHM
from medley_registry.errors import InvalidReference

DEFAULT_ALIAS = "production"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_NUMBER = re.compile(r"[1-9][0-9]{0,17}")
_DIGEST_PREFIX = re.compile(r"[0-9a-f]{12,64}")


@dataclass(frozen=True, slots=True)
class Reference:
    """An adapter's name and at most one selector; ``parse(str(r)) == r`` and back."""

    adapter: str
    alias: str | None = None
    number: int | None = None
    digest_prefix: str | None = None

    def __post_init__(self) -> None:
        check_name(self.adapter)
        selectors = (self.alias, self.number, self.digest_prefix)
        if sum(selector is not None for selector in selectors) > 1:
            raise InvalidReference("a reference has at most one of alias, number and digest")
        if self.alias is not None:
            check_alias(self.alias)
        if self.number is not None and not _NUMBER.fullmatch(str(self.number)):
            raise InvalidReference(f"{self.number!r} is not a version number (1, 2, 3, …)")
        if self.digest_prefix is not None and not _DIGEST_PREFIX.fullmatch(self.digest_prefix):
            raise InvalidReference(
                f"{self.digest_prefix!r} is not 12 to 64 lower-case hex digits of a digest"
            )

    def __str__(self) -> str:
        if self.number is not None:
            return f"{self.adapter}:{self.number}"
        if self.digest_prefix is not None:
            return f"{self.adapter}@{ALGORITHM}:{self.digest_prefix}"
        return self.adapter if self.alias is None else f"{self.adapter}@{self.alias}"

    @classmethod
    def parse(cls, text: str) -> "Reference":
        """Read a reference.

        Raises:
            InvalidReference: the text follows none of the four forms.
        """
        name, at, selector = text.partition("@")
        if at:
            algorithm, colon, prefix = selector.partition(":")
            if colon and algorithm == ALGORITHM:
                return cls(name, digest_prefix=prefix)
            return cls(name, alias=selector)
        name, colon, number = text.partition(":")
        if not colon:
            return cls(name)
        if not _NUMBER.fullmatch(number):
            raise InvalidReference(f"{number!r} in {text!r} is not a version number (1, 2, 3, …)")
        return cls(name, number=int(number))


def check_name(name: str) -> None:
    """Names of adapters and base models.

    Raises:
        InvalidReference: the name is not 1 to 63 of ``a-z 0-9 . _ -``, the first a letter or digit.
    """
    if not _NAME.fullmatch(name):
        raise InvalidReference(
            f"{name!r} is not a name: 1 to 63 of a-z, 0-9, '.', '_', '-', first a letter or digit"
        )


def check_alias(alias: str) -> None:
    """Names of aliases, which must never be mistaken for a number or a digest.

    Raises:
        InvalidReference: not a name, all digits, or beginning with ``sha256``.
    """
    check_name(alias)
    if alias.isdigit() or alias.startswith(ALGORITHM):
        raise InvalidReference(f"{alias!r} cannot be an alias: it reads as a number or a digest")
