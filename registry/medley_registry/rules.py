"""What a change must satisfy besides being well-formed, judged inside its transaction."""

from datetime import datetime
from math import isfinite

from medley_registry.adapters import FIRST_STATES, NEXT_STATES, Adapter, Version, VersionState
from medley_registry.aliases import Alias
from medley_registry.bases import BaseModel
from medley_registry.digest import Digest
from medley_registry.errors import (
    AdmissionRefused,
    BaseMismatch,
    IllegalTransition,
    NameTaken,
    NotServable,
    StaleGeneration,
    Withdrawn,
)
from medley_registry.index import IndexReader
from medley_registry.lineage import Lineage
from medley_registry.lookup import find_number
from medley_registry.references import Reference
from medley_registry.withdrawals import Revocation

# What callers may write where a name stands, meaning something else: the server's own routing.
_RESERVED_NAMES = frozenset({"auto"})
_TEXT_LIMIT = 500
_MOST_ROUNDS = 10**9
_MOST_PARENTS, _MOST_CONTRIBUTIONS = 1000, 10_000
_FIRST_YEAR, _LAST_YEAR = 2000, 9000
_NO_BYTES = frozenset({VersionState.REVOKED, VersionState.DELETED})


def check_text(what: str, text: str, *, at_least: int = 1) -> None:
    """Text that will be shown to people: one line, so that it cannot forge a second one.

    Raises:
        AdmissionRefused: by rule ``text``.
    """
    is_line = at_least <= len(text) <= _TEXT_LIMIT and text.isprintable()
    if not is_line or text != text.strip():  # two names must not differ by what nobody sees
        raise AdmissionRefused(
            "text",
            text,
            because=f"{what} is one printable line of {at_least} to {_TEXT_LIMIT} characters",
        )


def check_time(what: str, at: datetime | None) -> None:
    """Times from outside: of a known zone, and of this millennium or so.

    Raises:
        AdmissionRefused: by rule ``time``.
    """
    if at is not None and (at.tzinfo is None or not _FIRST_YEAR <= at.year <= _LAST_YEAR):
        because = f"{what} has a time zone and a year from {_FIRST_YEAR} to {_LAST_YEAR}"
        raise AdmissionRefused("time", str(at), because=because)


def check_round(round_: int | None) -> None:
    """Rounds are counted from 1, and no run has a billion of them.

    Raises:
        AdmissionRefused: by rule ``round``.
    """
    if round_ is not None and not 1 <= round_ <= _MOST_ROUNDS:
        raise AdmissionRefused("round", round_, because=f"rounds are counted 1 to {_MOST_ROUNDS}")


def check_base_name(reader: IndexReader, name: str) -> None:
    """A request names a base or an adapter with the same word, so no word may mean both.

    Raises:
        NameTaken: an adapter has the name, or it is reserved.
    """
    if reader.one(Adapter, name=name) is not None:
        raise NameTaken(f"{name!r} is an adapter's name")
    _check_not_reserved(name)


def check_adapter_name(reader: IndexReader, name: str) -> None:
    """As `check_base_name`, for an adapter.

    Raises:
        NameTaken: a base model has the name, or it is reserved.
    """
    if reader.one(BaseModel, name=name) is not None:
        raise NameTaken(f"{name!r} is a base model's name")
    _check_not_reserved(name)


def check_same_base(adapter: Adapter, base: BaseModel) -> None:
    """All versions of an adapter are for one base model, whatever it is called.

    Raises:
        BaseMismatch: the base's content is not what the adapter is for.
    """
    if adapter.base_id != base.base_id:
        raise BaseMismatch(
            f"adapter {adapter.name!r} is for base model {adapter.base!r}, "
            f"and {base.name!r} is another"
        )


def check_generation(current: Alias | None, *, expected: int | None) -> None:
    """Compare before setting; None expects nothing, 0 that the alias does not exist yet.

    Raises:
        StaleGeneration: somebody else has moved the alias.
    """
    found = current.generation if current else 0
    if expected is not None and expected != found:
        raise StaleGeneration(found, expected=expected)


