"""Publish, find, withdraw and restore versions. Numbers have no gaps, and bytes are made once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models.functions import Now
from psycopg import Cursor

from evaluation.golden.content import formats
from evaluation.golden.draft import candidates, drafts
from evaluation.golden.models import (
    CaseState,
    GoldenDataset,
    GoldenVersion,
    VersionBody,
    VersionEntry,
)
from ingest.models import Trace
from reviewapp.review import resolutions

LATEST = "latest"


class NothingToPublish(Exception):
    """The draft equals the latest version, or holds no case."""


class Unfounded(NothingToPublish):
    """A case rests on a failure that is no longer confirmed."""


class Unpublished(Exception):
    """A number that the draft will get."""


class Withdrawn(Exception):
    """A version that is withdrawn; carries it."""

    def __init__(self, version: GoldenVersion) -> None:
        super().__init__(version.withdrawn_reason)
        self.version = version


class NoVersion(Exception):
    """No such version."""


@dataclass(frozen=True, slots=True)
class _Drafted:
    case_pk: int
    revision_pk: int
    line: str
    trace_pk: int | None


def publish(dataset: GoldenDataset, by: str, changelog: str = "") -> GoldenVersion:
    """The draft as the next version, in one transaction. Raises NothingToPublish.

    The dataset's row is locked: of two publishers the second finds nothing left to publish, and a killed one
    leaves nothing behind.
    """
    with transaction.atomic():
        dataset = GoldenDataset.objects.select_for_update().get(pk=dataset.pk)
        difference = drafts.draft(dataset)
        if not difference:
            raise NothingToPublish("Nothing changed since the latest version.")
        drafted = _publishable(dataset)
        before = drafts.latest_version(dataset)
        lines = [each.line for each in drafted]
        native = formats.render(formats.NATIVE, lines)
        version = GoldenVersion.objects.create(
            dataset=dataset,
            number=before.number + 1 if before else 1,
            digest=hashlib.sha256(native).digest(),
            items=len(drafted),
            parent=before.number if before else None,
            changelog=changelog.replace("\0", "\ufffd").strip(),
            added=len(difference.added),
            changed=len(difference.changed),
            removed=len(difference.removed),
            created_by=by,
        )
        _store(version, _ahead(formats.render_each(lines)))
        VersionEntry.objects.bulk_create(
            [
                VersionEntry(version=version, case_id=each.case_pk, revision_id=each.revision_pk)
                for each in drafted
            ],
            batch_size=5000,
        )
        _hold_origins(drafted)
        return version


def _publishable(dataset: GoldenDataset) -> list[_Drafted]:
    """The draft, of which no case rests on a label that was taken back. Raises NothingToPublish."""
    drafted = _drafted(dataset)
    if not drafted:
        raise NothingToPublish("The draft holds no case.")
    if unfounded := candidates.unfounded([each.case_pk for each in drafted]):
        raise Unfounded(
            f"A label behind {', '.join(unfounded[:10])} was taken back: retire what is no longer a failure, "
            "or have it confirmed again."
        )
    return drafted


def _hold_origins(drafted: list[_Drafted]) -> None:
    """Labels behind a published case cannot be taken back; retention keeps the trace that it came from."""
    resolutions.publish(candidates.resolutions_behind([each.case_pk for each in drafted]))
    traces = {each.trace_pk for each in drafted if each.trace_pk is not None}
    Trace.objects.filter(pk__in=traces).update(held=True)


def _drafted(dataset: GoldenDataset) -> list[_Drafted]:
    """The draft's lines in the order of their ids' code points (collation C)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.id, r.id, r.line, c.trace_id FROM evaluation_goldencase c"
            " JOIN evaluation_caserevision r ON r.case_id = c.id AND r.number = c.revision"
            " WHERE c.dataset_id = %s AND c.state = %s AND r.line IS NOT NULL ORDER BY c.case_id",
            [dataset.pk, CaseState.ACTIVE],
        )
        return [_Drafted(*row) for row in cursor.fetchall()]


