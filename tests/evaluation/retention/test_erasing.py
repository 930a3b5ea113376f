"""A person's data goes: what is left of it in any table, what stays, and what a restore does about it."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, connection, transaction
from django.test import Client

from evaluation.golden.draft import candidates, cases
from evaluation.golden.models import GoldenCase, GoldenVersion, VersionBody
from evaluation.golden.published import versions
from evaluation.retention import erasing, ledger, replaying
from evaluation.retention.models import Erasure, Subject
from ingest import tokens
from ingest.models import Feedback, Project, Scope, Trace
from reviewapp.models import Role
from reviewapp.review import drafts, items, labels, leases
from reviewapp.review.actors import Actor
from reviewapp.review.labels import Answer
from reviewapp.review.models import Draft, Label, ReviewItem, Snapshot
from tests.evaluation.golden.entering import put_values
from tests.reviewapp.review import making as review

SECRET = "xyzzy-secret-words"


@pytest.fixture(autouse=True)
def own_data_dir(settings, tmp_path):
    settings.DATA_DIR = tmp_path


def texts_of_all_tables():
    """(table, row) wherever the words stand in any column of any table."""
    found = []
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT t::text FROM "{table}" t WHERE t::text LIKE %s', [f"%{SECRET}%"])
            found += [(table, row) for (row,) in cursor.fetchall()]
    # Bytes are shown in hexadecimal.
    for model, column in ((Snapshot, "bytes"), (VersionBody, "content")):
        found += [(model, pk) for pk, content in model.objects.values_list("pk", column)
                  if content and SECRET.encode() in bytes(content)]  # fmt: skip
    return found


def fill(project):
    """Traces of two users: one labelled twice, promoted and published, one begun, one untouched."""
    queue = review.make_queue(project, overlap=2)
    people = [review.make_reviewer(project, name) for name in ("ann", "bob")]
    client = Client(headers={"authorization": f"Bearer {tokens.issue(project, 't', [Scope.ADMIN]).text}"})
    for name, user in (("hers", "eve"), ("drafted", "eve"), ("left", "eve"), ("other", "max")):
        text = SECRET if user == "eve" else "plain"
        feedback = {"id": f"f{name}", "kind": "comment", "comment": text, "user": user}
        body = {"id": name, "input": f"q {text}", "output": f"a {text}", "user_id": user, "tags": {"x": text},
                "scores": [{"id": f"s{name}", "name": "n", "value": 0, "explanation": text}],
                "feedback": [feedback]}  # fmt: skip
        client.post("/api/v1/traces", json.dumps(body), content_type="application/json")
    said = {"id": "f2", "target": {"trace_id": "other"}, "kind": "thumbs", "value": "down", "user": "eve",
            "comment": SECRET}  # fmt: skip
    client.post("/api/v1/feedback", json.dumps(said), content_type="application/json")
    items.enqueue(queue, ["hers"])
    for person in people:
        lease = leases.claim(queue, person)
        answer = Answer(verdict="fail", note=f"note {SECRET}", corrected_output=f"right {SECRET}")
        labels.submit(lease.item, Actor(person), lease.token, answer)
    item = ReviewItem.objects.get(trace__trace_id="hers")
    lead = review.make_reviewer(project, "lea", Role.LEAD)
    dataset = cases.open_dataset(project, "support", "lea")
    put_values(dataset, [{"id": "plain", "input": "q"}], "lea")
    versions.publish(dataset, "lea", "before")
    candidate = candidates.propose(project, item.pk, "ann")
    candidates.accept(candidate, dataset, {**candidate.content, "id": "from-her"}, lead.username)
    put_values(dataset, [{"id": "by-hand", "input": f"q {SECRET}", "metadata": {"trace_id": "hers"}}], "x")
    versions.publish(dataset, "lea", "with hers")
    items.enqueue(queue, ["drafted"])
    lease = leases.claim(queue, people[0])
    drafts.save(lease.item, people[0], 0, {"note": SECRET})
    return dataset


def test_nothing_of_the_person_is_left_in_any_table(project, settings):
    dataset = fill(project)
    assert len({str(table) for table, _ in texts_of_all_tables()}) > 10
    would = erasing.preview(project, Subject.USER, "eve")
    assert (would.deleted, would.blanked, would.withdrawn) == (2, 1, ("support v2",))
    out = StringIO()
    call_command("erase", "--user", "eve", "--reason", "asked in May", "--dry-run", stdout=out)
    assert out.getvalue().startswith("Would go: 2 traces deleted, 1 kept") and Draft.objects.exists()
    call_command("erase", "--user", "eve", "--reason", "asked in May", stdout=out)
    assert texts_of_all_tables() == []
    assert "Withdrawn: support v2." in out.getvalue()
    assert (
        not Trace.objects.filter(user_id="eve").exists() and not Feedback.objects.filter(user="eve").exists()
    )
    # What was found out stays.
    assert sorted(Trace.objects.values_list("trace_id", flat=True)) == ["hers", "other"]
    assert Label.objects.filter(verdict="fail").count() == 2
    assert Feedback.objects.get(key="f2").value == "down"
    assert versions.find(dataset, "latest").number == 1
    assert set(GoldenCase.objects.filter(state="retired").values_list("case_id", flat=True)) == {
        "from-her",
        "by-hand",
    }
    assert versions.publish(dataset, "lea", "without her").items == 1
    record = Erasure.objects.get()
    assert record.counts["withdrawn"] == ["support v2"] and record.reason == "asked in May"
    assert b"eve" not in ledger.place().read_bytes() and len(ledger.read()) == 1
    with pytest.raises(CommandError, match="Nothing is kept of the user eve"):
        call_command("erase", "--user", "eve")


def test_a_withdrawn_version_says_so_and_pages_show_the_erased(project, lead, api, client):
    fill(project)
    erasing.erase(project, Subject.TRACE, "hers", by="x")
    answer = api(Scope.GOLDEN_READ).get("/api/v1/golden/support/versions/2")
    assert answer.status_code == 410 and "personal data was erased" in answer.json()["detail"]
    for path in ("golden/support", "golden/support/cases?state=all", "golden/support/case/from-her",
                 "golden/support/health", "golden/support/versions/2", "traces/hers", "adjudication",
                 "golden-candidates", "golden/support/versions/1...2"):  # fmt: skip
        page = lead.client.get(f"/projects/refunds/{path}")
        assert page.status_code in (200, 404), path
        assert SECRET not in page.content.decode(), path
    assert api(Scope.TRACES_READ).get("/api/v1/traces/hers").json()["input"] == ""


def test_only_this_project_and_only_what_came_before(project, other_project):
    for each in (project, other_project):
        Trace.objects.create(project=each, trace_id="t", started_at=datetime.now(UTC), user_id="eve",
                             stale_since=None)  # fmt: skip
    erasing.erase(project, Subject.USER, "eve", by="x")
    assert list(Trace.objects.values_list("project__slug", flat=True)) == ["elsewhere"]
    record = Erasure(project=other_project, kind="user", digest=erasing.digest(other_project, "eve"),
                     erased_at=datetime.now(UTC) - timedelta(days=1))  # fmt: skip
    erasing.carry_out(record, ["eve"])
    assert Trace.objects.filter(user_id="eve").exists()


def test_a_record_cannot_be_changed(project):
    Trace.objects.create(project=project, trace_id="t", started_at=datetime.now(UTC), session_id="s",
                         stale_since=None)  # fmt: skip
    erasing.erase(project, Subject.SESSION, "s", by="x")
    for statement in ("UPDATE evaluation_erasure SET reason = 'z'", "DELETE FROM evaluation_erasure"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


@pytest.mark.parametrize("way", ["ledger", "database"])
@pytest.mark.django_db(transaction=True)
def test_an_erasure_is_repeated_after_a_restore(tmp_path, fresh_database, way):
    fill(Project.objects.create(slug="refunds"))
    backup, out = tmp_path / "backup", StringIO()
    call_command("backup", str(backup), stdout=StringIO())
    erasing.erase(Project.objects.get(), Subject.USER, "eve", by="x", reason="asked")
    if way == "database":
        ledger.place().unlink()
        call_command("restore", str(backup), "--force", stdout=out)
    else:
        fresh_database()
        call_command("restore", str(backup), stdout=out)
    assert "1 erasures" in out.getvalue()
    assert texts_of_all_tables() == []
    assert GoldenVersion.objects.get(number=2).withdrawn_at and Erasure.objects.get().reason == "asked"
    call_command("erase", "--replay", stdout=out)
    assert "0 erasures were carried out again" in out.getvalue()


def test_a_ledger_with_a_broken_line_is_read(db, tmp_path):
    ledger.place().write_text('{"id": 1}\nnot json\n\n')
    assert ledger.read() == [] and ledger.read(tmp_path / "none") == [] and replaying.replay([]) == []
