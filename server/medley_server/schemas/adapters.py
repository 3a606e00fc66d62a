"""Adapters."""

from pydantic import Field

from medley_server.schemas.fields import At, Record, Text


class AdapterRecord(Record):
    """An adapter: how many versions it has had, and the version each alias points at."""

    name: str
    base: str
    base_id: Text
    created_at: At
    versions: int = 0
    aliases: dict[str, int] = Field(default_factory=dict)


class AdapterList(Record):
    adapters: list[AdapterRecord]
