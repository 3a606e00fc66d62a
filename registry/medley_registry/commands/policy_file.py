"""A policy as a file: everything that an alias demands, in one place that can be reviewed.

```toml
significance = 0.05
approvals = 1
signers = ["9f2c…"]                  # key ids of trusted keys, or how they begin

[[require]]                          # a bound on the newest evidence
kind = "benchmark"
suite = "ward"
metric = "ttft_p95_ms"
at_most = 400
variant = "nf4"

[[compare]]                          # not worse than the version now in its place
suite = "documents"
metric = "field_f1"
margin = 0.02
over = "each-site"
```
"""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from medley_registry.durable import disk_errors
from medley_registry.errors import AdmissionRefused, RegistryError
from medley_registry.evidence import EvidenceKind
from medley_registry.policies import AliasPolicy, Better, Over
from medley_registry.variants import VariantKind

_RULE = "policy-file"
_Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]


class _Told(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Requirement(_Told):
    kind: EvidenceKind
    suite: str
    metric: str
    at_least: _Number | None = None
    at_most: _Number | None = None
    variant: VariantKind = VariantKind.BF16
    suite_digest: str | None = None


class _Comparison(_Told):
    suite: str
    metric: str
    margin: _Number
    better: Better = Better.HIGHER
    over: Over = Over.ITEMS
    variant: VariantKind = VariantKind.BF16
    suite_digest: str | None = None


class _Policy(_Told):
    significance: _Number = AliasPolicy().significance
    approvals: Annotated[int, Field(strict=True)] = 0
    signers: tuple[str, ...] = ()
    require: tuple[_Requirement, ...] = ()
    compare: tuple[_Comparison, ...] = ()


def read_policy(file: Path, *, key_id: Callable[[str], str]) -> AliasPolicy:
    """The policy in a file; `key_id` completes the beginning of a trusted key's id.

    Raises:
        AdmissionRefused: by rule ``policy-file``: it says something else.
        Unavailable: it cannot be read.
    """
    with disk_errors(file):
        data = file.read_bytes()
    try:
        told = _Policy.model_validate(tomllib.loads(data.decode("utf-8"))).model_dump(mode="json")
    except ValidationError as error:
        raise AdmissionRefused(_RULE, _first(error), because=f"{file} is no policy") from error
    except (ValueError, RecursionError) as error:
        raise AdmissionRefused(_RULE, str(error), because=f"{file} is no TOML") from error
    whole: dict[str, Any] = {
        **told,
        "signers": [key_id(signer) for signer in told["signers"]],
        "requirements": told["require"],
        "comparisons": told["compare"],
    }
    try:
        policy = AliasPolicy.from_json(whole)
    except RegistryError as error:  # a digest that is none
        raise AdmissionRefused(_RULE, str(error), because=f"{file} is no policy") from error
    if policy.is_empty():
        raise AdmissionRefused(_RULE, str(file), because="it demands nothing (--clear does)")
    return policy


def _first(error: ValidationError) -> str:
    """Where it is wrong, and how: ``compare.0.margin: Field required``."""
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
