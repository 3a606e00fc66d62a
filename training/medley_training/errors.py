"""Everything that training refuses, as one tree.

    TrainingError
    ├── DataError
    │   ├── BadExample             a line of an examples file is not a chat
    │   ├── BadSource              a data set's files are missing or not in their form
    │   ├── NothingToLearn         an example holds no completion within the token limit
    │   ├── SitesOverlap           one example is at two sites, or both learnt from and held out
    │   └── UnsupportedTemplate    a chat template rewrites earlier turns as later ones are added
    ├── AdapterError
    │   ├── AdapterNotReadable     a folder holds no adapter that could be read
    │   └── IncompatibleAdapter    an adapter does not fit the model it should continue on
    ├── RecipeError                a recipe or an option in it cannot be used
    ├── IdentityError
    │   ├── BadKey                 a key is missing, damaged, open to others or in the way
    │   ├── BadSignature           an envelope is not signed by a key that counts
    │   └── LogDamaged             the Merkle log's file does not hold what it should
    ├── ContributionRefused        a contribution is not counted; ``reason`` says why
    ├── TaskRefused                a site will not do what it was asked
    ├── PrivacyError
    │   ├── BudgetSpent            the next step would pass the privacy budget
    │   └── PrivateAdapterBroken   a privately trained adapter is not what was in memory
    ├── RoundError
    │   ├── TooFewContributions    fewer sites answered than the recipe needs
    │   ├── RunMismatch            a run folder belongs to another recipe or seed
    │   ├── RunDamaged             a file of the run folder is missing or not what was written
    │   └── NotReproduced          a round's aggregate is not what its statement says
    ├── MeasuringError
    │   ├── NotMeasured            what was to be measured did not answer, or not as it should
    │   ├── BadLoad                a load or a set of variants that cannot be measured
    │   └── BadSuite               a suite, or what to put it to, that cannot be evaluated
    ├── NothingRecorded            no record to report of; says which commands make some
    ├── CannotQuantize             a base or adapter has no such variant; says why, and what to do
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


class BadSource(DataError):
    """A data set's files are missing or not in the form that its loader reads."""

    code: ClassVar[str] = "bad_source"


class SitesOverlap(DataError):
    """The same example is at two sites, or is both learnt from and held out."""

    code: ClassVar[str] = "sites_overlap"


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


class RecipeError(TrainingError):
    """A recipe, or a value in it, cannot be used; the message names what would be right."""

    code: ClassVar[str] = "bad_recipe"


class IdentityError(TrainingError):
    """Who said what cannot be established."""

    code: ClassVar[str] = "identity_error"


class BadKey(IdentityError):
    """A key file is missing, damaged, readable by others, or would be replaced."""

    code: ClassVar[str] = "bad_key"


class BadSignature(IdentityError):
    """An envelope is damaged, or not signed by a key that counts at that time."""

    code: ClassVar[str] = "bad_signature"


class LogDamaged(IdentityError):
    """The Merkle log's file does not hold the leaves that its tree heads were signed over."""

    code: ClassVar[str] = "log_damaged"


class ContributionRefused(TrainingError):
    """A contribution is not counted; the round goes on without it.

    Attributes:
        reason: One stable word: ``unsigned``, ``unknown_signer``, ``revoked_key``, ``expired_key``
            (or not valid yet), ``replayed``, ``wrong_round``, ``wrong_run``, ``wrong_start``,
            ``wrong_base``, ``wrong_quantization``, ``wrong_codec``, ``wrong_privacy``, ``altered``,
            ``malformed``, ``wrong_shape``, ``not_finite``, ``absurd_norm``.
    """

    code: ClassVar[str] = "contribution_refused"

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason


class TaskRefused(TrainingError):
    """A site will not do what it was asked: not signed by its coordinator, or not for it."""

    code: ClassVar[str] = "task_refused"


class PrivacyError(TrainingError):
    """A private training cannot go on or cannot be trusted."""

    code: ClassVar[str] = "privacy_error"


class BudgetSpent(PrivacyError):
    """The next step would pass the privacy budget; nothing of it was done."""

    code: ClassVar[str] = "budget_spent"


class PrivateAdapterBroken(PrivacyError):
    """A privately trained adapter did not change, or its file answers unlike the model in memory.

    See https://github.com/meta-pytorch/opacus/issues/820.
    """

    code: ClassVar[str] = "private_adapter_broken"


class RoundError(TrainingError):
    """A round cannot be carried out, continued or verified."""

    code: ClassVar[str] = "round_error"


class TooFewContributions(RoundError):
    """Fewer sites than the recipe needs answered in time with a contribution that counts."""

    code: ClassVar[str] = "too_few_contributions"


class RunMismatch(RoundError):
    """A run folder belongs to another recipe, seed or set of participants."""

    code: ClassVar[str] = "run_mismatch"


class RunDamaged(RoundError):
    """A file of the run folder is missing or not what was written."""

    code: ClassVar[str] = "run_damaged"


class NotReproduced(RoundError):
    """Recomputing a round gave other bytes than its signed statement says."""

    code: ClassVar[str] = "not_reproduced"


class MeasuringError(TrainingError):
    """Something cannot be measured as asked."""

    code: ClassVar[str] = "measuring_error"


class NotMeasured(MeasuringError):
    """What was to be measured did not answer, or not in the form that it should."""

    code: ClassVar[str] = "not_measured"


class BadLoad(MeasuringError):
    """A load or a set of variants that cannot be measured; the message names what would do."""

    code: ClassVar[str] = "bad_load"


class BadSuite(MeasuringError):
    """A suite, or what it is to be put to, cannot be evaluated so; the message names what would."""

    code: ClassVar[str] = "bad_suite"


class NothingRecorded(TrainingError):
    """There is no record that a report could be made from."""

    code: ClassVar[str] = "nothing_recorded"

    def __init__(self) -> None:
        commands = "medley bench, medley eval or medley train run"
        super().__init__(f"nothing is recorded here to report of; record something with {commands}")


class CannotQuantize(TrainingError):
    """A variant cannot be made; the message says why, and what would work."""

    code: ClassVar[str] = "cannot_quantize"


class Diverged(TrainingError):
    """The loss or its gradient became infinite or not a number; the weights are worthless."""

    code: ClassVar[str] = "diverged"
