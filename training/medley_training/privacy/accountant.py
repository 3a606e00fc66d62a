"""How much privacy a site has spent, over all runs and rounds, and where it stops."""

import fcntl
import json
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from decimal import ROUND_CEILING, Context
from pathlib import Path
from typing import Any

from medley_registry.durable import make_folder, replace_file

from medley_training.errors import BudgetSpent, PrivacyError
from medley_training.privacy.quiet_opacus import quiet_opacus

_FORMAT = 1
# Beyond Opacus's own orders, for little noise and for much; a bound at any order is valid.
_LOW_ORDERS = (1.01, 1.02, 1.05)
_HIGH_ORDERS = (80, 96, 128, 192, 256, 384, 512)


@dataclass(frozen=True, slots=True)
class Release:
    """One result that may leave the site.

    Attributes:
        run: Which run; two runs have two names.
        round: The round in it, from 1.
        nonce: Of the task: a round that is asked for again, in a task of its own, is another
            release, with noise of its own, and is paid again.
    """

    run: str
    round: int
    nonce: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """Steps of the subsampled Gaussian mechanism for one release.

    Attributes:
        sample_rate: The probability that a given example is in a step's draw; 1 without drawing.
        noise_multiplier: The noise's standard deviation over the sensitivity.
        steps: How many.
    """

    release: Release
    sample_rate: float
    noise_multiplier: float
    steps: int

    def __post_init__(self) -> None:
        if not (0 < self.sample_rate <= 1 and self.noise_multiplier > 0 and self.steps > 0):
            raise ValueError(f"not a spending: {self}")


def rounded_up(epsilon: float) -> float:
    """To two digits, as it may be told to others: the exact figure tells the number of examples."""
    return float(Context(prec=2, rounding=ROUND_CEILING).create_decimal_from_float(epsilon))


def epsilon_of(spendings: Sequence[Spending], *, delta: float) -> float:
    """The epsilon of everything together, for this delta.

    Rényi differential privacy of the sampled Gaussian mechanism (Mironov, Talwar and Zhang,
    arXiv:1908.10530, §3.3), added up over all steps at each order, then turned into epsilon (Balle
    et al., arXiv:1905.09982, theorem 21), by Opacus. Neighbours differ by one example more or less.
    """
    with quiet_opacus():
        from opacus.accountants import RDPAccountant

    accountant = RDPAccountant()
    accountant.history = [(s.noise_multiplier, s.sample_rate, s.steps) for s in spendings]
    orders = [*_LOW_ORDERS, *RDPAccountant.DEFAULT_ALPHAS, *_HIGH_ORDERS]
    with warnings.catch_warnings():
        # The bound at the outermost order is valid, only not the tightest there is.
        warnings.filterwarnings("ignore", "Optimal order is the", UserWarning)
        return float(accountant.get_epsilon(delta, alphas=orders))


class PrivacyLedger:
    """A site's account of what it has spent on one set of data: a JSON file that only grows.

    A spending is on disk before the first of its steps is done. A task that is taken up again after
    a crash reserves the same again and pays once, because only one of its results leaves the site:
    whoever sends one has it on disk before, keeps it, and sends that one again when asked again. A
    reservation that differs in anything is paid in addition.

    Args:
        path: The file; made with the first reservation. Several processes may share it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def spendings(self) -> tuple[Spending, ...]:
        """Everything reserved so far, in that order.

        Raises:
            PrivacyError: The file is there and cannot be read: nobody knows what was spent.
        """
        try:
            return tuple(_parsed(self._path.read_bytes()))
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise PrivacyError(
                f"the privacy ledger {self._path} cannot be read: {error}"
            ) from error

    def epsilon(self, *, delta: float) -> float:
        """What has been spent in all runs and rounds together; 0 if nothing was."""
        return epsilon_of(self.spendings(), delta=delta)

    def reserve(
        self, spending: Spending, *, delta: float, epsilon_budget: float | None = None
    ) -> float:
        """Write down a spending before it is made.

        Returns:
            The epsilon of everything so far with it.

        Raises:
            BudgetSpent: It would pass the budget; nothing was written, and no step may be done.
            PrivacyError: The ledger cannot be read or written.
        """
        with self._locked():
            before = self.spendings()
            after = before if spending in before else (*before, spending)
            epsilon = epsilon_of(after, delta=delta)
            if epsilon_budget is not None and epsilon > epsilon_budget and after != before:
                spent = epsilon_of(before, delta=delta)
                raise BudgetSpent(
                    f"round {spending.release.round} would bring epsilon from "
                    f"{rounded_up(spent):g} to {rounded_up(epsilon):g} at delta {delta:g}; "
                    f"the budget is {epsilon_budget:g}"
                )
            if after != before:
                self._write(after)
        return epsilon

    def _write(self, spendings: Sequence[Spending]) -> None:
        record = {"format": _FORMAT, "spendings": [asdict(spending) for spending in spendings]}
        replace_file(self._path, json.dumps(record, indent=1).encode())

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep other processes from reserving at the same time, each unaware of the other."""
        try:
            make_folder(self._path.parent)
            lock = self._path.with_name(f"{self._path.name}.lock").open("wb")
        except OSError as error:
            raise PrivacyError(
                f"the privacy ledger {self._path} cannot be used: {error}"
            ) from error
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # let go when the file is closed, or its process dies
            yield


def _parsed(data: bytes) -> Iterator[Spending]:
    record: Any = json.loads(data)
    if record["format"] != _FORMAT:
        raise ValueError(f"format {record['format']!r}, expected {_FORMAT}")
    for fields in record["spendings"]:
        yield Spending(**{**fields, "release": Release(**fields["release"])})
