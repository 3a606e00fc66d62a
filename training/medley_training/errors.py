"""Everything that training refuses, as one tree.

    TrainingError
    ├── DataError
    │   ├── BadExample             a line of an examples file is not a chat
    │   ├── NothingToLearn         an example holds no completion within the token limit
    │   └── UnsupportedTemplate    a chat template rewrites earlier turns as later ones are added
    ├── AdapterError
    │   ├── AdapterNotReadable     a folder holds no adapter that could be read
    │   └── IncompatibleAdapter    an adapter does not fit the model it should continue on
    └── Diverged                   the loss or its gradient stopped being a finite number

Every class has a stable ``code`` for logs and run records; messages are for people and may change.
"""

from pathlib import Path
from typing import ClassVar


class TrainingError(Exception):
    """Base of every error that a caller of this package can act on."""

    code: ClassVar[str] = "training_error"


class DataError(TrainingError):
    """The training data cannot be used as it is."""

    code: ClassVar[str] = "data_error"


class BadExample(DataError):
    """A line of an examples file is not a chat.

    Attributes:
        path: The file.
        line: The line in it, counted from 1.
    """

    code: ClassVar[str] = "bad_example"

    def __init__(self, path: Path, line: int, reason: str) -> None:
        super().__init__(f"{path}:{line}: {reason}")
        self.path = path
        self.line = line


class NothingToLearn(DataError):
    """No example, or an example without a completion inside the token limit."""

    code: ClassVar[str] = "nothing_to_learn"


class UnsupportedTemplate(DataError):
    """Adding a turn changes the tokens of earlier turns, so completions cannot be located."""

    code: ClassVar[str] = "unsupported_template"


class AdapterError(TrainingError):
    """An adapter folder cannot serve as the start of a training."""

    code: ClassVar[str] = "adapter_error"


class AdapterNotReadable(AdapterError):
    """The folder holds no adapter, or its files are damaged."""

    code: ClassVar[str] = "adapter_not_readable"


class IncompatibleAdapter(AdapterError):
    """The adapter's shape, rank, scaling or modules differ from the model to continue on."""

    code: ClassVar[str] = "incompatible_adapter"


class Diverged(TrainingError):
    """The loss or its gradient became infinite or not a number; the weights are worthless."""

    code: ClassVar[str] = "diverged"
