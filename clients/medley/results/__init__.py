"""What `POST /extract` takes and answers: the record, each value with the place where it was read.

Server and SDK share these. They need pydantic and nothing else.
"""

from medley.results.document import DocumentSummary, PageSummary
from medley.results.extraction import (
    Extraction,
    ExtractionStatus,
    ExtractionWarning,
    ServedModel,
    Usage,
)
from medley.results.found import BBox, Code, ConfidenceMethod, Found, Match
from medley.results.job import Job, JobStatus
from medley.results.options import (
    AnalysisOptions,
    ExtractionOptions,
    Grounding,
    Mode,
    Output,
)
from medley.results.rows import (
    FoundDiagnosis,
    FoundLab,
    FoundMedication,
    FoundProcedure,
    FoundRecord,
    FoundRow,
    FoundVital,
)

__all__ = [
    "AnalysisOptions",
    "BBox",
    "Code",
    "ConfidenceMethod",
    "DocumentSummary",
    "Extraction",
    "ExtractionOptions",
    "ExtractionStatus",
    "ExtractionWarning",
    "Found",
    "FoundDiagnosis",
    "FoundLab",
    "FoundMedication",
    "FoundProcedure",
    "FoundRecord",
    "FoundRow",
    "FoundVital",
    "Grounding",
    "Job",
    "JobStatus",
    "Match",
    "Mode",
    "Output",
    "PageSummary",
    "ServedModel",
    "Usage",
]
