"""What a change must satisfy besides being well-formed, judged inside its transaction."""

from medley_registry.adapters import Adapter, Alias
from medley_registry.bases import BaseModel
from medley_registry.errors import AdmissionRefused, BaseMismatch, NameTaken, StaleGeneration
from medley_registry.index import IndexReader

# What callers may write where a name stands, meaning something else: the server's own routing.
_RESERVED_NAMES = frozenset({"auto"})
_TEXT_LIMIT = 500


def check_text(what: str, text: str, *, at_least: int = 1) -> None:
    """Text that will be shown to people: one line, so that it cannot forge a second one.

    Raises:
        AdmissionRefused: by rule ``text``.
    """
    if not (at_least <= len(text) <= _TEXT_LIMIT and text.isprintable()):
        raise AdmissionRefused(
            "text",
            text,
            because=f"{what} is one printable line of {at_least} to {_TEXT_LIMIT} characters",
        )


def check_base_name(reader: IndexReader, name: str) -> None:
    """A request names a base or an adapter with the same word, so no word may mean both.

    Raises:
        NameTaken: an adapter has the name, or it is reserved.
    """
    if reader.adapter(name) is not None:
        raise NameTaken(f"{name!r} is an adapter's name")
    _check_not_reserved(name)


def check_adapter_name(reader: IndexReader, name: str) -> None:
    """As `check_base_name`, for an adapter.

    Raises:
        NameTaken: a base model has the name, or it is reserved.
    """
    if reader.base(name) is not None:
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
        raise StaleGeneration(f"the alias has generation {found}, not the expected {expected}")


def _check_not_reserved(name: str) -> None:
    if name in _RESERVED_NAMES:
        raise NameTaken(f"{name!r} is reserved")
