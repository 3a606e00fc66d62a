"""The model card: what a version is and how to check it, written from its record alone.

Its front matter is what the Hugging Face hub reads
(https://huggingface.co/docs/hub/model-cards#model-card-metadata).
"""

import re
from collections.abc import Iterator

from medley_registry.evidence import Evidence, EvidenceKind
from medley_registry.exchange.layout import SIGNATURE_FILE, place_of
from medley_registry.exchange.markdown import (
    code,
    facts,
    license_of,
    quoted,
    table,
    yaml_number,
    yaml_text,
)
from medley_registry.exchange.record import VersionRecord

# A repository on the hub: `owner/name`, as huggingface_hub's validate_repo_id has it.
_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)


def model_card(record: VersionRecord, *, claimed_base: str = "", readme: str = "") -> str:
    """The card of a version, in Markdown.

    Args:
        record: The version's record.
        claimed_base: What the adapter's configuration calls its base; used where the hub wants a
            repository, if it looks like one. The identity stands in the card by digest.
        readme: The version's own README, which is quoted at the end.
    """
    base = claimed_base if _REPOSITORY.fullmatch(claimed_base) else record.base.name
    sections = [
        _front_matter(record, base=base, license_=license_of(readme)),
        _introduction(record),
        _base(record),
        _lineage(record),
        _evidence(record),
        _verification(record),
        _use(base),
    ]
    if readme:
        sections.append(f"## From the publisher's README\n\n{quoted(readme)}")
    return "\n".join(sections)


def _front_matter(record: VersionRecord, *, base: str, license_: str | None) -> str:
    lines = [
        "---",
        f"base_model: {yaml_text(base)}",
        "base_model_relation: adapter",
        "library_name: peft",
        "pipeline_tag: text-generation",
        *([f"license: {yaml_text(license_)}"] if license_ else []),
        "tags:",
        "- lora",
        "- medley",
        *_results(record),
        "---",
    ]
    return "".join(f"{line}\n" for line in lines)


def _results(record: VersionRecord) -> Iterator[str]:
    """The hub's `model-index`: one result for each evaluation."""
    evaluations = [e for e in record.evidence if e.kind is EvidenceKind.EVALUATION and e.metrics]
    if evaluations:
        yield "model-index:"
        yield f"- name: {yaml_text(record.version.reference)}"
        yield "  results:"
    for evidence in evaluations:
        suite = yaml_text(evidence.suite)
        yield "  - task:"
        yield "      type: text-generation"
        yield "    dataset:"
        yield f"      name: {suite}"
        yield f"      type: {suite}"
        yield f"      revision: {yaml_text(evidence.suite_digest)}"
        yield "    metrics:"
        for metric, value in sorted(evidence.metrics.items()):
            yield f"    - type: {yaml_text(metric)}"
            yield f"      name: {yaml_text(f'{metric} ({evidence.variant})')}"
            yield f"      value: {yaml_number(value)}"


def _introduction(record: VersionRecord) -> str:
    version = record.version
    note = f"\n{code(version.note)}\n" if version.note else ""
    known = {
        "digest": version.digest,
        "base model": record.base.name,
        "rank": version.rank,
        "alpha": f"{version.alpha:g}",
        "target modules": ", ".join(version.target_modules),
        "state": version.state,
        "published": f"{version.created_at:%Y-%m-%d} by {version.published_by}",
    }
    return (
        f"# {version.reference}\n{note}\n"
        f"Version {version.number} of the LoRA adapter {code(version.adapter)}, exported from a"
        f" Medley registry.\n\n{facts(('', ''), known)}"
    )


def _base(record: VersionRecord) -> str:
    base = record.base
    known = {
        "architecture": base.architecture,
        "identity": base.base_id,
        "weights": base.weights_digest,
        "configuration": base.config_digest,
        "tokenizer": base.tokenizer_digest,
        "chat template": base.chat_template_digest or "none",
    }
    return (
        "## Base model\n\nThe adapter is for exactly this content, whatever it is called.\n\n"
        + facts(("", ""), known)
    )


def _lineage(record: VersionRecord) -> str:
    version, lineage = record.version, record.version.lineage
    whole = {
        "round": version.round,
        "run": lineage.run,
        "recipe": lineage.recipe,
        "strategy": lineage.strategy,
        "imported from": lineage.origin,
    }
    known = {name: value for name, value in whole.items() if value}
    parts = [facts(("", ""), known)] if known else []
    if lineage.parents:
        rows = [(p.relation, p.reference, p.digest) for p in lineage.parents]
        parts.append(table(("relation", "version", "digest"), rows))
    if lineage.contributions:
        contributions = [
            (c.participant, f"{c.weight:g}", c.digest, c.key_id or "none")
            for c in lineage.contributions
        ]
        columns = ("participant", "weight", "contribution", "signed by key")
        parts.append(table(columns, contributions))
    return "## Lineage\n\n" + ("\n".join(parts) or "The version stands alone.\n")


def _evidence(record: VersionRecord) -> str:
    if not record.evidence:
        return "## Evidence\n\nNone was recorded.\n"
    parts = [
        f"### {title}\n\n{_measured(found)}"
        for title, kind in (
            ("Evaluations", EvidenceKind.EVALUATION),
            ("Benchmarks", EvidenceKind.BENCHMARK),
        )
        if (found := [e for e in record.evidence if e.kind is kind])
    ]
    return "## Evidence\n\n" + "\n".join(parts)


def _measured(found: list[Evidence]) -> str:
    rows = [
        (e.variant, e.suite, metric, f"{value:.6g}", f"{e.at:%Y-%m-%d} by {e.actor}")
        for e in found
        for metric, value in sorted(e.metrics.items())
    ]
    return table(("variant", "suite", "metric", "value", "measured"), rows)


def _verification(record: VersionRecord) -> str:
    if not record.signatures:
        return "## Verify\n\nThe version is not signed. Its files are:\n\n" + _files(record)
    sources = " ".join(place_of(entry.path) for entry in record.version.manifest.files)
    keys = [(signature.by, signature.key_id) for signature in record.signatures]
    return f"""## Verify

{table(("signed by", "key id"), keys)}
Get the public key of the first from its owner, not from this folder, and compare its id:

```sh
openssl pkey -pubin -in KEY.pem -outform DER | sha256sum
```

The signature follows [OpenSSF model signing](https://github.com/ossf/model-signing-spec) and covers
these files:

{_files(record)}
```sh
mkdir signed && cp {sources} signed/
model_signing verify key signed --signature {SIGNATURE_FILE} --public_key KEY.pem
```
"""


def _files(record: VersionRecord) -> str:
    files = record.version.manifest.files
    rows = [(file.path, place_of(file.path), file.size, file.sha256.hex) for file in files]
    return table(("file", "lies at", "bytes", "SHA-256"), rows)


def _use(base: str) -> str:
    return f"""## Use

With Medley, which checks the signatures and the base model first:

```sh
medley adapter import . --trust KEY.pem
```

With PEFT:

```python
from peft import PeftModel
from transformers import AutoModelForCausalLM

base = AutoModelForCausalLM.from_pretrained("{base}")
model = PeftModel.from_pretrained(base, ".")
```
"""
