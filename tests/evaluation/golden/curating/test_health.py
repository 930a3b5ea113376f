"""Does the health page say what to do: staleness, groups of questions, the record of flips, saturation?"""

from datetime import UTC, datetime, timedelta

import pytest

from evaluation.golden.curating import asked_in_production, clusters, health, staleness
from evaluation.golden.draft import cases
from evaluation.golden.models import CaseRevision, GoldenCase
from evaluation.golden.published import versions
from evaluation.runs import steadiness
from evaluation.runs.models import CaseResult, CiRun
from ingest.models import Trace
from reviewapp.models import User
from reviewapp.review import rubrics
from reviewapp.review.models import RubricVersion
from tests.evaluation.golden.entering import filled, put_values

BASE = "/projects/refunds/golden/support"
TOPICS = ("refund for parcel order {n} not arrived", "password reset of account login {n} locked",
          "warranty of the broken kettle {n} spare lid")  # fmt: skip


def clustered(number=60):
    return [TOPICS[n % 3].format(n=n) for n in range(number)]


def test_questions_are_grouped_and_cases_placed():
    asked = ["my parcel order has not arrived, refund please", "sing a song of sixpence", "kettle lid broken"]
    found = clusters.clusters(clustered(), asked)
    assert clusters.clusters(clustered(), asked) == found
    assert sum(each.texts for each in found.clusters) == 60
    of_case = {case: each.words for each in found.clusters for case in each.cases}
    assert set(of_case) == {0, 2} and found.elsewhere == (1,)
    assert {"parcel", "order", "refund", "arrived"} & set(of_case[0])
    assert clusters.clusters(clustered(29), asked) is None
    assert clusters.clusters(["!"] * 40, asked) is None
    assert clusters.clusters(clustered(), []).elsewhere == ()


def test_the_thin_group_is_named_on_the_page(project, lead, stranger, other_project):
    dataset = cases.open_dataset(project, "support", "x")
    put_values(dataset, [{"id": "p", "input": TOPICS[0]}, {"id": "l", "input": TOPICS[1]}], "x")
    address = f"{BASE}/health/clusters"
    assert "0 traces with a question" in lead.client.get(address).content.decode()
    now = datetime.now(UTC)
    Trace.objects.bulk_create(
        Trace(project=each, trace_id=f"t{n}", started_at=now, input=text, stale_since=None)
        for each in (project, other_project)
        for n, text in enumerate(clustered())
    )
    coverage = asked_in_production.coverage(dataset)
    assert coverage.traces == 60 and {group.cases for group in coverage.groups} == {0, 1}
    page = lead.client.get(address).content.decode()
    assert "Thin:" in page and "<html" in page
    assert "<html" not in lead.client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert stranger.client.get(address).status_code == 404
    assert address in lead.client.get(f"{BASE}/health").content.decode()


@pytest.fixture
def confirmed(project):
    """Cases confirmed under the first version of a rubric, and that version."""
    version = rubrics.create_starter(project)
    dataset = filled(project, 3)
    for case in GoldenCase.objects.filter(case_id__in=["c0", "c1"]):
        entering = cases.Entering(
            cases.lines.read({"id": case.case_id, "input": "other"}), {"rubric_version": version.pk}
        )
        cases.put(dataset, [(0, entering)], "x")
    return dataset, version


def later(version, **changes):
    """A next frozen version whose criteria are those of this one, but for the changes."""
    made = RubricVersion.objects.create(rubric=version.rubric, number=version.number + 1, **changes)
    for each in version.criteria.all():
        each.pk, each.version = None, made
        each.save()
    return made


def freeze(version):
    version.stage, version.frozen_at = "frozen", datetime.now(UTC)
    version.save()


