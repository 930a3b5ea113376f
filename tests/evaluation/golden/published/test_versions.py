"""Published bytes never change: by SQL, by two publishers at once, by a killed one, by backup and restore."""

import hashlib
import os
import re
import signal
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import IntegrityError, connection, transaction
from django.db.utils import DatabaseError

from evaluation import backups
from evaluation.golden.content import formats
from evaluation.golden.draft import cases
from evaluation.golden.models import GoldenCase, GoldenVersion, VersionBody, VersionEntry
from evaluation.golden.published import slices, versions
from ingest.models import Project
from tests.evaluation.golden.entering import filled, put_values
from tests.reviewapp.review.making import together

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture
def version(project):
    return versions.publish(filled(project), "x", "first")


STATEMENTS = [
    "UPDATE evaluation_goldenversion SET changelog = 'other'",
    "UPDATE evaluation_goldenversion SET number = 7",
    "UPDATE evaluation_goldenversion SET withdrawn_at = now()",
    "DELETE FROM evaluation_goldenversion",
    "UPDATE evaluation_versionbody SET content = 'x'",
    "UPDATE evaluation_versionbody SET content = NULL",
    "UPDATE evaluation_versionbody SET size = 1",
    "DELETE FROM evaluation_versionbody",
    "UPDATE evaluation_versionentry SET revision_id = revision_id",
    "DELETE FROM evaluation_versionentry",
    "UPDATE evaluation_caserevision SET line = 'x'",
    "UPDATE evaluation_caserevision SET critical = true",
    "DELETE FROM evaluation_caserevision",
    "UPDATE evaluation_goldencase SET case_id = 'other'",
]


@pytest.mark.parametrize("statement", STATEMENTS)
def test_sql_cannot_change_what_is_published(version, statement):
    with pytest.raises((IntegrityError, DatabaseError)), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize("name", formats.FORMATS)
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE evaluation_versionbody SET content = content || 'x'",
        "UPDATE evaluation_versionbody SET sha256 = 'x'",
        "UPDATE evaluation_versionbody SET content = NULL",
        "DELETE FROM evaluation_versionbody",
    ],
)
def test_no_format_can_be_changed_by_sql(version, name, statement):
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"{statement} WHERE format = %s", [name])
    body = version.bodies.get(format=name)
    assert hashlib.sha256(bytes(body.content)).digest() == bytes(body.sha256)
    assert body.size == len(bytes(body.content))


@pytest.mark.django_db(transaction=True)
def test_a_publication_tried_again_leaves_the_bytes_as_they_are():
    dataset = filled(Project.objects.create(slug="refunds"))
    first = versions.publish(dataset, "x")
    kept = {body.format: bytes(body.content) for body in first.bodies.all()}

    def publish_nothing():
        with pytest.raises(versions.NothingToPublish):
            versions.publish(dataset, "y")

    together([publish_nothing] * 2)
    put_values(dataset, [{"id": "c0", "input": "other"}], "x")
    versions.publish(dataset, "x")
    versions.restore(first)
    third = versions.publish(dataset, "x")
    assert third.number == 3 and bytes(third.digest) == bytes(first.digest)
    for version in (first, third):
        assert {body.format: bytes(body.content) for body in version.bodies.all()} == kept


def test_a_withdrawal_happens_once_and_takes_the_bytes(version):
    with pytest.raises(ValueError, match="reason"):
        versions.withdraw(version, " ", "x")
    versions.withdraw(version, "why", "x")
    versions.withdraw(version, "another", "y")
    version.refresh_from_db()
    assert (version.withdrawn_reason, version.withdrawn_by) == ("why", "x")
    assert not VersionBody.objects.filter(content__isnull=False).exists()
    assert all(bytes(body.sha256) for body in version.bodies.all())
    for statement in ("UPDATE evaluation_goldenversion SET withdrawn_reason = 'z'",
                      "UPDATE evaluation_versionbody SET content = 'x'"):  # fmt: skip
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_lines_stand_in_the_order_of_code_points(project):
    dataset = cases.open_dataset(project, "order", "x")
    names = ["b", "B", "a-2", "a1", "Z", "é", "z", "\U0001f600", "\uff5e", "10", "9"]
    put_values(dataset, [{"id": name, "input": "q"} for name in names], "x")
    version = versions.publish(dataset, "x")
    lines = bytes(version.bodies.get(format=formats.NATIVE).content).decode().splitlines()
    assert [re.search('"id":"([^"]*)"', line)[1] for line in lines] == sorted(names)


@pytest.mark.django_db(transaction=True)
def test_publishers_at_once_leave_no_gap_and_no_double():
    project = Project.objects.create(slug="refunds")
    dataset = filled(project)

    def attempt():
        try:
            return versions.publish(dataset, "x").number
        except versions.NothingToPublish:
            return None

    for expected in (1, 2, 3):
        assert sorted(together([attempt] * 4), key=str) == [expected, None, None, None]
        put_values(dataset, [{"id": f"new-{expected}", "input": "q"}], "x")

    def write(n):
        put_values(dataset, [{"id": f"w{n}", "input": "q"}], "x")
        return attempt()

    together([lambda n=n: write(n) for n in range(4)])
    attempt()
    numbers = list(GoldenVersion.objects.order_by("number").values_list("number", flat=True))
    assert numbers == list(range(1, len(numbers) + 1))
    for version in GoldenVersion.objects.all():
        body = bytes(version.bodies.get(format=formats.NATIVE).content)
        assert hashlib.sha256(body).digest() == bytes(version.digest)
        assert body.count(b"\n") == version.items == version.entries.count()