def check_first_state(state: VersionState) -> None:
    """A version begins in one of `FIRST_STATES`.

    Raises:
        IllegalTransition: in another it cannot begin.
    """
    if state not in FIRST_STATES:
        fitting = ", ".join(sorted(FIRST_STATES))
        raise IllegalTransition(f"no version begins {state}; it may begin: {fitting}")


def check_transition(version: Version, state: VersionState) -> None:
    """A state follows from another by `NEXT_STATES`.

    Raises:
        IllegalTransition: no way leads there.
    """
    fitting = NEXT_STATES[version.state]
    if state not in fitting:
        ways = ", ".join(sorted(fitting)) or "nothing"
        raise IllegalTransition(
            f"{version.reference} is {version.state}; from there it may become {ways}, not {state}"
        )


def check_promotable(version: Version) -> None:
    """An alias moves forward to admitted versions only.

    Raises:
        NotServable: the version is in another state.
    """
    if version.state is not VersionState.ADMITTED:
        raise NotServable(
            f"{version.reference} is {version.state}; only an admitted version can be promoted"
        )


def check_readable(version: Version, *, to_serve: bool) -> None:
    """Whose bytes may be written out.

    Raises:
        NotServable: the version's state forbids it.
    """
    is_allowed = version.state.is_servable if to_serve else version.state not in _NO_BYTES
    if not is_allowed:
        raise NotServable(f"{version.reference} is {version.state}")


def check_not_revoked(reader: IndexReader, digest: Digest, *, weights: Digest | None) -> None:
    """Revoked content does not come back, be it under another name or with another README.

    Raises:
        Withdrawn: this content was revoked, or these weights were.
    """
    revocation = reader.one(Revocation, digest=digest)
    if revocation is None and weights is not None:
        revocation = next(iter(reader.all(Revocation, weights=weights)), None)
    if revocation is not None:
        raise Withdrawn(f"{revocation.digest} was revoked: {revocation.reason}")


def check_lineage(reader: IndexReader, lineage: Lineage) -> None:
    """Every parent exists, or did, and holds what is said of it: so no lineage runs in circles.

    That of an imported version is another registry's, and is taken as it was there.

    Raises:
        AdapterNotFound, VersionNotFound: a parent is not here.
        AdmissionRefused: by rule ``lineage``, where a parent has other content.
    """
    _check_bounds(lineage)
    for parent in () if lineage.origin else lineage.parents:
        reference = Reference.parse(parent.reference)
        if reference.number is None:
            raise AdmissionRefused("lineage", parent.reference, because="a parent is name:number")
        found = find_number(reader, reference.adapter, reference.number)
        if found.digest != parent.digest:
            raise AdmissionRefused(
                "lineage", str(parent.digest), because=f"{parent.reference} is {found.digest}"
            )


def _check_bounds(lineage: Lineage) -> None:
    sizes = (len(lineage.parents), len(lineage.contributions))
    if sizes[0] > _MOST_PARENTS or sizes[1] > _MOST_CONTRIBUTIONS:
        because = f"at most {_MOST_PARENTS} parents and {_MOST_CONTRIBUTIONS} contributions"
        raise AdmissionRefused("lineage", sizes, because=because)
    for what in ("run", "strategy", "origin"):
        check_text(f"the lineage's {what}", getattr(lineage, what), at_least=0)
    for contribution in lineage.contributions:
        check_text("a participant", contribution.participant)
        check_text("a contribution's key", contribution.key_id, at_least=0)
        if not isfinite(contribution.weight):
            raise AdmissionRefused("lineage", contribution.weight, because="weights are finite")


def _check_not_reserved(name: str) -> None:
    if name in _RESERVED_NAMES:
        raise NameTaken(f"{name!r} is reserved")
