"""Damages, by what `fsck` is to find of each."""

from medley_registry import Manifest
from medley_registry.upkeep import Code

from tests.damaging import (
    Damage,
    block_blob,
    break_schema,
    by_mallory,
    rewrite_log,
    say_nothing,
    shorten_blob,
    spoil_blob,
    spoil_index_page,
    sql,
)

OTHER = "ab" * 32
MANIFEST = Manifest(()).to_json().decode()
MOVE = "adapter = 'notes' AND alias = 'production'"
LAST = "(SELECT max(seq) FROM event)"

DAMAGES: dict[Code, list[tuple[Damage | str, str | None]]] = {
    Code.INDEX_DAMAGED: [(spoil_index_page, "integrity_check")],
    Code.INDEX_REFERENCE: [(sql("UPDATE approval SET number = 99"), "approval row 1")],
    Code.INDEX_SCHEMA: [
        ("DROP TRIGGER version_no_delete", "trigger version_no_delete"),
        (
            "CREATE TRIGGER t AFTER INSERT ON event BEGIN DELETE FROM lease; END",
            "trigger t",
        ),
        ("DROP INDEX ix_version_digest", "index ix_version_digest"),
        (break_schema, "table version"),
    ],
    Code.ROW_UNREADABLE: [
        (sql("UPDATE version SET state = 'admittec' WHERE number = 4"), "version notes 4"),
        (sql("UPDATE version SET rank = 'two' WHERE number = 4"), "version notes 4"),
        (sql("UPDATE version SET note = CAST(x'ff' AS TEXT) WHERE number = 4"), "version notes 4"),
        (sql("UPDATE version SET note = CAST(note AS BLOB) WHERE number = 4"), "version notes 4"),
        (sql("UPDATE version SET manifest = '{}' WHERE number = 4"), "version notes 4"),
        (sql("UPDATE base SET module_shapes = '[]' WHERE name = 'tiny'"), "base tiny"),
        (sql("UPDATE tombstone SET at = replace(at, 'T', 't')"), "tombstone notes 5"),
        (sql("UPDATE evidence SET metrics = replace(metrics, ':', ': ')"), None),
        (sql("UPDATE event SET kind = 'base.adde' WHERE seq = 1"), "event 1"),
        (sql("UPDATE lease SET digest = 'x'"), "lease replica x"),
    ],
    Code.ROW_ALTERED: [
        (sql("UPDATE version SET note = 'x' WHERE number = 4"), "notes:4"),
        (sql("UPDATE version SET alpha = 5 WHERE number = 4"), "notes:4"),
        (sql("UPDATE version SET lineage = '' WHERE number = 2"), "notes:2"),
        (sql("UPDATE base SET path = '/elsewhere' WHERE name = 'tiny'"), "BaseModel tiny"),
        (sql("UPDATE base SET recipe = NULL WHERE name = 'tiny-nf4'"), "BaseModel tiny-nf4"),
        (sql("UPDATE adapter SET created_at = replace(created_at, '20', '19')"), "Adapter notes"),
        (sql(f"UPDATE access_key SET secret_hash = '{OTHER}'"), None),
        (sql("UPDATE access_key SET revoked_at = NULL"), None),
        (sql("UPDATE trusted_key SET distrusted_at = NULL"), None),
        (sql("""UPDATE protection SET policy = replace(policy, '1', '0')"""), None),
        (sql("UPDATE traffic_rule SET traffic = replace(traffic, '6', '7')"), None),
        (sql("UPDATE revocation SET reason = 'x'"), None),
        (sql(f"UPDATE alias_move SET actor = 'x' WHERE {MOVE}"), None),
    ],
    Code.ROW_WITHOUT_EVENT: [
        (sql("DELETE FROM event WHERE kind IN ('alias.moved', 'access.granted')"), None),
        (
            sql(
                "INSERT INTO approval "
                "SELECT adapter, alias, 7, number, actor, digest, at, revision FROM approval"
            ),
            "Approval notes canary 7 1 4 eve",
        ),
    ],
    Code.EVENT_WITHOUT_ROW: [
        (sql("DELETE FROM evidence"), None),
        (sql("DELETE FROM access_key"), None),
        (sql("DELETE FROM protection"), "Protection notes canary 1"),
    ],
    Code.EVENT_MISSING: [(sql("DELETE FROM event WHERE seq = 3"), "event 3")],
    Code.EVENT_ALTERED: [
        (sql("UPDATE event SET actor = 'mallory' WHERE seq = 3"), "event 3"),
        (sql("UPDATE event SET payload = '{}' WHERE seq = 3"), "event 3"),
        (sql(f"UPDATE event SET hash = '{OTHER}' WHERE seq = {LAST}"), None),
    ],
    Code.EVENT_UNCHAINED: [
        (rewrite_log(by_mallory, is_rechained=False), "event 4"),
        (
            sql(
                "UPDATE event SET seq = -3 WHERE seq = 3",
                "UPDATE event SET seq = 3 WHERE seq = 4",
                "UPDATE event SET seq = 4 WHERE seq = -3",
            ),
            "event 3",
        ),
    ],
    Code.EVENT_UNREADABLE: [(rewrite_log(say_nothing), None)],
    Code.VERSION_DIGEST: [
        (sql(f"UPDATE version SET manifest = '{MANIFEST}' WHERE number = 4"), "notes:4"),
        (sql(f"UPDATE version SET digest = '{OTHER}' WHERE number = 4"), "notes:4"),
    ],
    Code.VERSION_NUMBERS: [
        (sql("DELETE FROM version WHERE number = 4"), "notes"),
        (sql("DELETE FROM version WHERE adapter = 'letters'"), "letters"),
        (sql("UPDATE version SET number = 9 WHERE number = 7"), "notes"),
    ],
    Code.VERSION_STATE: [
        (sql("UPDATE version SET state = 'admitted' WHERE number = 6"), "notes:6"),
        (sql("UPDATE version SET state = 'draft' WHERE number = 2"), "notes:2"),
    ],
    Code.VERSION_BASE: [
        (sql(f"UPDATE version SET base_id = '{OTHER}' WHERE number = 4"), "notes:4"),
        (sql(f"UPDATE base SET weights_digest = '{OTHER}' WHERE name = 'tiny'"), "notes:4"),
        (sql(f"UPDATE adapter SET base_id = '{OTHER}' WHERE name = 'notes'"), "notes:4"),
    ],
    Code.VERSION_LINEAGE: [
        (
            sql(
                "UPDATE version SET lineage = replace(lineage, 'notes:1', 'notes:8') "
                "WHERE number = 2"
            ),
            "notes:2 from notes:8",
        ),
        (
            sql(
                "UPDATE version SET lineage = replace(lineage, 'notes:1', 'notes:4') "
                "WHERE number = 2"
            ),
            "notes:2 from notes:4",
        ),
    ],
    Code.VARIANT_WRONG: [
        (sql("UPDATE base SET derived_from = NULL WHERE name = 'tiny-nf4'"), "notes:1 nf4"),
        (sql("UPDATE variant SET base = 'tiny' WHERE kind = 'nf4'"), "notes:1 nf4"),
        (sql("DELETE FROM variant WHERE number = 4"), "notes:4"),
        (sql(f"UPDATE variant SET version_digest = '{OTHER}' WHERE number = 4"), "notes:4 bf16"),
    ],
    Code.EVIDENCE_WRONG: [
        (sql("UPDATE evidence SET metrics = replace(metrics, '340.5', '999.5')"), None),
        (sql("UPDATE evidence SET variant = 'bf16'"), None),
        (sql("UPDATE evidence SET ordinal = 2"), "notes:1"),
        (sql("UPDATE variant SET recipe = '{}' WHERE kind = 'nf4'"), None),
    ],
    Code.SIGNATURE_WRONG: [
        (
            sql(
                "UPDATE signature SET bundle = (SELECT bundle FROM signature WHERE number = 3) "
                "WHERE number = 4"
            ),
            None,
        ),
        (sql("UPDATE signature SET bundle = '{}' WHERE number = 4"), None),
    ],
    Code.KEY_WRONG: [
        (
            sql(
                "UPDATE trusted_key SET public_key = (SELECT public_key FROM trusted_key "
                "WHERE name = 'other') WHERE name = 'hospital'"
            ),
            None,
        ),
        (sql("UPDATE trusted_key SET public_key = 'x' WHERE name = 'hospital'"), None),
    ],
    Code.ALIAS_WITHOUT_MOVES: [
        (sql(f"DELETE FROM alias_move WHERE {MOVE}"), "notes@production"),
        (
            sql("UPDATE alias SET name = 'stable' WHERE name = 'production'"),
            "notes@stable",
        ),
    ],
    Code.ALIAS_GENERATIONS: [
        (sql(f"DELETE FROM alias_move WHERE {MOVE} AND generation = 2"), "notes@production"),
        (
            sql(f"UPDATE alias_move SET from_number = 3 WHERE {MOVE} AND generation = 2"),
            "notes@production",
        ),
    ],
    Code.ALIAS_POSITION: [
        (sql("UPDATE alias SET number = 2 WHERE name = 'production'"), "notes@production"),
        (sql("UPDATE alias SET generation = 9 WHERE name = 'production'"), "notes@production"),
        (sql("DELETE FROM alias WHERE name = 'production'"), "notes@production"),
    ],
    Code.ALIAS_DIGEST: [
        (sql(f"UPDATE alias SET digest = '{OTHER}' WHERE name = 'canary'"), "notes@canary"),
    ],
    Code.ALIAS_TARGET: [
        (sql("UPDATE version SET state = 'quarantined' WHERE number = 4"), "notes@canary"),
        (sql("UPDATE alias SET number = 3 WHERE name = 'canary'"), "notes@canary"),
        (sql("UPDATE alias SET number = 99 WHERE name = 'canary'"), "notes@canary"),
    ],
    Code.POLICY_REVISIONS: [(sql("UPDATE protection SET revision = 2"), "notes@canary")],
    Code.TRAFFIC_REVISIONS: [
        (sql("UPDATE traffic_rule SET revision = 9 WHERE revision = 2"), "notes@canary")
    ],
    Code.APPROVAL_WRONG: [
        (sql(f"UPDATE approval SET digest = '{OTHER}'"), "notes:4 by eve"),
    ],
    Code.TOMBSTONE_WRONG: [
        (sql("DELETE FROM tombstone"), "notes:5"),
        (sql("UPDATE tombstone SET number = 4"), "notes:4"),
        (sql(f"UPDATE tombstone SET digest = '{OTHER}'"), "notes:5"),
        (sql("UPDATE tombstone SET adapter = 'x'"), "x:5"),
    ],
    Code.REVOKED_IN_USE: [
        (sql("UPDATE version SET state = 'admitted' WHERE number = 3"), "notes:3"),
        (
            sql("UPDATE alias SET digest = (SELECT digest FROM revocation) WHERE name = 'canary'"),
            "notes@canary",
        ),
    ],
    Code.BLOB_CONTENT: [(spoil_blob, None)],
    Code.BLOB_SIZE: [(shorten_blob, None)],
    Code.BLOB_MISSING: [(lambda stage: stage.blob("notes:2").unlink(), None)],
    Code.BLOB_UNREADABLE: [(block_blob, None)],
}
"""By the code that each gives: the damage (SQL, if it is text, run with the triggers in place), and
what the finding names; None where that has a digest or a key in it.
"""
