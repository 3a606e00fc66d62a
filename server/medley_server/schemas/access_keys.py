"""Access keys."""

from pydantic import Field

from medley_server.schemas.fields import At, Body, Moment, Record


class AccessKeyRecord(Record):
    key_id: str
    name: str
    scopes: list[str]
    created_by: str
    created_at: At
    expires_at: At | None
    revoked_at: At | None


class AccessKeyList(Record):
    access_keys: list[AccessKeyRecord]


class NewAccessKey(AccessKeyRecord):
    """With the secret, which cannot be had again."""

    secret: str


class AccessKeyBody(Body):
    name: str
    scopes: list[str] = Field(min_length=1, max_length=100)
    expires_at: Moment | None = None