def _ahead(bodies: Iterator[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    """The next format is rendered while the database takes the one before."""
    with ThreadPoolExecutor(1, thread_name_prefix="render") as pool:
        coming = pool.submit(next, bodies, None)
        while (body := coming.result()) is not None:
            coming = pool.submit(next, bodies, None)
            yield body


def _store(version: GoldenVersion, bodies: Iterable[tuple[str, bytes]]) -> None:
    """In binary, which the cursors that Django makes do not know: as text it would be twice the bytes."""
    with Cursor(connection.connection) as cursor:
        for name, content in bodies:
            cursor.execute(_BODY, [version.pk, name, content, hashlib.sha256(content).digest(), len(content)])


_BODY = (
    "INSERT INTO evaluation_versionbody (version_id, format, content, sha256, size)"
    " VALUES (%s, %s, %b, %b, %s)"
)


def find(dataset: GoldenDataset, number: str) -> GoldenVersion:
    """The version of a number or `latest`. Raises NoVersion, Unpublished or Withdrawn."""
    found = _latest(dataset) if number == LATEST else _numbered(dataset, number)
    if found.withdrawn_at is not None:
        raise Withdrawn(found)
    return found


def _latest(dataset: GoldenDataset) -> GoldenVersion:
    """The newest one that stands; when all are withdrawn, the newest."""
    versions = dataset.versions.order_by("-number")
    found = versions.filter(withdrawn_at=None).first() or versions.first()
    if found is None:
        raise NoVersion("It has no published version yet; publish its draft.")
    return found


def _numbered(dataset: GoldenDataset, number: str) -> GoldenVersion:
    if not number.isascii() or not number.isdecimal() or len(number) > 9 or str(int(number)) != number:
        raise NoVersion("A version is a number from 1, or latest.")
    found = dataset.versions.filter(number=int(number)).first()
    if found is not None:
        return found
    latest = drafts.latest_version(dataset)
    if int(number) == (latest.number if latest else 0) + 1 and drafts.has_draft(dataset):
        raise Unpublished(f"Version {number} is a draft: publish it before it can be read.")
    raise NoVersion(f"There is no version {number}.")


def withdraw(version: GoldenVersion, reason: str, by: str) -> None:
    """Remove a version's bytes permanently; its number, digest and the reason (required) stay."""
    reason = reason.replace("\0", "\ufffd").strip()
    if not reason:
        raise ValueError("A withdrawal needs a reason.")
    with transaction.atomic():
        GoldenVersion.objects.filter(pk=version.pk, withdrawn_at=None).update(
            withdrawn_at=Now(), withdrawn_reason=reason, withdrawn_by=by
        )
        VersionBody.objects.filter(version=version, content__isnull=False).update(content=None)


def restore(version: GoldenVersion) -> None:
    """Make the draft hold what this version holds: the same revisions, so the same bytes if published."""
    with transaction.atomic():
        GoldenDataset.objects.select_for_update().get(pk=version.dataset_id)
        with connection.cursor() as cursor:
            cursor.execute(_RESTORE, {"version": version.pk, "dataset": version.dataset_id})


_RESTORE = """
WITH held AS (
    SELECT e.case_id, r.number FROM evaluation_versionentry e
    JOIN evaluation_caserevision r ON r.id = e.revision_id WHERE e.version_id = %(version)s
)
UPDATE evaluation_goldencase c
SET revision = coalesce(h.number, c.revision),
    state = CASE WHEN h.case_id IS NOT NULL THEN 'active'
                 WHEN c.state = 'active' THEN 'retired' ELSE c.state END,
    state_changed_at = now(),
    state_reason = CASE WHEN h.case_id IS NULL AND c.state = 'active' THEN 'not in the restored version'
                        ELSE '' END
FROM evaluation_goldencase o LEFT JOIN held h ON h.case_id = o.id
WHERE c.id = o.id AND o.dataset_id = %(dataset)s AND (h.case_id IS NOT NULL OR c.state = 'active')
"""


def body_of(version: GoldenVersion, name: str) -> VersionBody:
    """What is known of one format, without its bytes."""
    return VersionBody.objects.defer("content").get(version=version, format=name)


def manifest(version: GoldenVersion) -> dict[str, Any]:
    bodies = version.bodies.order_by("format").values_list("format", "sha256", "size")
    return {
        "name": version.dataset.name,
        "version": version.number,
        "digest": digest_text(version),
        "items": version.items,
        "created_at": version.created_at,
        "created_by": version.created_by,
        "parent": version.parent,
        "changelog": version.changelog,
        "formats": {name: {"sha256": bytes(sha256).hex(), "size": size} for name, sha256, size in bodies},
    }


def digest_text(version: GoldenVersion) -> str:
    return f"sha256:{bytes(version.digest).hex()}"
