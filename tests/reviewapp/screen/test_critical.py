"""A critical criterion on the review screen: marked, no pass beside its failure, and the share met."""

from __future__ import annotations

import pytest
from django.urls import reverse

from reviewapp.review import items, queues, rubrics
from reviewapp.review.models import Label
from tests.reviewapp.review.making import filled, make_traces
from tests.reviewapp.screen.conftest import Reviewing

pytestmark = pytest.mark.django_db
ASKED = [
    {"key": "honest", "title": "Says <b>what</b> it did", "type": "pass_fail", "critical": True, "weight": 2},
    {"key": "steps", "title": "Sensible steps", "type": "pass_fail"},
    {"key": "tone", "title": "Tone", "type": "scale", "options": [1, 2, 3]},
]
MARK = 'title="A failure here fails the whole"'


@pytest.fixture
def version(project):
    rubric = rubrics.create_empty(project, "agent", "Agent")
    return rubrics.publish(rubric, rubrics.Content("", ["other"], ASKED))


@pytest.fixture
def rita(project, version, reviewer):
    queue = queues.create(project, "agent", rubric_version=version)
    filled(queue, 2)
    return Reviewing(reviewer, queue)


def test_the_criterion_is_marked_and_the_guidelines_name_it(rita):
    shown = rita.open().content.decode()
    assert shown.count(MARK) == 1
    assert 'critical<span class="visually-hidden">: a failure here fails the whole</span>' in shown
    guidelines = shown.partition('id="guidelines-title"')[2]
    assert "<b>Says &lt;b&gt;what&lt;/b&gt; it did</b> is critical" in guidelines


def test_the_preview_marks_it_too(rita, lead, project):
    page = lead.client.get(reverse("rubric", args=[project.slug, "agent"])).content.decode()
    assert page.count(MARK) == 1 and "weight 2" in page


@pytest.mark.parametrize("htmx", [False, True])
def test_a_pass_beside_its_failure_is_refused_at_the_verdict_and_the_text_stays(rita, htmx):
    item, hidden = rita.hold()
    headers = {"HX-Request": "true", "HX-Target": "review"} if htmx else None
    said = {"verdict": "pass", "answer.honest": "fail", "note": "but it is kind"}
    page = rita.submit(item, hidden, headers, **said)
    assert page.status_code == 422 and not Label.objects.exists()
    verdict = page.context["screen"].parts[0]
    assert verdict.name == "verdict" and verdict.error.startswith("Cannot be pass while the critical")
    shown = page.content.decode()
    assert "but it is kind" in shown and "Says <b>what" not in shown
    assert rita.submit(item, hidden, **said | {"verdict": "cannot_tell"}).status_code == 302


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"answer.honest": "pass", "answer.steps": "fail"}, "Criteria met: 67 %, by weight"),
        ({"answer.honest": "pass"}, "Criteria met: 100 %, by weight"),
        ({"answer.tone": "2"}, ""),
    ],
)
def test_after_the_submit_it_tells_the_share_that_was_met(rita, given, words):
    item, hidden = rita.hold()
    assert rita.submit(item, hidden, verdict="pass", **given).status_code == 302
    shown = rita.item(item).content.decode()
    assert words in shown and ("Criteria met" in shown) == bool(words)


def test_a_pair_has_no_verdict_so_nothing_is_marked_or_refused(project, version, reviewer):
    queue = queues.create(project, "pairs", rubric_version=version, kind="pair")
    left, right = make_traces(project, 2, prefix="pair")
    items.enqueue_pairs(queue, [(left.trace_id, right.trace_id)])
    dan = Reviewing(reviewer, queue)
    item, hidden = dan.hold()
    assert MARK not in dan.open().content.decode()
    given = {"preference": "a", "answer.honest": "fail"}
    assert dan.submit(item, hidden, **given).status_code == 302 and Label.objects.exists()
