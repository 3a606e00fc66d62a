"""What a printed text says."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NormalForm:
    """The normal form of a text.

    Attributes:
        value: The normal form; without a known one the text as it is printed.
        is_known: Whether `value` is a normal form.
        note: Why there is none, where the text could mean two things; one line for a person.
    """

    value: str
    is_known: bool = True
    note: str | None = None

    @classmethod
    def printed(cls, text: str, note: str | None = None) -> "NormalForm":
        """A text that stays as it is."""
        return cls(text, is_known=False, note=note)
