"""Members see how often each check fails and where; leads switch and tune, and try before they save."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from ingest import readings, settling, trace_checks
from ingest.models import CheckCount, CheckSetting, Scope, Score, Trace
from ingest.trace_checks import tallies
from ingest.trace_checks.catalogue import CHECKS
from ingest.trace_checks.settings import change
from reviewapp.trace_checks.overview import shown

PAGE = "/projects/refunds/checks"


@pytest.fixture
def settled(project):
    """Some traces, settled: `settled({"output": ...}, ...)`."""

    def send(*bodies, of=project):
        start = timezone.now() - timedelta(hours=1)
        stored = []
        for number, body in enumerate(bodies):
            trace = Trace.objects.create(project=of, trace_id=f"t{number}", started_at=start, revision=1)
            trace.records.create(
                occurred_at=start,
                body={"input": "Where is my order?", "started_at": start.isoformat(),
                      "ended_at": (start + timedelta(seconds=2)).isoformat(), **body},
                sha256=number.to_bytes(32, "big"),
            )  # fmt: skip
            stored.append(trace)
        readings.refresh_rows(stored)
        traces = list(Trace.objects.filter(pk__in=[trace.pk for trace in stored]).order_by("pk"))
        checks = trace_checks.load({of.pk})[of.pk]
        rows = readings.load_many(traces)
        found = [
            (trace, trace_checks.run(checks, trace, readings.read_trace(trace, rows[trace.pk])))
            for trace in traces
        ]
        trace_checks.store(found)
        settling._draw_all(traces, {of.pk: bytes(of.secret)})
        return traces

    return send


def text_of(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.content.decode()))


def test_members_read_the_rates_and_strangers_nothing(settled, owner, lead, reviewer, stranger):
    settled({"output": "I'm sorry, but I can't help with that."}, {"output": "It is on its way to you."})
    for who in (owner, lead, reviewer):
        page = who.client.get(PAGE)
        assert page.status_code == 200
        assert "2 traces checked, 1 failed at least one (50 %)" in text_of(page)
    line = next(line for line in page.context["overview"].lines if line.check.name == "refusal")
    assert (line.tally.failed, line.tally.n) == (1, 2)
    assert stranger.client.get(PAGE).status_code == 404
    assert stranger.client.get(f"{PAGE}/refusal").status_code == 404
    assert Client().get(PAGE).status_code == 302


def test_the_rates_of_another_project_are_not_counted(settled, owner, other_project):
    settled({"output": ""}, of=other_project)
    page = owner.client.get(PAGE)
    assert "No trace was checked in the last 7 days" in text_of(page)


@pytest.mark.parametrize("window", ["24h", "7d", "28d", "", "for ever", "\0"])
def test_any_window_answers(settled, owner, window):
    settled({"output": "I'm sorry, but I can't help with that."})
    for address in (PAGE, f"{PAGE}/refusal"):
        page = owner.client.get(address, {"window": window})
        assert page.status_code == 200
        assert "100 %" in text_of(page)


def test_the_explorer_shows_the_failing_traces(settled, owner):
    settled({"output": "I'm sorry, but I can't help with that."}, {"output": "It is on its way to you."})
    page = owner.client.get(f"{PAGE}/refusal")
    address = re.search(r'href="([^"]+)">Show them', page.content.decode())[1].replace("&amp;", "&")
    found = owner.client.get(address).content.decode()
    assert "/traces/t0" in found and "/traces/t1" not in found


def test_slices_and_examples(settled, owner):
    settled(
        {"output": "I'm sorry, but I can't help with that.", "route": "refund", "model": "m-1"},
        {"output": "It is on its way.", "route": "orders", "model": "m-1"},
    )
    page = owner.client.get(f"{PAGE}/refusal")
    slices = dict(page.context["page"].slices)
    assert {row.value: row.tally.rate for row in slices["Route"]} == {"refund": 1.0, "orders": 0.0}
    assert "Environment" not in slices
    assert [score.trace.trace_id for score in page.context["page"].examples] == ["t0"]
    assert "Declines" in text_of(page)


def test_an_unknown_check_is_not_found(owner):
    assert owner.client.get(f"{PAGE}/nothing").status_code == 404


@pytest.mark.parametrize("name", CHECKS)
def test_every_check_has_a_page_and_its_own_settings_can_be_saved(lead, project, name):
    page = lead.client.get(f"{PAGE}/{name}")
    assert page.status_code == 200
    form = page.context["form"]
    data = {field.name: field.value() for field in form if field.value() not in (False, None)}
    assert lead.client.post(f"{PAGE}/{name}", data).status_code == 302
    setting = CheckSetting.objects.get(project=project, name=name)
    assert (setting.enabled, setting.parameters) == (True, {})


def test_leads_change_and_reviewers_may_not(lead, reviewer, stranger, project):
    data = {"most_ms": "1500"}
    statuses = [who.client.post(f"{PAGE}/slow", data).status_code for who in (reviewer, stranger)]
    assert statuses == [403, 404]
    assert not CheckSetting.objects.exists()
    assert "Only leads can change them" in text_of(reviewer.client.get(f"{PAGE}/slow"))
    assert lead.client.post(f"{PAGE}/slow", data).status_code == 302
    setting = CheckSetting.objects.get()
    assert (setting.enabled, setting.parameters) == (False, {"most_ms": 1500.0})
    assert "Limit: 1,500 ms" in text_of(lead.client.get(PAGE))


def test_a_change_stands_in_the_audit_log(lead, owner):
    lead.client.post(f"{PAGE}/slow", {"enabled": "on", "most_ms": "1500"})
    lead.client.post(f"{PAGE}/slow", {"enabled": "on", "most_ms": "2500"})
    log = text_of(owner.client.get("/projects/refunds/audit"))
    assert "the check slow was set" in log and "the check slow was changed" in log


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("slow", {"most_ms": "-1"}, "must be a number from 1 to 8.64e+07"),
        ("slow", {"most_ms": "nan"}, "must be a number"),
        ("slow", {"most_ms": ""}, "required"),
        ("grounding", {"least_share": "2"}, "must be a number from 0 to 1"),
        ("safety", {"words": "*** !!!"}, "holds no letter or digit"),
        ("safety", {"words": "x" * 101}, "longer than 100 characters"),
        ("language", {"languages": "en, klingon"}, "does not know klingon"),
        ("pii", {"kinds": ["email", "name"]}, "name is not one of the available choices"),
        ("refusal", {"words": "a\0b"}, "Null characters are not allowed"),
    ],
)
def test_what_cannot_be_taken_is_refused_with_a_reason(lead, name, data, words):
    page = lead.client.post(f"{PAGE}/{name}", data)
    assert page.status_code == 422
    assert words in text_of(page)
    assert not CheckSetting.objects.exists()


def test_a_change_is_tried_before_it_is_saved(settled, lead):
    settled(*[{"output": "It is on its way.", "latency_ms": 1000 * number} for number in range(5)])
    page = lead.client.post(f"{PAGE}/slow", {"enabled": "on", "most_ms": "2500", "try": "1"})
    assert page.status_code == 200
    assert "Would fail 2, now 0" in text_of(page)
    assert "2 that pass now would fail, and 0 that fail now would not" in text_of(page)
    assert not CheckSetting.objects.exists()
    part = lead.client.post(
        f"{PAGE}/slow", {"most_ms": "1", "try": "1"},
        headers={"HX-Request": "true", "HX-Target": "editor"},
    )  # fmt: skip
    assert b"<html" not in part.content and b"Would fail 4, now 0" in part.content


def test_trying_reads_no_other_project(settled, lead, other_project):
    settled({"output": "x", "latency_ms": 9000}, of=other_project)
    page = lead.client.post(f"{PAGE}/slow", {"most_ms": "1", "try": "1"})
    assert "No trace has settled yet" in text_of(page)


def test_hostile_text_stays_text(settled, lead):
    evil = "<script>alert(1)</script> I'm sorry, but I can't help with that."
    settled({"output": evil, "input": evil, "route": "<img src=x onerror=alert(1)>"})
    for page in (
        lead.client.get(f"{PAGE}/refusal"),
        lead.client.post(f"{PAGE}/refusal", {"words": "<script>", "try": "1"}),
    ):
        assert page.status_code in (200, 422)
        assert "<script>alert" not in page.content.decode() and "<img src=x" not in page.content.decode()


def test_every_counter_equals_a_recount(settled, project):
    settled(*[{"output": text, "route": route} for text in ("", "null", "Fine.") for route in ("a", "b")])
    counted = {
        name: (tally.passed, tally.failed)
        for name, steps in tallies.trends(
            project, tallies.WINDOWS["24h"], timezone.now(), ["", *CHECKS]
        ).items()
        for tally in [tallies.total(steps)]
    }
    traces = counted.pop("")
    for name, (passed, failed) in counted.items():
        scores = Score.objects.filter(project=project, name=f"check.{name}")
        assert (passed, failed) == (scores.filter(value=1).count(), scores.filter(value=0).count())
    assert sum(traces) == 6 and traces[1] == 4
    assert CheckCount.objects.filter(project=project, name="").count() == 2


def test_the_pages_ask_the_same_number_of_questions_for_many(settled, owner, django_assert_max_num_queries):
    settled(*[{"output": "I can't help with that.", "route": f"r{number}"} for number in range(30)])
    with django_assert_max_num_queries(8):
        owner.client.get(PAGE)
    with django_assert_max_num_queries(11):
        owner.client.get(f"{PAGE}/refusal")


def test_an_off_check_is_marked(project, owner):
    change(project, CHECKS["slow"], enabled=False, values={})
    lines = owner.client.get(PAGE).context["overview"].lines
    assert [line.check.name for line in lines if not line.enabled] == ["slow"]


def test_values_in_words():
    assert [shown(value) for value in (True, [], ["a"], 30_000.0, 0.25, list("abcd"))] == [
        "yes", "none", "a", "30,000", "0.25", "4 of them",
    ]  # fmt: skip


def test_the_trace_page_tells_why(settled, owner, api):
    settled({"output": "I'm sorry, but I can't help with that."})
    assert "Declines" in text_of(owner.client.get("/projects/refunds/traces/t0"))
    scores = api(Scope.TRACES_READ).get("/api/v1/traces/t0").json()["scores"]
    refusal = next(score for score in scores if score["name"] == "check.refusal")
    assert (refusal["value"], refusal["label"], refusal["source"]) == (0, "fail", "code")
    assert refusal["evaluator"]["name"] == "touchstone"
