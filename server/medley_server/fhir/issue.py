"""What is wrong with a bundle."""

from dataclasses import dataclass
from typing import Literal

from medley_server.fhir.resource import Json

Kind = Literal["structure", "required", "value", "code-invalid", "not-found", "invariant"]


@dataclass(frozen=True, slots=True)
class Issue:
    """One fault; all of them are errors.

    Attributes:
        code: Of R4's issue types.
        path: Where, such as ``Bundle.entry[3].resource.status``.
    """

    code: Kind
    path: str
    message: str

    def as_fhir(self) -> Json:
        """An issue of an OperationOutcome."""
        return {
            "severity": "error",
            "code": self.code,
            "diagnostics": self.message,
            "expression": [self.path],
        }
