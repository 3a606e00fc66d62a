"""An extraction as a FHIR R4 (4.0.1) Bundle, and our own check of it.

Plain dictionaries, no library: the usual ones accept codes that R4 does not have. Nothing is
invented here. A code is there only where the page prints one or where a small open list has it
(LOINC of vital signs, `loinc.toml`); a unit has a UCUM code only where it is known; no amount is
converted; what was not found on the page gives no resource unless it is asked for.

Choices that R4 leaves open:

- The record says nothing about the patient, and R4 wants a subject: an empty Patient stands for it.
- Results have the status ``unknown``: a printed page does not tell preliminary from final.
- A diagnosis: present is active and confirmed, possible is active and provisional, absent is
  refuted, history is inactive and confirmed. Of a relative it becomes a FamilyMemberHistory (of a
  "family member", because the record does not keep which one), never a Condition of the patient.
- New and changed drugs are ``active``, held ones ``on-hold``, discontinued ones ``stopped``.
- A time of day without a day, or without a time zone, is no R4 dateTime: it stands in a note.
- Each resource has a Provenance. Its entities name the field, page and box as a media fragment
  (W3C, ``#page=1&xywh=percent:10,20,30,2``), the match and the confidence, under `REGION`.
- What a person should look at has the tag `REVIEW` in ``meta``.
"""

from medley_server.fhir.bundle import bundle_of, with_outcome
from medley_server.fhir.checks import validate
from medley_server.fhir.issue import Issue
from medley_server.fhir.provenance import REGION
from medley_server.fhir.resource import REVIEW

__all__ = ["REGION", "REVIEW", "Issue", "bundle_of", "validate", "with_outcome"]
