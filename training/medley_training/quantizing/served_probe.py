"""Asking a server for a base and for an adapter on it, and whether their answers differ."""

import json
import urllib.request

from medley_training.quantizing.probe_adapter import NAME

_PROMPT, _TOKENS, _LIMIT_S = "The patient has", 8, 120


def answers_by_adapter(url: str, base: str) -> bool:
    """Whether the adapter's answer differs from the base's.

    Raises:
        OSError: one of them was not answered.
    """
    return _answer(url, base) != _answer(url, f"{NAME}:1")


def _answer(url: str, model: str) -> str:
    body = {"model": model, "prompt": _PROMPT, "max_tokens": _TOKENS, "temperature": 0}
    request = urllib.request.Request(  # noqa: S310 - our own server
        f"{url}/v1/completions",
        data=json.dumps({**body, "ignore_eos": True}).encode(),
        headers={"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=_LIMIT_S) as answer:  # noqa: S310
        return str(json.load(answer)["choices"][0]["text"])
