"""The reviewer's screen without a browser: who may, what is shown when, and that no text is lost."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pghistory.models import Event

from ingest.models import Feedback, Score, Trace
from reviewapp.models import Role
from reviewapp.review import drafts, labels, leases, queues, resolutions, snapshots
from reviewapp.review import items as stand
from reviewapp.review.actors import Actor
from reviewapp.review.adjudication import Story, Voice
from reviewapp.review.models import Assignment, Flag, Label
from reviewapp.screen import sittings
from reviewapp.screen.criteria import Option
from reviewapp.screen.page import Screen
from reviewapp.screen.sittings import Decision
from tests.conftest import person
from tests.reviewapp.review.making import START, late_span, make_queue, make_traces
from tests.reviewapp.screen.conftest import CANARY, Reviewing, run_out

pytestmark = pytest.mark.django_db


def seen(answer, name):
    """The words of the element of this id as a person sees them: nothing where it is hidden."""
    whole = answer.content.decode()
    start = re.search(rf'<(\w+)[^>]*\bid="{name}"[^>]*>', whole)
    assert start, name
    if " hidden" in start[0]:
        return ""
    rest = whole[start.end() : whole.index(f"</{start[1]}>", start.end())]
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", rest)).split())


def test_what_the_templates_ask_of_the_screen_is_there():
    """A name that is not gives nothing, silently: so a refusal was shown without its words."""
    names = {"screen": Screen, "decision": Decision, "option": Option, "story": Story, "voice": Voice}
    asked = set()
    for room in ("review", "adjudication"):
        for path in sorted((settings.BASE_DIR / "templates" / room).glob("*.html")):
            inside = " ".join(re.findall(r"\{[{%](.*?)[}%]\}", path.read_text()))
            asked |= {(path.name, *found) for found in re.findall(r"\b(\w+)\.([a-z_]+)", inside)}
    assert len([each for each in asked if each[1] == "screen"]) > 40
    assert [each for each in asked if each[1] in names and not hasattr(names[each[1]], each[2])] == []


OF_QUEUE = ("review", "queue_standing", "finish")
OF_ITEM = ("submit_label", "save_draft", "heartbeat", "skip", "flag", "undo", "retake", "change_mind", "diff")
HTMX = {"HX-Request": "true", "HX-Target": "review"}


def test_members_review_and_strangers_find_nothing(queue, items, owner, lead, reviewer, stranger, client):
    for route in OF_QUEUE:
        address = reverse(route, args=[queue.project.slug, queue.slug])
        assert [who.client.get(address).status_code for who in (owner, lead, reviewer)] == [200] * 3, route
        assert stranger.client.get(address).status_code == 404
        assert client.get(address).status_code == 302
    for route in ("item", *OF_ITEM):
        address = reverse(route, args=[queue.project.slug, items[0].pk])
        ask = "get" if route == "item" else "post"
        assert getattr(stranger.client, ask)(address).status_code == 404, route
        assert getattr(client, ask)(address).status_code == 302, route
        # Through one's own project an item of another is not there either.
        elsewhere = reverse(route, args=["elsewhere", items[0].pk])
        assert getattr(stranger.client, ask)(elsewhere).status_code == 404, route


def test_a_session_that_ended_is_told_to_a_page_that_stays(queue, items, client):
    address = reverse("save_draft", args=[queue.project.slug, items[0].pk])
    assert client.post(address, headers={"X-In-Place": "1"}).status_code == 401


def test_nothing_but_the_trace_is_told_before_the_own_submit(rita, items, lead):
    peer = Reviewing(lead, rita.queue)
    queues.change(rita.queue, overlap=2)
    held, hidden = peer.hold()
    peer.submit(held, hidden, verdict="fail", note=f"{CANARY} of a peer", corrected_output=CANARY)
    mine, hidden = rita.hold()
    assert mine == held
    told = [
        rita.open(),
        rita.open(text="raw"),
        rita.item(mine),
        rita.item(items[-1]),
        rita.post("save_draft", mine, **hidden, note="mine"),
        rita.post("save_draft", mine, **hidden, note="other"),
        rita.post("heartbeat", mine, **hidden),
        rita.post("diff", mine, **hidden, corrected_output="better"),
        rita.post("flag", mine, HTMX, flag_note="look"),
        rita.submit(mine, hidden),
        rita.submit(mine, hidden | {"lease_token": "none"}, verdict="pass"),
        rita.person.client.get(reverse("queues", args=[rita.slug])),
        rita.person.client.get(reverse("queue_standing", args=[rita.slug, rita.queue.slug])),
        rita.submit(mine, hidden, HTMX, verdict="pass", note="plain"),
        rita.person.client.get(reverse("finish", args=[rita.slug, rita.queue.slug])),
    ]
    for answer in told:
        whole = answer.content.decode() + str(answer.headers)
        assert CANARY not in whole, answer.request["PATH_INFO"]
        assert ".12" not in whole
    assert [answer.status_code for answer in told].count(409) == 2
    # The submit went on to the next item, and its own reveal says everything.
    shown = rita.item(mine).content.decode()
    assert f"{CANARY} of a peer" in shown
    assert f"{CANARY} reason" in shown
    assert f"{CANARY}-score" in shown
    assert "P(fail) .12" in shown


def test_an_open_queue_shows_its_signals_at_once(rita, items):
    queues.change(rita.queue, blind=False)
    shown = rita.open().content.decode()
    assert f"{CANARY} reason" in shown
    assert f"{CANARY}-score" in shown


def test_what_still_waits_for_the_reader_elsewhere_is_not_told_in_an_open_queue(rita, items, project):
    stand.enqueue(make_queue(project, "blind"), [item.trace.trace_id for item in items])
    queues.change(rita.queue, blind=False)
    assert CANARY not in rita.open().content.decode()
    shown = rita.post("diff", items[0], HTMX, corrected_output="x").context["told"]
    assert [choice.name for choice in shown.choices] == ["corrected"]


def test_a_reveal_tells_nothing_while_the_trace_waits_for_the_reader_elsewhere(rita, items, lead, project):
    queues.change(rita.queue, overlap=2)
    other = make_queue(project, "other")
    stand.enqueue(other, [items[0].trace.trace_id])
    peer = Reviewing(lead, rita.queue)
    held, hidden = peer.hold()
    peer.submit(held, hidden, verdict="fail", note=f"{CANARY} of a peer")
    mine, hidden = rita.hold()
    assert mine == held == items[0]
    rita.submit(mine, hidden, verdict="pass", note="my own words")
    for page in (rita.item(mine), rita.item(mine, change="1")):
        assert CANARY not in page.content.decode()
        shown = page.content.decode()
        assert "my own words" in shown and "The reviewers disagree" not in shown
    assert Assignment.objects.get(item=mine, reviewer=rita.person.user).revealed_at is None
    again = Reviewing(rita.person, other)
    again.submit(*again.hold(), verdict="fail")
    assert f"{CANARY} of a peer" in rita.item(mine).content.decode()


def test_a_submit_writes_the_label_and_shows_the_next_item(rita, items):
    item, hidden = rita.hold()
    answer = rita.submit(
        item,
        hidden,
        HTMX,
        verdict="fail",
        failure_modes=["tone", "loop"],
        confidence="unsure",
        note="Too\r\ncold\0",
        corrected_output="Warm",
        **{"answer.tone": "1", "answer.grounded": "pass"},
    )
    label = Label.objects.get()
    assert (label.verdict, label.confidence, label.note) == ("fail", "unsure", "Too\ncold")
    assert sorted(label.failure_modes) == ["loop", "tone"]
    assert label.corrected_output == "Warm"
    assert {row.criterion.key: row.value for row in label.answers.all()} == {"tone": 1, "grounded": "pass"}
    assert answer.context["screen"].item == items[1]
    assert answer.headers["HX-Replace-Url"] == reverse("review", args=[rita.slug, rita.queue.slug])
    assert answer.context["screen"].sitting.undoable == item.pk


def test_without_scripts_a_submit_leads_on_by_itself(rita, items):
    item, hidden = rita.hold()
    answer = rita.submit(item, hidden, verdict="pass")
    assert answer.status_code == 302
    assert answer.url == reverse("review", args=[rita.slug, rita.queue.slug])
    shown = rita.submit(*rita.hold(), verdict="pass", then="show")
    assert shown.url == reverse("item", args=[rita.slug, items[1].pk])


def test_a_doubled_click_gives_one_label_and_one_next_item(rita, items):
    item, hidden = rita.hold()
    first = rita.submit(item, hidden, HTMX, verdict="pass")
    again = rita.submit(item, hidden, HTMX, verdict="pass")
    assert first.context["screen"].item == again.context["screen"].item == items[1]
    assert Label.objects.count() == 1
    assert Assignment.objects.held().count() == 1


def test_another_answer_from_a_second_tab_is_not_passed_over(rita, items):
    """The first one stands, and whoever typed the second is told so, with the text still there."""
    item, hidden = rita.hold()
    rita.submit(item, hidden, verdict="pass", note="from the first tab")
    answer = rita.submit(item, hidden, verdict="fail", note="from the second tab")
    assert answer.status_code == 409
    assert "from another tab" in answer.content.decode()
    assert "from the second tab" in answer.content.decode()
    assert Label.objects.get().note == "from the first tab"


def test_a_refused_submit_keeps_every_word_and_says_where(rita, items):
    item, hidden = rita.hold()
    answer = rita.submit(item, hidden, HTMX, note="typed for long", **{"answer.tone": "77"})
    shown = answer.content.decode()
    assert answer.status_code == 422
    assert "typed for long" in shown
    assert "Answer this one first." in shown
    assert not Label.objects.exists()
    parts = {part.name: part.error for part in answer.context["screen"].parts}
    assert parts["verdict"]
    assert parts["answer.tone"]


def test_a_lost_lease_keeps_the_text_and_offers_the_item_again(rita, items):
    item, hidden = rita.hold()
    run_out(item)
    answer = rita.submit(item, hidden, HTMX, verdict="fail", note="typed for long")
    assert answer.status_code == 409
    assert "typed for long" in answer.content.decode()
    assert answer.context["screen"].trouble.can_retake
    assert seen(answer, "lost") == (
        "You no longer hold this item: the time ran out, it was given back, or more of the trace arrived. "
        "It is still free: take it again. Take it again Ctrl ↵"
    )
    taken = rita.post("retake", item, HTMX, note="typed for long", verdict="fail", draft_version="1")
    assert "typed for long" in taken.content.decode()
    assert taken.context["screen"].lease is not None
    done = rita.submit(item, {"lease_token": taken.context["screen"].token}, HTMX, verdict="fail", note="n")
    assert done.status_code == 200
    assert Label.objects.get().assignment.item == item


def test_what_changed_under_the_reader_is_told_and_its_verdict_asked_anew(rita, items):
    item, hidden = rita.hold()
    hidden["shown"] = str(item.snapshot_id)
    typed = {"verdict": "pass", "note": "right, four"}
    assert rita.post("save_draft", item, **hidden, **typed).status_code == 200
    late_span(item.trace)
    assert snapshots.note_changes() == 1
    refused = rita.submit(item, hidden, HTMX, **typed)
    assert refused.status_code == 409 and "expired" not in seen(refused, "lost")
    assert "This has changed since you read it" in seen(refused, "outdated")
    for taken in (rita.post("retake", item, HTMX, **hidden, **typed), rita.open()):
        screen = taken.context["screen"]
        assert "This has changed since you read it" in seen(taken, "outdated")
        assert {name: value for name, value in screen.body.items() if value} == {"note": "right, four"}
    assert rita.submit(item, {"lease_token": screen.token}, HTMX, note="n").status_code == 422
    now = {
        "lease_token": screen.token,
        "shown": str(screen.shown),
        "draft_version": str(screen.draft_version),
    }
    assert rita.post("save_draft", item, **now, verdict="fail", note="five").status_code == 200
    again = rita.open()
    assert seen(again, "outdated") == ""
    assert again.context["screen"].body["verdict"] == "fail"


def test_an_item_that_others_took_meanwhile_is_told_and_the_text_stays(rita, items, lead):
    item, hidden = rita.hold()
    run_out(item)
    leases.reclaim(item, lead.user)
    answer = rita.submit(item, hidden, HTMX, verdict="fail", note="typed for long")
    assert answer.status_code == 409
    assert not answer.context["screen"].trouble.can_retake
    assert "typed for long" in answer.content.decode()
    words = "Your lease expired, and others have taken the item since. What you typed is kept."
    assert seen(answer, "lost") == f"{words} Next item Ctrl ↵"
    assert drafts.load(item, rita.person.user).body["note"] == "typed for long"
    again = rita.post("retake", item, HTMX)
    assert again.status_code == 409
    assert "Others have taken this item in the meantime." in seen(again, "rubric")
    assert "typed for long" in seen(again, "rubric")
    assert Label.objects.count() == 0


def test_drafts_have_versions_and_two_tabs_see_both_texts(rita, items):
    item, hidden = rita.hold()
    first = rita.post("save_draft", item, **hidden, note="one tab", verdict="fail", failure_modes="tone")
    assert first.json()["version"] == 1
    conflict = rita.post("save_draft", item, **hidden, note="another tab")
    shown = conflict.content.decode()
    assert conflict.status_code == 409
    assert "one tab" in shown
    assert "another tab" in shown
    kept = rita.post("save_draft", item, **(hidden | {"draft_version": "1"}), note="another tab")
    assert kept.json()["version"] == 2
    page = rita.open()
    assert page.context["screen"].body["note"] == "another tab"
    assert 'name="draft_version" value="2"' in page.content.decode()


def test_a_save_that_its_own_submit_has_overtaken_stores_nothing_and_is_no_error(rita, items, lead):
    """Of who has handed in the item: others, and other items, get what they got."""
    item, hidden = rita.hold()
    rita.submit(item, hidden, verdict="pass", note="all of it")
    late = rita.post("save_draft", item, **hidden, note="all of")
    assert (late.status_code, late.content) == (204, b"")
    assert drafts.load(item, rita.person.user) is None
    assert Label.objects.get().note == "all of it"
    assert item != items[-1]
    assert rita.post("save_draft", items[-1], **hidden, note="none of mine").status_code == 403
    other = Reviewing(lead, rita.queue)
    assert other.post("save_draft", item, **hidden, note="none of mine").status_code == 403
    # Taken back, it is a draft again.
    rita.post("undo", item)
    taken_back = str(drafts.load(item, rita.person.user).version)
    assert rita.post("save_draft", item, draft_version=taken_back, note="more").status_code == 200


@pytest.mark.parametrize("version", ["", "x", "-1", "1e9", "99999999999999999999"])
def test_odd_versions_and_tokens_are_no_errors(rita, items, version):
    item, _ = rita.hold()
    assert rita.post("save_draft", item, draft_version=version, note="a\0b").status_code == 200
    for route in ("heartbeat", "submit_label", "skip"):
        assert (
            rita.post(route, item, lease_token=version, verdict="pass", reason="context").status_code == 409
        )


def test_undo_brings_the_item_back_with_its_answers(rita, items):
    item, hidden = rita.hold()
    rita.submit(item, hidden, HTMX, verdict="fail", note="hasty", failure_modes="tone")
    back = rita.post("undo", item, HTMX)
    screen = back.context["screen"]
    assert (screen.item, screen.body["note"], screen.body["verdict"]) == (item, "hasty", "fail")
    assert back.headers["HX-Replace-Url"] == reverse("item", args=[rita.slug, item.pk])
    rita.submit(item, {"lease_token": screen.token}, HTMX, verdict="pass")
    assert [label.kind for label in Label.objects.order_by("pk")] == ["answer", "undo", "amend"]
    refused = rita.post("undo", items[4])
    assert refused.url == reverse("item", args=[rita.slug, items[4].pk])
    assert "You have no label on this item that can be undone." in seen(rita.item(items[4]), "rubric")


def test_who_takes_a_label_back_after_the_reveal_reads_that_the_new_one_counts_in_no_figure(rita, items):
    words = "left out of every agreement figure"
    item, hidden = rita.hold()
    rita.submit(item, hidden, HTMX, verdict="fail")
    back = rita.post("undo", item, HTMX)
    assert words not in back.content.decode() and ">blind<" in back.content.decode()
    rita.submit(item, {"lease_token": back.context["screen"].token}, HTMX, verdict="fail")
    rita.item(item)
    page = rita.post("undo", item, HTMX).content.decode()
    assert words in page and ">seen<" in page and ">blind<" not in page and "after you submit" not in page
    lease = rita.open().context["screen"].lease
    again = rita.submit(item, {"lease_token": lease.token}, HTMX, verdict="").content.decode()
    assert words in again


def test_an_undo_that_is_refused_shows_the_label_with_the_reason_where_it_can_be_reloaded(rita, items, lead):
    item, hidden = rita.hold()
    rita.submit(item, hidden, verdict="fail", note="hasty")
    resolutions.adjudicate(item, lead.user, verdict="pass")
    refused = rita.post("undo", item)
    assert (refused.status_code, refused.url) == (302, reverse("item", args=[rita.slug, item.pk]))
    told = seen(rita.person.client.get(refused.url), "rubric")
    assert "A lead has already decided this item" in told and "hasty" in told and "Submitted" in told
    assert "Not held by you" not in told
    again = seen(rita.person.client.get(refused.url), "rubric")
    assert "A lead has already decided" not in again and "hasty" in again


def test_who_is_refused_an_undo_stays_with_the_item_at_hand(rita, items, lead):
    """The refused item would be revealed besides, which nobody has asked for."""
    item, hidden = rita.hold()
    Trace.objects.filter(pk=item.trace_id).update(input="Why **so**?\u202e")
    shown = rita.submit(item, hidden, HTMX, verdict="fail", note="hasty")
    at_hand = shown.context["screen"].item
    resolutions.adjudicate(item, lead.user, verdict="pass")
    refused = rita.post("undo", item, HTMX, at=at_hand.pk)
    assert (refused.status_code, refused.headers["HX-Retarget"]) == (409, "#toast")
    assert "HX-Redirect" not in refused.headers
    told = refused.content.decode()
    assert "A lead has already decided this item" in told
    assert f'href="{reverse("item", args=[rita.slug, item.pk])}"' in told
    # Without scripts: the same on the page that one comes from.
    words = "The label on “Why so?\\u202e” was not taken back. A lead has already decided this item"
    refused = rita.post("undo", item, at=at_hand.pk)
    page = rita.person.client.get(refused.url)
    assert page.context["screen"].lease.item == at_hand
    assert words in seen(page, "rubric")
    refused = rita.post("undo", item, at="finish")
    assert refused.url == reverse("finish", args=[rita.slug, rita.queue.slug])
    assert words in seen(rita.person.client.get(refused.url), "content")
    assert Assignment.objects.get(item=item).revealed_at is None


def test_an_item_that_cannot_be_taken_says_so_where_it_can_be_reloaded(rita, items, lead):
    leases.reclaim(items[2], lead.user)
    refused = rita.post("retake", items[2])
    assert refused.url == reverse("item", args=[rita.slug, items[2].pk])
    told = seen(rita.person.client.get(refused.url), "rubric")
    assert "Others have taken this item in the meantime." in told


def test_beside_an_item_that_is_none_of_the_sittings_stands_no_progress(rita, items, lead):
    for item in items:
        leases.reclaim(item, lead.user)
    page = rita.item(items[2]).content.decode()
    assert "of 0" not in page and 'class="sitting-count"' not in page and "Your sitting" in page
    leases.release(items[1], lead.user, leases.held(rita.queue, lead.user)[1].token)
    assert 'class="sitting-count"' in rita.open().content.decode()
    assert 'class="sitting-count"' not in rita.item(items[2]).content.decode()


def test_a_change_of_mind_after_the_reveal_is_marked(rita, items):
    item, hidden = rita.hold()
    rita.submit(item, hidden, verdict="pass", note="first")
    assert "first" in rita.item(item, change="1").context["screen"].body["note"]
    assert rita.post("change_mind", item, verdict="").status_code == 422
    rita.post("change_mind", item, verdict="fail")
    assert [label.kind for label in Label.objects.order_by("pk")] == ["answer", "post_reveal"]
    assert "Agreement counts your first answer" in rita.item(item).content.decode()


def test_what_is_said_after_the_reveal_is_neither_time_nor_verdict_of_the_sitting(rita, items):
    item, hidden = rita.hold()
    Assignment.objects.update(claimed_at=timezone.now() - timedelta(seconds=40))
    rita.submit(item, hidden, verdict="fail")
    rita.item(item)
    Assignment.objects.update(claimed_at=timezone.now() - timedelta(seconds=400))
    rita.post("change_mind", item, verdict="pass")
    reveal = rita.item(item).context["screen"].reveal
    assert (round(reveal.seconds), reveal.was_blind) == (40, True)
    told = sittings.sitting(rita.queue, rita.person.user)
    assert (told.done, told.failures, round(told.median)) == (1, 1, 40)
    assert [round(each) for each in sittings.seconds(rita.queue, rita.person.user, told)] == [40]


def test_after_the_submit_the_words_of_users_and_scores_are_told(rita, items, project):
    item, hidden = rita.hold()
    of_it = {"project": project, "trace": item.trace, "target_kind": "trace", "sha256": b"1" * 32}
    Feedback.objects.create(
        **of_it, key="k", kind="comment", comment="<b>Not my order</b>", occurred_at=START
    )
    Score.objects.create(
        **of_it, key="s", name="helpful", source="llm", value=0.125, explanation="why so", timestamp=START
    )
    Score.objects.create(
        **of_it,
        key="c",
        name="check.empty",
        source="code",
        value=1.0,
        explanation="It has words.",
        timestamp=START,
    )
    about = ["&lt;b&gt;Not my order", "helpful", ".12", "why so", "1 check passed", "It has words."]
    link = reverse("trace", args=[project.slug, item.trace.trace_id])
    before = rita.open().content.decode()
    assert not any(words in before for words in [*about, f'href="{link}"'])
    rita.submit(item, hidden, verdict="fail")
    after = rita.item(item).content.decode()
    assert all(words in after for words in [*about, f'href="{link}"'])


def test_what_was_taken_back_last_comes_first_when_one_returns(rita, items):
    """Before the item that was given out in the meantime and not begun."""
    first, hidden = rita.hold()
    rita.submit(first, hidden, verdict="pass")
    second, hidden = rita.hold()
    rita.submit(second, hidden, verdict="pass")
    third, _ = rita.hold()
    for taken in (second, first):
        rita.post("undo", taken, HTMX)
        assert rita.open().context["screen"].item == taken
    for expected, following in ((first, second), (second, third)):
        lease = next(lease for lease in leases.held(rita.queue, rita.person.user) if lease.item == expected)
        rita.submit(expected, {"lease_token": str(lease.token), "draft_version": "1"}, verdict="pass")
        assert rita.open().context["screen"].item == following


def test_the_rail_does_not_reveal_so_an_undo_still_counts(rita, items):
    item, hidden = rita.hold()
    page = rita.submit(item, hidden, HTMX, verdict="pass")
    assert page.context["screen"].decisions[0].why == ""
    assert Assignment.objects.get(item=item).revealed_at is None
    rita.item(item)
    assert Assignment.objects.get(item=item).revealed_at is not None
    assert CANARY in rita.open().context["screen"].decisions[0].why


def test_skip_needs_a_reason_and_comes_last(rita, items):
    item, hidden = rita.hold()
    refused = rita.post("skip", item, HTMX, **hidden, reason="bored")
    assert refused.status_code == 422
    assert "Choose one of the four reasons." in seen(refused, "rubric")
    answer = rita.post("skip", item, HTMX, **hidden, reason="context", note="half a thought")
    assert answer.context["screen"].item == items[1]
    assert answer.context["screen"].sitting.skipped == 1
    assert drafts.load(item, rita.person.user).body["note"] == "half a thought"
    for _ in items[1:]:
        answer = rita.submit(*rita.hold(), HTMX, verdict="pass")
    assert answer.headers["HX-Redirect"] == reverse("finish", args=[rita.slug, rita.queue.slug])
    assert rita.open().status_code == 302
    assert rita.again().context["screen"].item == item
    assert rita.again().context["screen"].body["note"] == "half a thought"


def test_a_flag_goes_to_the_lead_and_the_review_goes_on(rita, items):
    item, _ = rita.hold()
    rita.post("flag", item, flag_note="odd one", on_rubric="1")
    flag = Flag.objects.get()
    assert (flag.item, flag.note, flag.on_rubric) == (item, "odd one", True)
    assert rita.open().context["screen"].item == item


def test_an_item_that_waited_beside_others_took_the_time_since_the_last_of_them(rita, items):
    held = [leases.claim(rita.queue, rita.person.user) for _ in items]
    for ago, lease in zip((300, 200, 100, 90, 80), held, strict=True):
        began = timezone.now() - timedelta(seconds=ago)
        Assignment.objects.filter(pk=lease.assignment_id).update(claimed_at=began)
    for lease in held:
        assert rita.open().context["screen"].item == lease.item
        rita.submit(lease.item, {"lease_token": str(lease.token)}, HTMX, verdict="pass")
    took = Label.objects.order_by("pk").values_list("seconds", flat=True)
    assert took[0] >= 300 and 0 <= min(took[1:]) <= max(took[1:]) < 60


def ago(seconds):
    """As if all this had happened so long ago."""
    passed = timedelta(seconds=seconds)
    Assignment.objects.update(claimed_at=F("claimed_at") - passed, submitted_at=F("submitted_at") - passed)


@pytest.mark.parametrize("held", [1, 3])
def test_a_submit_that_comes_twice_takes_no_time_from_the_item_that_followed_it(rita, items, held):
    mine = [leases.claim(rita.queue, rita.person.user) for _ in range(held)]
    first, hidden = mine[0].item, {"lease_token": str(mine[0].token)}
    shown = rita.submit(first, hidden, HTMX, verdict="pass").context["screen"]
    ago(60)
    assert rita.submit(first, hidden, HTMX, verdict="pass").context["screen"].item == shown.item
    rita.submit(shown.item, {"lease_token": shown.token}, HTMX, verdict="pass")
    assert 60 <= Label.objects.latest("pk").seconds < 120


def test_after_a_submit_whose_answer_was_never_made_the_next_item_begins_with_it(rita, items):
    """The server ended in between, and the browser has sent the label once more."""
    first, second = (leases.claim(rita.queue, rita.person.user) for _ in range(2))
    ago(300)
    labels.submit(first.item, Actor(rita.person.user), first.token, labels.Answer(verdict="pass"))
    rita.submit(first.item, {"lease_token": str(first.token)}, HTMX, verdict="pass")
    rita.submit(second.item, {"lease_token": str(second.token)}, HTMX, verdict="pass")
    assert 0 <= Label.objects.latest("pk").seconds < 60


def test_one_that_is_opened_out_of_turn_took_no_time_before_it_was_held(rita, items):
    first, _, third = (leases.claim(rita.queue, rita.person.user) for _ in range(3))
    for ago, lease in ((300, first), (100, third)):
        began = timezone.now() - timedelta(seconds=ago)
        Assignment.objects.filter(pk=lease.assignment_id).update(claimed_at=began)
    for lease in (first, third):
        rita.submit(lease.item, {"lease_token": str(lease.token)}, HTMX, verdict="pass")
    assert Label.objects.latest("pk").seconds >= 0


def test_finishing_gives_back_what_is_held(rita, items):
    item, _ = rita.hold()
    answer = rita.person.client.post(reverse("finish", args=[rita.slug, rita.queue.slug]))
    assert answer.status_code == 302
    assert not Assignment.objects.held().exists()
    assert leases.claim(rita.queue, person("paul", rita.queue.project, Role.REVIEWER).user).item == item


def test_a_queue_that_is_paused_or_archived_at_work_takes_the_label_and_says_so(rita, items):
    finish = reverse("finish", args=[rita.slug, rita.queue.slug])
    held = rita.hold()
    queues.change(rita.queue, paused=True)
    assert rita.submit(*held, verdict="pass").url == finish
    page = rita.person.client.get(finish)
    assert "The queue is paused" in page.content.decode() and page.context["told"].more == 0
    queues.change(rita.queue, paused=False)
    held = rita.hold()
    rita.queue.archived_at = timezone.now()
    rita.queue.save()
    assert rita.submit(*held, verdict="pass").url == finish
    assert "The queue was archived" in rita.person.client.get(finish).content.decode()
    assert rita.person.client.post(finish).status_code == 302
    closed = rita.open()
    assert closed.status_code == 404 and "is archived" in closed.content.decode()
    assert Label.objects.count() == 2


def test_a_paused_queue_and_one_for_others_say_so(rita, items):
    queues.change(rita.queue, assignment="named", assignees=[])
    assert rita.open().status_code == 403
    assert "Ask a lead" in rita.open().content.decode()
    queues.change(rita.queue, assignment="open", paused=True)
    finish = rita.person.client.get(rita.open().url)
    assert "The queue is paused." in finish.content.decode()


def test_who_only_looks_holds_nothing(lead, rita, items):
    looking = Reviewing(lead, rita.queue)
    shown = looking.item(items[2])
    assert shown.context["screen"].can_take
    assert CANARY not in shown.content.decode()
    assert not Assignment.objects.exists()
    assert looking.post("retake", items[2]).status_code == 302
    assert Assignment.objects.held().get().reviewer == lead.user


def test_pairs_are_answered_by_the_side_that_was_seen(project, reviewer):
    queue = make_queue(project, "pairs", kind="pair")
    left, right = make_traces(project, 2, prefix="pair")
    stand.enqueue_pairs(queue, [(left.trace_id, right.trace_id)])
    rita = Reviewing(reviewer, queue)
    item, hidden = rita.hold()
    Assignment.objects.update(display_order="ba")
    page = rita.open()
    shown = page.content.decode()
    assert shown.index("answer pair-00001") < shown.index("answer pair-00000")
    first = page.context["screen"].parts[0].options[0]
    assert (first.label, first.value) == ("A", "b")
    rita.submit(item, hidden, preference=first.value)
    assert Label.objects.get().preference == "b"
    assert "A is better" in rita.item(item).content.decode()


def test_the_screen_asks_few_questions_however_long_one_reviews(rita, items, project):
    rita.submit(*rita.hold(), verdict="pass")
    rita.open()
    with CaptureQueriesContext(
        connection,
    ) as few:
        rita.open()
    for _ in items[2:]:
        rita.submit(*rita.hold(), verdict="pass")
    with CaptureQueriesContext(connection) as many:
        rita.open()
    assert len(many) <= len(few)
    assert len(few) <= 25


def test_what_was_labelled_can_be_compared_with_its_correction(rita, items):
    item, hidden = rita.hold()
    before = rita.post("diff", item, HTMX, corrected_output="answer review-00000 at last")
    assert "<ins> at last</ins>" in before.content.decode()
    rita.submit(item, hidden, verdict="pass")
    unlike = rita.post("diff", item, HTMX, corrected_output="<i>No.</i>").content.decode()
    assert "each is shown whole" in unlike and "&lt;i&gt;No.&lt;/i&gt;" in unlike and "<del>" not in unlike
    assert "nobody has corrected the answer" in rita.post("diff", item, HTMX).content.decode()


def test_the_next_item_is_made_ready_without_being_held(rita, items):
    rita.hold()
    line = rita.person.client.get(reverse("queue_standing", args=[rita.slug, rita.queue.slug]))
    assert "4 waiting, 1 reviewer at work" in line.content.decode()
    ready = [item.pk for item in rita.queue.items.exclude(snapshot=None).order_by("pk")]
    assert ready == [item.pk for item in items[:4]]
    assert Assignment.objects.count() == 1


def test_what_is_done_with_an_item_changes_no_table_with_a_history(rita, items):
    """These views do not tell the history who is at work: whatever they changed there would name nobody."""
    histories = [model for model in apps.get_models() if issubclass(model, Event)]
    assert histories

    def told():
        return [model.objects.count() for model in histories]

    before = told()
    held, hidden = rita.hold()
    rita.post("save_draft", held, **hidden, verdict="pass", note="so far")
    rita.post("heartbeat", held, **hidden)
    rita.submit(held, hidden, verdict="fail", note="because")
    held, hidden = rita.hold()
    rita.post("skip", held, **hidden, reason="context")
    assert Label.objects.count() == 1
    assert Assignment.objects.filter(state="skipped").count() == 1
    assert told() == before
