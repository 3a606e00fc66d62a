"""What a caller asks for, out of the fields of a form or the members of a JSON object."""

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from medley.results import AnalysisOptions, ExtractionOptions, Mode
from pydantic import BaseModel, ValidationError

from medley_server.document_uploads import Sent
from medley_server.extraction.errors import InvalidRequest

_MOST_NESTED = 64
_MOST_ERRORS_TOLD = 5

Options = TypeVar("Options", bound=BaseModel)


def extraction_options(sent: Sent) -> ExtractionOptions:
    """The options of `POST /extract`.

    Raises:
        InvalidRequest: one of them is unknown or none; it names the field.
    """
    given = _given(sent)
    if isinstance(given.get("outputs"), str):
        given["outputs"] = [name.strip() for name in given["outputs"].split(",") if name.strip()]
    if isinstance(given.get("schema"), str):
        given["schema"] = _parsed(given["schema"])
    options = _checked(ExtractionOptions, given)
    if options.callback_url is not None and options.mode is Mode.SYNC:
        raise InvalidRequest(
            "`callback_url` needs `mode` async or auto: sync has no job.", about="callback_url"
        )
    return options


def analysis_options(sent: Sent) -> AnalysisOptions:
    """The options of `POST /analyze`.

    Raises:
        InvalidRequest: as for `extraction_options`.
    """
    return _checked(AnalysisOptions, _given(sent))


def canonical(options: BaseModel) -> dict[str, Any]:
    """The options as JSON, always written the same way."""
    plain = options.model_dump(mode="json", by_alias=True)
    if isinstance(plain.get("outputs"), list):
        plain["outputs"].sort()
    return plain


def _given(sent: Sent) -> dict[str, Any]:
    """Fields that say something: a form on a web page sends its empty ones too."""
    if sent.is_form:
        return {name: text for name, text in sent.fields.items() if text != ""}
    return dict(sent.fields)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest("`schema` is not JSON.", about="schema") from error


def _checked(kind: type[Options], given: Mapping[str, Any]) -> Options:
    _check_plain(given)
    try:
        return kind.model_validate(given, by_alias=True, by_name=False)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        told = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in found]
        where = found[0]["loc"]
        raise InvalidRequest(
            f"{'; '.join(told[:_MOST_ERRORS_TOLD])}.", about=str(where[0]) if where else None
        ) from None


def _check_plain(given: Mapping[str, Any]) -> None:
    """Refuses what could not be written down again: half characters, no numbers, deep nests."""
    for name, value in given.items():
        if not _is_plain(name, value):
            raise InvalidRequest(
                f"`{name!a}` holds half a character, a number that is none, or is nested deeper "
                f"than {_MOST_NESTED}.",
                about=name if name.isascii() else None,
            )


def _is_plain(name: str, value: object) -> bool:
    level, depth = [value], 0
    while level and depth <= _MOST_NESTED:
        level = [inner for one in level for inner in _inside(one)]
        depth += 1
    if level:
        return False
    try:
        json.dumps({name: value}, ensure_ascii=False, allow_nan=False).encode()
    except ValueError:
        return False
    return True


def _inside(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
