"""Rules of traffic: set by people, taken back by servers, read by every server."""

from math import isfinite

from medley_registry import journal, lookup, rules, timestamps
from medley_registry.adapters import Version
from medley_registry.aliases import Alias, AliasMove, MoveReason
from medley_registry.errors import AdmissionRefused, AliasProtected, Conflict, StaleRevision
from medley_registry.events import EventKind
from medley_registry.gate.case import Case
from medley_registry.gate.deciding import Judgement
from medley_registry.gate.weighing import Weighing, weigh
from medley_registry.index import Index, IndexReader, IndexWriter
from medley_registry.traffic import Bounds, Steered, Traffic, TrafficRule
from medley_registry.trusting import check_signed

_TRIES = 5
_MOST_REQUESTS = 1_000_000
_LONGEST_S = 7 * 24 * 3600


class TrafficRules:
    """What becomes of requests that name an alias, besides its own target."""

    def __init__(self, index: Index) -> None:
        self._index = index

    def of(self, name: str, alias: str) -> TrafficRule | None:
        """The rule in force, without what the alias's last move ended; None: none was ever set."""
        with self._index.read() as reader:
            return _in_force(reader, lookup.find_alias(reader, name, alias))

    def history(self, name: str, alias: str) -> list[TrafficRule]:
        """Every rule an alias ever had, oldest first, as each was set."""
        with self._index.read() as reader:
            lookup.find_alias(reader, name, alias)
            return reader.all(TrafficRule, adapter=name, alias=alias)

    def steered(self) -> list[Steered]:
        """Every alias that has a rule."""
        with self._index.read() as reader:
            newest = {(rule.adapter, rule.alias): rule for rule in reader.all(TrafficRule)}
            return [_steered(reader, rule) for rule in newest.values()]

    def set(
        self,
        name: str,
        alias: str,
        traffic: Traffic,
        *,
        actor: str,
        expected_revision: int | None = None,
    ) -> TrafficRule:
        """Let a rule be in force for an alias from now on; an empty one ends canary and shadow.

        A canary answers callers, so to give it more of them than it has takes what the alias
        demands of a promotion; a shadow takes nothing but a version that may be promoted.

        Args:
            name: The adapter.
            alias: It must point somewhere.
            traffic: The whole rule.
            actor: Who sets it.
            expected_revision: Set it only if this one is in force, 0 meaning none; None sets it
                whatever is.

        Raises:
            StaleRevision: somebody else has set it.
            AdmissionRefused: by rule ``traffic``: it says nothing, or the same version twice.
            NotServable: canary or shadow are not admitted.
            AliasProtected: the alias demands what the canary lacks.
            Conflict: what it depends on kept changing while it was weighed.
        """
        rules.check_text("the actor", actor)
        check_traffic(traffic)
        for _ in range(_TRIES):
            with self._index.read() as reader:
                weighing = _weigh(reader, name, alias, traffic)
            with self._index.write() as writer:
                current = lookup.find_alias(writer, name, alias)
                _check_revision(writer, current, expected_revision)
                if _is_settled(writer, current, traffic, weighing, actor=actor):
                    kind = EventKind.TRAFFIC_SET
                    return _record(writer, current, traffic, kind=kind, halted="", actor=actor)
        raise Conflict(f"what {name}@{alias} depends on changed {_TRIES} times; try again")

    def halt(
        self,
        name: str,
        alias: str,
        number: int,
        *,
        reason: str,
        actor: str,
        expected_revision: int | None = None,
    ) -> TrafficRule:
        """Send a version nothing more behind an alias, neither as its canary nor as its shadow.

        Raises:
            StaleRevision: another rule is in force by now.
            Conflict: it gets nothing there, perhaps because the alias has moved.
        """
        rules.check_text("the actor", actor)
        rules.check_text("the reason", reason)
        with self._index.write() as writer:
            current = lookup.find_alias(writer, name, alias)
            _check_revision(writer, current, expected_revision)
            rule = _in_force(writer, current)
            left = rule.traffic.without(number) if rule else Traffic()
            if rule is None or left == rule.traffic:
                raise Conflict(f"version {number} gets nothing behind {current.reference}")
            kind = EventKind.TRAFFIC_HALTED
            return _record(writer, current, left, kind=kind, halted=reason, actor=actor)


def check_traffic(traffic: Traffic) -> None:
    """Whether a rule says something that can be done.

    Raises:
        AdmissionRefused: by rule ``traffic``.
    """
    for what, number, percent in (
        ("weight", traffic.canary, traffic.weight),
        ("share", traffic.shadow, traffic.share),
    ):
        if not isfinite(percent) or not 0 <= percent <= 100:
            raise AdmissionRefused("traffic", percent, because=f"a {what} is 0 to 100 percent")
        if percent > 0 and number is None:
            raise AdmissionRefused("traffic", percent, because=f"a {what} needs a version")
    _check_bounds(traffic.bounds)


