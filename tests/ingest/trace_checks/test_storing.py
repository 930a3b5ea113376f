"""What the checks found becomes scores once, under keys that nobody else can take, and is counted."""

import threading
from datetime import UTC, datetime

import pytest
from django.db import connection

from ingest.models import CheckCount, Project, Scope, Score, Trace
from ingest.reading import Reading
from ingest.trace_checks import Finding, load, run, store
from ingest.trace_checks.running import DEFAULT

NOON = datetime(2026, 8, 6, 12, 30, tzinfo=UTC)
FOUND = [
    Finding("slow", False, "Took 9 s."),
    Finding("empty", True, "Has 3 words."),
    Finding("pii", None, "", "E"),
]


@pytest.fixture
def trace(project):
    return Trace.objects.create(project=project, trace_id="t", started_at=NOON, route="refund")


def rows():
    return list(Score.objects.order_by("key").values())


@pytest.mark.django_db
def test_a_finding_is_a_score(trace):
    assert store([(trace, FOUND)]) == 3
    slow = Score.objects.get(name="check.slow")
    assert slow.key == "touchstone:check:slow:t"
    assert (slow.trace, slow.value, slow.label, slow.explanation) == (trace, 0.0, "fail", "Took 9 s.")
    assert (slow.source, slow.evaluator) == ("code", {"name": "touchstone", "version": "1"})
    assert (slow.timestamp, slow.target_kind, slow.target_key) == (NOON, "trace", "t")
    broken = Score.objects.get(name="check.pii")
    assert (broken.value, broken.label, broken.error_type) == (None, "", "E")


@pytest.mark.django_db
def test_again_is_the_same_and_counts_once(trace):
    store([(trace, FOUND)])
    before = rows()
    assert store([(trace, FOUND)]) == 0
    assert store([(trace, [Finding("slow", True, "otherwise")])]) == 0
    assert rows() == before
    count = CheckCount.objects.get(name="slow")
    assert (count.hour, count.route) == (NOON.replace(minute=0), "refund")
    assert (count.passed, count.failed, count.broken) == (0, 1, 0)
    assert CheckCount.objects.get(name="").failed == 1


@pytest.mark.django_db
def test_equal_findings_made_in_two_databases_are_equal_rows(trace, other_project):
    other = Trace.objects.create(project=other_project, trace_id="t", started_at=NOON)
    store([(trace, FOUND), (other, FOUND)])
    mine, theirs = (
        list(Score.objects.filter(project=each.project).order_by("key").values("key", "sha256", "timestamp"))
        for each in (trace, other)
    )
    assert [bytes(row.pop("sha256")) for row in mine] == [bytes(row.pop("sha256")) for row in theirs]
    assert mine == theirs


@pytest.mark.django_db
def test_nothing_found_writes_nothing(trace, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert store([(trace, [])]) == 0


@pytest.mark.django_db
def test_as_many_statements_for_many_traces(project, django_assert_max_num_queries):
    traces = [Trace(project=project, trace_id=f"t{number}", started_at=NOON) for number in range(50)]
    Trace.objects.bulk_create(traces)
    with django_assert_max_num_queries(4):
        assert store([(trace, FOUND) for trace in traces]) == 150
    assert CheckCount.objects.get(name="empty").passed == 50


@pytest.mark.django_db
def test_the_longest_names_are_counted(project):
    trace = Trace.objects.create(
        project=project, trace_id="\U0001f600" * 128, started_at=NOON, route="\U0001f600" * 200,
        model="\U0001f600" * 200, prompt_version="\U0001f600" * 200, environment="\U0001f600" * 200,
    )  # fmt: skip
    assert store([(trace, FOUND)]) == 3


@pytest.mark.django_db
@pytest.mark.parametrize("first", ["posted", "checked"])
def test_no_posted_score_takes_a_checks_key(trace, api, first):
    def post():
        key, target = "touchstone:check:slow:t", {"trace_id": "t"}
        body = {"id": key, "target": target, "name": "check.slow", "value": 1}
        return api(Scope.INGEST).post("/api/v1/scores", body, content_type="application/json")

    if first == "checked":
        store([(trace, FOUND)])
    answer = post()
    assert answer.status_code in (207, 400, 422)
    assert "reserved for this server" in answer.content.decode()
    if first == "posted":
        store([(trace, FOUND)])
    assert Score.objects.get(name="check.slow").value == 0


@pytest.mark.django_db
def test_no_other_door_takes_a_checks_key(trace, project):
    from ingest import intake
    from ingest.models import TargetKind
    from ingest.records import Batch, ScoreRecord, Target

    record = ScoreRecord(
        key="touchstone:check:slow:t", target=Target(TargetKind.TRACE.value, "t"), name="mine", value=1.0,
        label="", confidence=None, explanation="", source="code", evaluator={}, error_type="", timestamp=NOON,
        metadata={}, sha256=b"x" * 32,
    )  # fmt: skip
    batch = Batch(scores=[record])
    try:
        intake.store(project, batch)
    except TypeError:
        from ingest.redaction import policies

        intake.store(project, batch, policies.of(project))
    assert Score.objects.get(name="mine").key == (b"x" * 32).hex()


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_count_everything_once(project):
    traces = [Trace(project=project, trace_id=f"t{number}", started_at=NOON) for number in range(40)]
    Trace.objects.bulk_create(traces)
    errors = []

    def work(mine):
        try:
            for start in range(0, len(mine), 5):
                store([(trace, FOUND) for trace in mine[start : start + 5]])
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(some,)) for some in (traces, traces[::-1], traces[::2])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert Score.objects.count() == 120
    assert {row.name: row.passed + row.failed + row.broken for row in CheckCount.objects.all()} == {
        "": 40, "slow": 40, "empty": 40, "pii": 40,
    }  # fmt: skip


@pytest.mark.django_db
def test_the_counts_go_with_their_project(trace):
    store([(trace, FOUND)])
    Project.objects.get(pk=trace.project_id).delete()
    assert not CheckCount.objects.exists()


@pytest.mark.django_db
def test_loading_for_a_project_without_settings(project):
    assert load([project.pk])[project.pk] is DEFAULT
    assert run(DEFAULT, Trace(trace_id="x"), Reading()) == []
