"""One OpenAPI document for the routes that are ours, whichever app they belong to."""

from functools import cache
from typing import Any

from fastapi import FastAPI


def describe_together(app: FastAPI, *others: FastAPI) -> None:
    """Makes `app` describe the others' routes beside its own."""
    own = app.openapi

    @cache
    def openapi() -> dict[str, Any]:
        whole = own()
        for other in others:
            _merge(whole, other.openapi())
        whole["info"]["title"] = "Medley"
        return whole

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way to extend it


def _merge(whole: dict[str, Any], other: dict[str, Any]) -> None:
    whole["paths"] |= other["paths"]
    schemas = whole.setdefault("components", {}).setdefault("schemas", {})
    for name, schema in other.get("components", {}).get("schemas", {}).items():
        assert schemas.get(name, schema) == schema, f"two schemas are called {name}"
        schemas[name] = schema
