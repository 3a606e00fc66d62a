"""Who is listened to: a site's contribution by the coordinator, its task by the site.

Everything here is decided on bytes and JSON. Only what came through may be read as tensors.
"""

from datetime import datetime

from medley_registry import timestamps

from medley_training.errors import BadSignature, ContributionRefused, TaskRefused
from medley_training.identity.envelope import Envelope
from medley_training.identity.keys import PublicKey
from medley_training.identity.participants import ParticipantBook
from medley_training.identity.statement import Statement
from medley_training.identity.task import Task


def admit(
    envelope_text: str, payload: bytes, *, task: Task, book: ParticipantBook, at: datetime
) -> Statement:
    """Take in a contribution, if the participant that was asked signed for just these bytes.

    Args:
        envelope_text: The statement's envelope, as it came.
        payload: The contribution's file, as it came.
        task: What that participant was asked in this round.
        book: Whose keys count.
        at: When it came in, which is what the key's validity is judged by.

    Raises:
        ContributionRefused: The reason is the first of these that fits: ``unsigned``,
            ``unknown_signer``, ``revoked_key`` or ``expired_key``; ``unsigned`` again for a
            signature that does not fit; ``malformed``; one of `Statement.answers`; ``altered``.
        BadKey: The book is damaged.
    """
    try:
        envelope = Envelope.from_json(envelope_text)
    except BadSignature as error:
        raise ContributionRefused("unsigned", str(error)) from error
    key = signer(envelope, task.participant, book=book, at=at)
    try:
        key.verify(envelope.signature, envelope.signed)
    except BadSignature as error:
        raise ContributionRefused("unsigned", str(error)) from error
    try:
        statement = Statement.open(envelope, [key])
    except BadSignature as error:
        raise ContributionRefused("malformed", str(error)) from error
    statement.answers(task)
    statement.covers(payload)
    return statement


def accept(envelope_text: str, start: bytes, *, participant: str, coordinator: PublicKey) -> Task:
    """Take on a task, if the coordinator signed it for this participant and just this start.

    What it asks, such as the base or the privacy, is for the participant to agree to.

    Raises:
        TaskRefused: It is not such a task.
    """
    try:
        task = Task.open(Envelope.from_json(envelope_text), [coordinator])
    except BadSignature as error:
        raise TaskRefused(f"not a task of the coordinator's: {error}") from error
    if task.participant != participant:
        raise TaskRefused(f"the task is {task.participant}'s, not {participant}'s")
    if not task.matches(start):
        raise TaskRefused(f"the start adapter is not {task.start}, which the task names")
    return task


def signer(
    envelope: Envelope, participant: str, *, book: ParticipantBook, at: datetime
) -> PublicKey:
    """The key that an envelope names, if it is the participant's and counts at that time.

    Raises:
        ContributionRefused: ``unknown_signer``, ``revoked_key`` or ``expired_key``.
        BadKey: The book is damaged.
    """
    for key in book.keys(participant):
        if key.public.key_id == envelope.key_id:
            break
    else:
        raise ContributionRefused(
            "unknown_signer", f"key {envelope.key_id[:12]!a} is not {participant}'s"
        )
    if flaw := key.flaw(at):
        short = f"key {envelope.key_id[:12]} of {participant}"
        raise ContributionRefused(flaw, f"{short} does not count at {timestamps.to_text(at)}")
    return key.public
