"""What ``--json`` prints of the difference between two versions (see `records`)."""

from typing import Any

from typing_extensions import TypedDict

from medley_registry.commands.words import Form, Measurement


class ChangeRecord(TypedDict):
    """A value in which two versions differ; None stands for what is not there."""

    name: str
    old: Any
    new: Any


class NormsRecord(TypedDict):
    """Frobenius norms of one module's tensors."""

    a: float
    b: float
    update: float
    """Of what an engine adds to the base's weight: B·A, scaled by alpha and rank."""


class ModuleChangeRecord(TypedDict):
    """What became of one module's update."""

    module: str
    old: NormsRecord | None
    new: NormsRecord | None
    distance: float
    """The norm of the new update less the old one."""
    change: float | None
    """The distance by the old update's norm; None where that is zero or not there."""


class MetricChangeRecord(TypedDict):
    """A metric of the newest evidence, side by side."""

    variant: Form
    kind: Measurement
    suite: str
    metric: str
    old: float | None
    new: float | None
    is_same_suite: bool
    """Whether both ran the suite in the same content, so that they can be compared."""


class DifferenceRecord(TypedDict):
    """What differs between two versions."""

    old: str
    new: str
    is_same_content: bool
    config: list[ChangeRecord]
    """Keys of adapter_config.json."""
    lineage: list[ChangeRecord]
    """What the registry knows of where they came from."""
    modules: list[ModuleChangeRecord]
    """Every module, the most changed first."""
    evidence: list[MetricChangeRecord]
