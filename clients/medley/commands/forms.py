"""The forms in which an extraction can be printed or kept."""

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medley_registry.inert import inert

if TYPE_CHECKING:
    from medley.results import Extraction


class Form(StrEnum):
    """What a command puts out."""

    JSON = "json"
    TABLE = "table"
    FHIR = "fhir"
    TEXT = "text"

    @property
    def outputs(self) -> tuple[str, ...]:
        """What the server has to give for it."""
        return _OUTPUTS[self]


_OUTPUTS = {
    Form.JSON: ("record",),
    Form.TABLE: ("record", "text"),
    Form.FHIR: ("record", "fhir"),
    Form.TEXT: ("text",),
}
_ENDINGS = {Form.JSON: ".json", Form.TABLE: ".json", Form.FHIR: ".fhir.json", Form.TEXT: ".txt"}


def document_in(form: Form, extraction: "Extraction") -> Any:
    """What JSON there is to print or keep, of a form that is JSON."""
    return extraction.fhir if form is Form.FHIR else extraction.model_dump(mode="json")


def shown_text(extraction: "Extraction") -> str:
    """The pages' text, in which nothing acts on a terminal but its lines and page breaks."""
    pages = (extraction.text or "").split("\f")
    return "\f".join("\n".join(map(inert, page.split("\n"))) for page in pages)


class Folder:
    """Keeps what was extracted, one file for each document."""

    def __init__(self, path: Path) -> None:
        """A folder, which is made if it is not there."""
        path.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._taken: set[str] = set()

    def keep(self, name: str, form: Form, extraction: "Extraction") -> Path:
        """Write it, whole or not at all; documents of the same name do not overwrite each other."""
        target = self._path / self._free_name(name, _ENDINGS[form])
        if form is Form.TEXT:
            content = extraction.text or ""
        else:
            content = json.dumps(document_in(form, extraction), indent=2, ensure_ascii=False) + "\n"
        aside = target.with_name(f".{target.name}.part")
        aside.write_text(content, encoding="utf-8")
        aside.replace(target)
        return target

    def _free_name(self, name: str, ending: str) -> str:
        candidate, number = f"{name}{ending}", 1
        while candidate in self._taken:
            number += 1
            candidate = f"{name}-{number}{ending}"
        self._taken.add(candidate)
        return candidate