def _check_bounds(bounds: Bounds) -> None:
    for share in (bounds.max_error_rate, bounds.min_agreement):
        if share is not None and not 0 <= share <= 1:
            raise AdmissionRefused("traffic", share, because="rates and agreements are 0 to 1")
    ratio = bounds.max_latency_ratio
    if ratio is not None and not (isfinite(ratio) and ratio >= 1):
        raise AdmissionRefused("traffic", ratio, because="a ratio of latencies is 1 or more")
    if not 1 <= bounds.min_requests <= _MOST_REQUESTS:
        because = f"requests before judging are 1 to {_MOST_REQUESTS}"
        raise AdmissionRefused("traffic", bounds.min_requests, because=because)
    if not (1 <= bounds.window_s <= _LONGEST_S and 0 <= bounds.watch_s <= _LONGEST_S):
        found = f"{bounds.window_s}, {bounds.watch_s}"
        because = f"a window is 1 to {_LONGEST_S} seconds, and a watch no longer"
        raise AdmissionRefused("traffic", found, because=because)
    if bounds.watch_s and bounds.max_error_rate is None:
        because = "a watch after promotions judges the error rate, and needs its bound"
        raise AdmissionRefused("traffic", bounds.watch_s, because=because)


def _in_force(reader: IndexReader, alias: Alias) -> TrafficRule | None:
    every = reader.all(TrafficRule, adapter=alias.adapter, alias=alias.name)
    return every[-1].where(alias) if every else None


def _steered(reader: IndexReader, rule: TrafficRule) -> Steered:
    alias = lookup.find_alias(reader, rule.adapter, rule.alias)
    key = {"adapter": rule.adapter, "alias": rule.alias, "generation": alias.generation}
    move = reader.one(AliasMove, **key)
    is_promotion = move is not None and move.reason is MoveReason.PROMOTE
    at = move.at if move and is_promotion and move.from_number is not None else None
    return Steered(alias, rule.where(alias), at)


def _check_revision(reader: IndexReader, alias: Alias, expected: int | None) -> None:
    found = len(reader.all(TrafficRule, adapter=alias.adapter, alias=alias.name))
    if expected is not None and expected != found:
        raise StaleRevision(found, expected=expected)


def _weigh(reader: IndexReader, name: str, alias: str, traffic: Traffic) -> Weighing | None:
    """What the alias demands of a canary that is to get more, weighed outside the lock."""
    canary = _growing(reader, lookup.find_alias(reader, name, alias), traffic)
    return weigh(Case.read(reader, canary, alias=alias), reader) if canary else None


def _growing(reader: IndexReader, alias: Alias, traffic: Traffic) -> Version | None:
    """The canary, if it is to get more requests than it has."""
    rule = _in_force(reader, alias)
    before = rule.traffic.weight if rule and rule.traffic.canary == traffic.canary else 0
    if traffic.canary is None or traffic.weight <= before:
        return None
    return lookup.find_version(reader, alias.adapter, traffic.canary)


def _check_tried(reader: IndexReader, alias: Alias, number: int) -> None:
    version = lookup.find_version(reader, alias.adapter, number)
    if number == alias.number:
        because = f"{alias.reference} points there, and is what others are compared with"
        raise AdmissionRefused("traffic", number, because=because)
    rules.check_promotable(version)
    check_signed(reader, version)


def _is_settled(
    writer: IndexWriter, alias: Alias, traffic: Traffic, weighing: Weighing | None, *, actor: str
) -> bool:
    """Whether things are as they were when they were weighed.

    Raises:
        AliasProtected: they are, and the canary lacks something.
    """
    for number in (traffic.canary, traffic.shadow):
        if number is not None:
            _check_tried(writer, alias, number)
    if (canary := _growing(writer, alias, traffic)) is None:
        return True
    if weighing is None or weighing.case != Case.read(writer, canary, alias=alias.name):
        return False
    judgement = Judgement.read(writer, weighing.case, weighing.weighed, promoter=actor)
    if lacks := judgement.lacks():
        raise AliasProtected(alias.reference, tuple(lacks))
    return True


def _record(
    writer: IndexWriter, alias: Alias, traffic: Traffic, *, kind: EventKind, halted: str, actor: str
) -> TrafficRule:
    before = writer.all(TrafficRule, adapter=alias.adapter, alias=alias.name)
    revision, at = len(before) + 1, timestamps.now()
    rule = TrafficRule(
        alias.adapter, alias.name, revision, alias.generation, traffic, halted, actor, at
    )
    writer.add(rule)
    journal.record(
        writer,
        kind,
        subject=alias.reference,
        actor=actor,
        payload={
            "adapter": alias.adapter,
            "alias": alias.name,
            "revision": revision,
            "generation": alias.generation,
            "traffic": traffic.to_json(),
            "halted": halted,
        },
        at=at,
        records=[rule],
    )
    return rule