@pytest.mark.django_db(transaction=True)
def test_many_writers_get_ids_of_their_own():
    dataset = filled(Project.objects.create(slug="refunds"), 0)
    together([lambda: put_values(dataset, [{"input": "q"}] * 5, "x")] * 4)
    assert sorted(GoldenCase.objects.values_list("case_id", flat=True)) == [
        f"case-{n:04d}" for n in range(1, 21)
    ]


@pytest.mark.django_db(transaction=True)
def test_a_publisher_that_is_killed_leaves_nothing_behind(tmp_path):
    """kill -9 while the bodies are being written."""
    dataset = filled(Project.objects.create(slug="refunds"))
    program = tmp_path / "publisher.py"
    program.write_text(
        "import os, sys, django\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        "os.environ['DJANGO_SETTINGS_MODULE'] = 'tests.settings'\n"
        "django.setup()\n"
        "from django.db import connection\n"
        f"connection.settings_dict['NAME'] = {connection.settings_dict['NAME']!r}\n"
        "import time\n"
        "from evaluation.golden.published import versions\n"
        "from evaluation.golden.models import GoldenDataset\n"
        "store = versions._store\n"
        "def slow(version, bodies):\n"
        "    store(version, bodies)\n"
        "    print('written', flush=True)\n"
        "    time.sleep(60)\n"
        "versions._store = slow\n"
        "versions.publish(GoldenDataset.objects.get(), 'killed')\n"
    )
    process = subprocess.Popen(
        [sys.executable, str(program)], stdout=subprocess.PIPE, text=True, env=os.environ
    )
    assert process.stdout.readline() == "written\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    deadline = time.monotonic() + 120
    while True:
        try:
            version = versions.publish(dataset, "after")
            break
        except DatabaseError:
            assert time.monotonic() < deadline
    assert version.number == 1 and GoldenVersion.objects.count() == 1
    assert VersionBody.objects.count() == len(formats.FORMATS)
    assert VersionEntry.objects.count() == 5


@pytest.mark.django_db(transaction=True)
def test_a_restored_database_serves_the_same_bytes(tmp_path, fresh_database):
    dataset = filled(Project.objects.create(slug="refunds"))
    versions.publish(dataset, "x", "first")
    kept = {body.format: bytes(body.content) for body in VersionBody.objects.all()}
    file = tmp_path / "backup"
    out = StringIO()
    call_command("backup", str(file), stdout=out)
    assert str(file) in out.getvalue() and file.read_bytes().startswith(b"PGDMP")
    with pytest.raises(CommandError, match="holds 1 projects"):
        call_command("restore", str(file))
    fresh_database()
    out = StringIO()
    call_command("restore", str(file), stdout=out)
    assert f"1 golden versions, {len(formats.FORMATS)} files" in out.getvalue()
    assert {body.format: bytes(body.content) for body in VersionBody.objects.all()} == kept
    with pytest.raises(DatabaseError), connection.cursor() as cursor:
        cursor.execute("DELETE FROM evaluation_versionbody")
    call_command("restore", str(file), "--force", stdout=out)
    put_values(dataset, [{"id": "later", "input": "q"}], "x")
    assert versions.publish(dataset, "x").number == 2
    with pytest.raises(CommandError, match="not a file that backup wrote"):
        call_command("restore", __file__)


def test_a_changed_byte_is_found_after_a_restore(version, monkeypatch):
    assert backups.check() == backups.Checked(1, len(formats.FORMATS))
    read = slices.between
    csv = version.bodies.get(format="flat.csv").pk
    monkeypatch.setattr(slices, "between", lambda pk, *span: read(pk, *span)[:: -1 if pk == csv else 1])
    with pytest.raises(backups.Refused, match=re.escape("support v1 flat.csv is not what was published")):
        backups.check()


def test_the_publish_command(project, other_project):
    filled(project)
    out = StringIO()
    call_command("publish", "support", "--changelog", "by hand", stdout=out)
    assert out.getvalue().startswith("support v1: 5 cases, sha256:")
    assert GoldenVersion.objects.get().changelog == "by hand"
    with pytest.raises(CommandError, match="Nothing changed"):
        call_command("publish", "support")
    with pytest.raises(CommandError, match="no golden dataset"):
        call_command("publish", "other")
    filled(other_project, 2)
    with pytest.raises(CommandError, match="say --project"):
        call_command("publish", "support")
    call_command("publish", "support", "--project", "elsewhere", stdout=out)
    assert GoldenVersion.objects.filter(dataset__project=other_project).count() == 1