def test_a_case_is_stale_when_its_criterion_means_something_else(confirmed, lead, reviewer):
    dataset, version = confirmed
    assert staleness.of(dataset) == []
    wording = later(version, guidelines=version.guidelines)
    freeze(wording)
    assert staleness.of(dataset) == []
    moved = later(wording, guidelines=version.guidelines)
    moved.criteria.filter(key="verdict").update(meaning=2)
    assert staleness.of(dataset) == []
    freeze(moved)
    found = staleness.of(dataset)
    assert [each.case.case_id for each in found] == ["c0", "c1"]
    assert "means something else in version 3" in found[0].why and "confirmed under 1" in found[0].why
    page = lead.client.get(f"{BASE}/case/c0").content.decode()
    assert "Is it still right?" in page and "Still right" in page
    assert "Still right" not in reviewer.client.get(f"{BASE}/case/c0").content.decode()
    assert "c0" in lead.client.get(f"{BASE}/cases?stale=1").content.decode()
    lead.client.post(f"{BASE}/cases/change", {"case": "c0", "action": "confirm"})
    assert [each.case.case_id for each in staleness.of(dataset)] == ["c1"]
    assert GoldenCase.objects.get(case_id="c0").looked_by == lead.user.username
    edited = {"revision": "2", "message-0-role": "user", "message-0-content": "edited"}
    lead.client.post(f"{BASE}/case/c1", edited)
    assert staleness.of(dataset) == []


def test_a_changed_policy_and_a_long_silence_make_stale(confirmed):
    dataset, version = confirmed
    freeze(later(version, guidelines="Refunds are never promised."))
    assert {each.why.split(" in version")[0] for each in staleness.of(dataset)} == {"the guidelines changed"}
    GoldenCase.objects.update(looked_at=datetime.now(UTC) - timedelta(days=200))
    assert len(staleness.of(dataset)) == 3


def test_flips_of_one_commit_are_counted_within_and_between_runs(project, lead):
    dataset = filled(project, 2)
    version = versions.publish(dataset, "x")
    c0, c1 = GoldenCase.objects.order_by("case_id")

    def run(key, commit, *results):
        made = CiRun.objects.create(
            version=version, run_key=key, commit=commit, complete=True, cases=2, passed=2
        )
        CaseResult.objects.bulk_create(
            CaseResult(run=made, case=case, revision=1, trial=trial, status=status, scored_by="client")
            for case, trial, status in results
        )

    run("a", "one", *[(c0, n, "pass") for n in (1, 2, 3)], (c1, 1, "pass"))
    run("b", "one", (c0, 1, "fail"), (c0, 2, "pass"), (c1, 1, "pass"))
    run("c", "two", (c0, 1, "fail"), (c1, 1, "error"))
    run("d", "", (c0, 1, "pass"))
    (month,) = steadiness.by_month(dataset)
    # c0: pass pass pass fail pass, two flips of four pairs; c1: one pair, none.
    assert (month.flips, month.pairs) == (2, 5)
    (flaky,) = steadiness.flaky(dataset, 5)
    assert (flaky.case_id, flaky.flips, flaky.pairs) == ("c0", 2, 4)
    page = lead.client.get(f"{BASE}/health").content.decode()
    assert "2 of 4 flipped" in page and "40" in page
    caught = lead.client.get(f"{BASE}/case/c0").content.decode()
    assert (
        "Last caught" in caught
        and "never failed a run" in lead.client.get(f"{BASE}/case/c1").content.decode()
    )


def test_growth_saturation_and_cases_that_never_fail(project, django_assert_max_num_queries):
    dataset = filled(project, 4)
    version = versions.publish(dataset, "x")
    rows = list(GoldenCase.objects.order_by("case_id"))
    rows[0].owner = User.objects.create(username="o")
    rows[0].save()
    for n in range(10):
        run = CiRun.objects.create(version=version, run_key=str(n), complete=True, cases=4, passed=4)
        CaseResult.objects.bulk_create(
            CaseResult(run=run, case=case, revision=1, trial=1, scored_by="client",
                       status="fail" if case == rows[3] and n == 0 else "pass")
            for case in rows
        )  # fmt: skip
    with django_assert_max_num_queries(20):
        found = health.of(dataset)
    assert found.saturated and found.never_failed_count == 3 and found.ownerless == 3
    assert found.months[0].added == 4 and found.months[0].words == "below the goal"
    assert CaseRevision.objects.count() == 4 and found.stale_count == 0
