"""Our own check of a bundle, of what we emit and no more.

Cardinality and unknown elements (`elements.toml`), required bindings (`value_sets.toml`),
references that resolve, quantities whose codes are UCUM, dates, and the invariants of R4 that our
resources could break.
"""

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

from medley_server.fhir.datatypes import UCUM
from medley_server.fhir.issue import Issue
from medley_server.fhir.resource import Json
from medley_server.normal_forms import is_ucum

_ALWAYS = {"resourceType": "1..1", "id": "0..1", "meta": "0..1", "extension": "0..*"}
_DATE = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})")
_DATES = {"effectiveDateTime": _DATE, "performedDateTime": _DATE}
_INSTANTS = {"recorded": _INSTANT, "timestamp": _INSTANT}
_CHOICES = (("valueQuantity", "valueString"), ("doseQuantity", "doseRange"))
"""Elements of which there may be one: R4 writes value[x]."""


@cache
def _read(name: str) -> Json:
    text = files(__package__).joinpath(f"{name}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def validate(bundle: Json) -> tuple[Issue, ...]:
    """Everything that is wrong with a bundle of ours; empty for a right one."""
    return (*_resource(bundle, "Bundle"), *_references(bundle))


def _resource(resource: Any, path: str) -> Iterator[Issue]:
    kind = resource.get("resourceType") if isinstance(resource, dict) else None
    elements = _read("elements")["resources"].get(kind)
    if elements is None:
        yield Issue("structure", path, f"{kind!r} is no resource that we emit")
        return
    yield from _elements(resource, elements | _ALWAYS, path)
    yield from _parts(resource, str(kind), path)
    yield from _invariants(resource, str(kind), path)


def _elements(given: Json, elements: Json, path: str) -> Iterator[Issue]:
    for name in given.keys() - elements.keys():
        yield Issue("structure", f"{path}.{name}", "no such element here")
    for name, cardinality in elements.items():
        least, most = cardinality.split("..")
        value = given.get(name)
        if value is None or value in ([], {}, ""):
            if least == "1" or name in given:
                yield Issue("required", f"{path}.{name}", "it must be there and not be empty")
        elif (most == "*") != isinstance(value, list):
            wanted = "a list" if most == "*" else "one value"
            yield Issue("structure", f"{path}.{name}", f"it must be {wanted}")


def _parts(value: Any, kind: str, path: str) -> Iterator[Issue]:
    """Walk what is inside; `kind` is the path without indices, such as ``Bundle.entry``."""
    if not isinstance(value, dict):
        return
    for name, inner in value.items():
        where, what = f"{path}.{name}", f"{kind}.{name}"
        for index, part in enumerate(inner if isinstance(inner, list) else [inner]):
            at = f"{where}[{index}]" if isinstance(inner, list) else where
            yield from _part(part, name, what, at)


def _part(part: Any, name: str, what: str, at: str) -> Iterator[Issue]:
    if name == "resource":
        yield from _resource(part, at)
        return
    yield from _primitive(part, name, what, at)
    if not isinstance(part, dict):
        return
    elements = _read("elements")["parts"].get(what)
    if elements is not None:
        yield from _elements(part, elements, at)
    if name.endswith("Quantity") or name in ("low", "high"):
        yield from _quantity(part, at)
    yield from _concept(part, what, at)
    yield from _choices(part, at)
    yield from _parts(part, what, at)


def _primitive(part: Any, name: str, what: str, at: str) -> Iterator[Issue]:
    codes = _read("value_sets")["codes"].get(what)
    if codes is not None and part not in codes:
        yield Issue("code-invalid", at, f"{part!r} is not of the value set of {what}")
    pattern = {**_DATES, **_INSTANTS}.get(name)
    if pattern is not None and not (isinstance(part, str) and pattern.fullmatch(part)):
        yield Issue("value", at, f"{part!r} is no date of R4")


def _concept(part: Json, what: str, at: str) -> Iterator[Issue]:
    bound = _read("value_sets")["concepts"].get(what)
    codings = part.get("coding", [])
    if bound is not None:
        for coding in codings or [{}]:
            is_right = (
                coding.get("system") == bound["system"] and coding.get("code") in bound["codes"]
            )
            if not is_right:
                yield Issue("code-invalid", at, f"{coding} is not of the value set of {what}")
    for index, coding in enumerate(codings):
        if not coding.get("code"):
            yield Issue("required", f"{at}.coding[{index}].code", "a coding needs a code")


def _quantity(part: Json, at: str) -> Iterator[Issue]:
    value = part.get("value")
    if isinstance(value, bool) or not isinstance(value, int | float):
        yield Issue("value", f"{at}.value", f"{value!r} is no number")
    comparators = _read("value_sets")["codes"]["Quantity.comparator"]
    if part.get("comparator", "<") not in comparators:
        yield Issue("code-invalid", f"{at}.comparator", f"{part['comparator']!r} is no comparator")
    if "code" in part and "system" not in part:
        yield Issue("invariant", at, "qty-3: a code needs its system")
    if part.get("system") == UCUM and not is_ucum(str(part.get("code", ""))):
        yield Issue("code-invalid", f"{at}.code", f"{part.get('code')!r} is no UCUM unit")


def _choices(part: Json, at: str) -> Iterator[Issue]:
    for names in _CHOICES:
        if sum(name in part for name in names) > 1:
            yield Issue("structure", at, f"there may be one of {', '.join(names)}")


def _invariants(resource: Json, kind: str, path: str) -> Iterator[Issue]:
    yield from _choices(resource, path)
    if kind == "Observation":
        has_value = any(name in resource for name in ("valueQuantity", "valueString", "component"))
        if not has_value:
            yield Issue("invariant", path, "a result needs a value")
        for index, limits in enumerate(resource.get("referenceRange", ())):
            if not any(name in limits for name in ("low", "high", "text")):
                yield Issue("invariant", f"{path}.referenceRange[{index}]", "obs-3: it is empty")
    if kind == "Condition":
        verified = resource.get("verificationStatus", {}).get("coding", [{}])[0].get("code")
        if verified == "entered-in-error" and "clinicalStatus" in resource:
            yield Issue("invariant", path, "con-5: entered in error, and with a clinical status")


def _references(bundle: Json) -> Iterator[Issue]:
    entries = [entry for entry in bundle.get("entry", ()) if isinstance(entry, dict)]
    urls = [entry.get("fullUrl") for entry in entries]
    for index, entry in enumerate(entries):
        path = f"Bundle.entry[{index}]"
        url, identity = urls[index], entry.get("resource", {}).get("id")
        if urls.count(url) > 1:
            yield Issue("invariant", f"{path}.fullUrl", "bdl-7: it is there twice")
        if url != f"urn:uuid:{identity}":
            yield Issue("invariant", f"{path}.fullUrl", f"it is not of the resource {identity!r}")
        for at, reference in _referring(entry.get("resource"), f"{path}.resource"):
            if reference not in urls:
                yield Issue("not-found", at, f"{reference!r} is not in the bundle")


def _referring(part: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(part, dict):
        for name, inner in part.items():
            if name == "reference" and isinstance(inner, str):
                yield f"{path}.{name}", inner
            yield from _referring(inner, f"{path}.{name}")
    elif isinstance(part, list):
        for index, inner in enumerate(part):
            yield from _referring(inner, f"{path}[{index}]")
