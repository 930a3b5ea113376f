"""Two leads edit one draft: what differs is shown, each field is chosen, and nothing typed is lost."""

from __future__ import annotations

import pytest

from reviewapp.review import editor, merging, presets, reconciling, rubrics
from reviewapp.review.mode_rows import Mode
from reviewapp.review.models import CriterionRevision
from reviewapp.review.refusals import EditConflict
from tests.reviewapp.review.making import SAFETY
from tests.reviewapp.review.test_lead_pages import editor_fields

pytestmark = pytest.mark.django_db
ADDRESS = "/projects/refunds/rubrics/safety/edit"


@pytest.fixture
def rubric(project):
    """Its draft asks verdict, severity and kinds."""
    found = rubrics.create(project, SAFETY, "safety", "Safety", "leo")
    rubrics.draft_of(found)
    return found


@pytest.fixture
def opened(rubric, lead):
    """The fields of the editor as both leads have opened it."""
    form = lead.client.get(ADDRESS).context["form"]
    return editor_fields(form) | {"opened": form.opened, "changelog": ""}


@pytest.fixture
def save(lead, opened):
    """Post the opened form with what was typed; the button is `save` unless another is named."""

    def post(button="save", **typed):
        """What the page asked to choose is sent with what was chosen of it."""
        asked = [name.removeprefix("side:") for name in typed if name.startswith("side:")]
        return lead.client.post(ADDRESS, {"asked": asked} | opened | typed | {button: "1"})

    return post


def saved(rubric):
    draft = rubrics.open_draft(rubric)
    assert draft is not None
    return editor.of_version(draft)


def paths(response):
    return {each.path: (each.mine, each.theirs) for each in response.context["differences"]}


def held(response):
    """The two fields that say what a form was opened with, as the page of a conflict has them."""
    form = response.context["form"]
    return {"edit": form.edit, "opened": form.opened}


def test_what_both_changed_is_asked_mine_beside_theirs_and_nothing_is_preselected(save):
    assert save(**{"c0-title": "Theirs?", "guidelines": "Their words"}).status_code == 302
    mine = save(**{"c0-title": "Mine?", "guidelines": "My words", "c1-help": "My help"})
    assert mine.status_code == 409
    assert paths(mine) == {
        "criterion/verdict/title": ("Mine?", "Theirs?"),
        "guidelines": ("My words", "Their words"),
    }
    page = mine.content.decode()
    assert page.count("Keep mine") == page.count("Take theirs") == 2
    assert "checked" not in page.partition('id="conflict-title"')[2].partition("</section>")[0]
    assert 'value="Mine?"' in page and 'value="My help"' in page, "what was typed is still in its field"


def test_what_was_not_touched_takes_the_others_change_without_asking(rubric, save):
    """A second save of another field must not undo what someone else has written meanwhile."""
    assert save(**{"c1-help": "Their help", "guidelines": "Their words"}).status_code == 302
    second = save(**{"c2-title": "My kinds"})
    assert second.status_code == 302
    kept = saved(rubric)
    assert kept.guidelines == "Their words"
    assert [entry.values["help"] for entry in kept.entries][1] == "Their help"
    assert kept.entries[2].values["title"] == "My kinds"


def test_what_was_taken_is_said(lead, save):
    save(**{"c1-help": "Their help"})
    save(**{"c2-title": "My kinds"})
    page = lead.client.get(ADDRESS).content.decode()
    assert "what someone else had changed meanwhile: Severity Help." in page


def test_it_is_frozen_only_when_what_was_taken_has_been_seen(rubric, save):
    save(guidelines="Theirs")
    first = save("freeze", **{"c0-title": "Mine?"})
    assert first.status_code == 409 and not first.context["differences"]
    assert first.context["form"].guidelines == "Theirs" and rubric.versions.get().stage == "draft"
    assert "since you had not changed it: Guidelines." in first.content.decode()
    again = save("freeze", **held(first), **{"c0-title": "Mine?", "guidelines": "Theirs"})
    assert again.status_code == 302 and rubric.versions.get().stage == "frozen"


@pytest.mark.parametrize("button", ["save", "freeze"])
@pytest.mark.parametrize("htmx", [False, True])
def test_nothing_is_saved_until_each_is_chosen(rubric, lead, opened, save, button, htmx):
    save(**{"c0-title": "Theirs?", "guidelines": "Theirs"})
    typed = {"c0-title": "Mine?", "guidelines": "Mine"}
    first = save(**typed)
    sent = opened | typed | held(first) | {"side:guidelines": "mine", button: "1"}
    sent["asked"] = list(paths(first))
    page = lead.client.post(ADDRESS, sent, headers={"HX-Request": "true"} if htmx else {})
    assert page.status_code == (200 if htmx else 409)
    shown = page.content.decode()
    assert "1 difference is not chosen yet." in shown
    assert shown.count("Choose which one stays.") == 1
    assert {each.path: each.side for each in page.context["differences"]} == {
        "criterion/verdict/title": "",
        "guidelines": "mine",
    }
    assert saved(rubric).guidelines == "Theirs", "nothing is saved"


def test_without_knowing_what_it_was_opened_with_all_is_asked(rubric, save):
    save(guidelines="Theirs")
    for sent in ("", "not:signed"):
        page = save(opened=sent, **{"c0-title": "Mine?"})
        assert page.status_code == 409
        assert set(paths(page)) == {"criterion/verdict/title", "guidelines"}
    assert saved(rubric).guidelines == "Theirs"


def test_a_form_opened_before_another_version_was_frozen_undoes_nothing_of_it(rubric, lead, save):
    """The draft after it may count its edits from one, too."""
    assert save("freeze").status_code == 302
    old = lead.client.get(ADDRESS).context["form"]
    fields = editor_fields(old) | {"opened": old.opened, "changelog": ""}
    assert lead.client.post(ADDRESS, fields | {"guidelines": "Theirs", "freeze": "1"}).status_code == 302
    assert lead.client.post(ADDRESS, fields | {"c0-title": "Mine?", "save": "1"}).status_code == 302
    kept = saved(rubric)
    assert kept.guidelines == "Theirs" and kept.entries[0].values["title"] == "Mine?"


def test_a_criterion_that_one_removed_and_the_other_changed_is_asked(lead, save, opened):
    without = {name: value for name, value in opened.items() if not name.startswith("c2-")}
    assert lead.client.post(ADDRESS, without | {"save": "1"}).status_code == 302
    page = save(**{"c2-title": "My kinds"})
    assert page.status_code == 409 and set(paths(page)) == {"criterion/kinds"}


@pytest.mark.parametrize("button", ["save", "freeze"])
def test_saving_takes_what_was_chosen_and_keeps_the_rest(rubric, save, button):
    save(**{"guidelines": "Theirs", "c0-title": "Theirs?", "c1-required": ""})
    typed = {"guidelines": "Mine", "c0-title": "Mine?"}
    first = save(**typed)
    chosen = {"side:guidelines": "theirs", "side:criterion/verdict/title": "mine"}
    assert save(button, **held(first), **typed, **chosen).status_code == 302
    kept = editor.of_version(rubric.versions.get())
    assert kept.guidelines == "Theirs" and kept.entries[0].values["title"] == "Mine?"


def test_what_is_chosen_can_be_seen_in_the_form_before_it_is_saved(rubric, save):
    save(**{"guidelines": "Theirs", "c0-title": "Theirs?"})
    typed = {"guidelines": "Mine", "c0-title": "Mine?"}
    first = save(**typed)
    asked = dict.fromkeys(("side:guidelines", "side:criterion/verdict/title"), "")
    seen = save("choose", **held(first), **typed, **asked | {"side:guidelines": "theirs"})
    assert seen.context["form"].guidelines == "Theirs"
    assert set(paths(seen)) == {"criterion/verdict/title"}, "what is not chosen yet is still asked"
    assert saved(rubric).edit == first.context["form"].edit, "nothing is saved before"


def test_other_steps_keep_the_choice_open(save):
    save(guidelines="Theirs")
    first = save(guidelines="Mine")
    for button in ("add", "preview"):
        page = save(button, **held(first), guidelines="Mine", **{"side:guidelines": "theirs"})
        (each,) = page.context["differences"]
        assert each.side == "theirs" and page.context["form"].guidelines == "Mine"


@pytest.mark.parametrize("button", ["save", "choose"])
@pytest.mark.parametrize("again", ["Theirs again", "Theirs"])
def test_a_draft_that_was_saved_once_more_is_chosen_from_anew(rubric, save, button, again):
    """What was asked and not settled is asked again, whether it has changed once more or not."""
    save(guidelines="Theirs")
    first = save(guidelines="Mine")
    save(**held(first), **{"guidelines": again, "c0-title": "Theirs?"})
    page = save(button, **held(first), guidelines="Mine", **{"side:guidelines": "mine"})
    assert page.status_code == 409
    assert paths(page) == {"guidelines": ("Mine", again)}
    assert not page.context["differences"][0].side
    assert page.context["form"].entries[0].values["title"] == "Theirs?"
    assert saved(rubric).guidelines == again


def test_criteria_that_one_side_has_alone_and_their_order(rubric, lead, save, opened):
    swapped = {"c1": "c2", "c2": "c1"}
    theirs = {swapped.get(name[:2], name[:2]) + name[2:]: value for name, value in opened.items()}
    added = {"c3-title": "Is it kind?", "c3-type": "pass_fail", "c3-shown": "always", "c3-weight": "1"}
    assert lead.client.post(ADDRESS, theirs | added | {"save": "1"}).status_code == 302
    typed = {"c4-title": "Is it short?", "c4-type": "pass_fail", "c4-shown": "always", "c4-weight": "1"}
    refused = save(**typed, opened="")
    shown = paths(refused)
    assert shown["criterion/is_it_kind"][0] == shown["criterion/is_it_short"][1] == merging.ABSENT
    assert set(shown) == {"criterion/is_it_kind", "criterion/is_it_short", merging.ORDER}
    chosen = {f"side:{path}": "theirs" for path in shown}
    assert save(**held(refused), **typed, **chosen).status_code == 302
    keys = [entry.values["key"] for entry in saved(rubric).entries]
    assert keys == ["verdict", "kinds", "severity", "is_it_kind"]


def test_rows_that_each_side_added_and_an_order_that_one_changed_go_together(rubric, lead, save, opened):
    swapped = {"c1": "c2", "c2": "c1"}
    theirs = {swapped.get(name[:2], name[:2]) + name[2:]: value for name, value in opened.items()}
    added = {"c3-title": "Is it kind?", "c3-type": "pass_fail", "c3-shown": "always", "c3-weight": "1"}
    assert lead.client.post(ADDRESS, theirs | added | {"save": "1"}).status_code == 302
    typed = {"c4-title": "Is it short?", "c4-type": "pass_fail", "c4-shown": "always", "c4-weight": "1"}
    assert save(**typed).status_code == 302
    keys = [entry.values["key"] for entry in saved(rubric).entries]
    assert sorted(keys) == sorted(["verdict", "kinds", "severity", "is_it_kind", "is_it_short"])
    assert keys.index("kinds") < keys.index("severity")


def test_that_the_wording_asks_something_else_is_chosen_too(rubric, save):
    assert save("freeze").status_code == 302
    edit = rubrics.draft_of(rubric).edit
    theirs = {"edit": edit, "opened": "", "c1-title": "How grave?", "c1-new_meaning": "on"}
    assert save(**theirs).status_code == 302
    typed = {"c1-title": "How grave?", "guidelines": "Mine"}
    refused = save(edit=edit, opened="", **typed)
    path = "criterion/severity/new_meaning"
    assert paths(refused)[path] == ("no", "yes")
    chosen = {f"side:{path}": "theirs", "side:guidelines": "mine"}
    assert save(**held(refused), **typed, **chosen).status_code == 302
    draft = rubrics.open_draft(rubric)
    assert draft is not None and draft.guidelines == "Mine"
    assert draft.criteria.get(key="severity").meaning == 2


def test_what_is_kept_as_the_same_is_no_difference(rubric, opened):
    one, other = saved(rubric), saved(rubric)
    one.entries[1].values["weight"] += ".0"
    one.entries[1].options[0]["value"] = ""
    one.entries[1].options.append({"value": "", "label": "", "help": ""})
    one.modes.append(Mode(""))
    assert merging.differences(one, other) == []


def test_hostile_text_of_another_stays_text(save):
    save(guidelines="<img src=x onerror=alert(1)>")
    page = save(guidelines="Mine", **{"c0-title": '"><script>alert(1)</script>'}).content.decode()
    assert "<img src=x" not in page and "<script>alert" not in page


def test_reviewers_and_strangers_choose_nothing(rubric, reviewer, stranger, opened):
    for person, status in ((reviewer, 403), (stranger, 404)):
        assert person.client.post(ADDRESS, opened | {"choose": "1"}).status_code == status


@pytest.fixture
def followed(rubric, save):
    """The rubric with a second draft, which was saved once."""
    rubrics.freeze(rubrics.draft_of(rubric))
    rubrics.draft_of(rubric)
    assert save(guidelines="Theirs of the first draft").status_code == 302
    return rubric


def refreshed(lead):
    form = lead.client.get(ADDRESS).context["form"]
    return editor_fields(form) | {"opened": form.opened, "changelog": form.changelog}


@pytest.mark.parametrize("button", ["save", "freeze"])
def test_a_draft_begun_anew_is_not_overwritten_though_its_number_and_edit_are_the_same(
    followed, lead, save, button
):
    mine = refreshed(lead)
    first = rubrics.draft_of(followed)
    rubrics.discard(first)
    assert save(**refreshed(lead) | {"guidelines": "Theirs", "c1-help": "Their help"}).status_code == 302
    anew = rubrics.draft_of(followed)
    assert (anew.number, anew.edit) == (first.number, first.edit) and anew.pk != first.pk
    said = save(button, **mine | {"guidelines": "Mine"})
    assert said.status_code == 409
    assert paths(said) == {"guidelines": ("Mine", "Theirs")}
    assert (saved(followed).guidelines, saved(followed).entries[1].values["help"]) == ("Theirs", "Their help")


@pytest.mark.parametrize("template", presets.TEMPLATES, ids=lambda template: template.slug)
@pytest.mark.parametrize("is_older", [False, True])
def test_a_form_opened_before_there_was_a_draft_is_of_the_draft_that_begins_with_it(
    project, lead, template, is_older
):
    made = rubrics.create(project, template, "fresh", "Fresh", "leo")
    if is_older:
        # Of the time when every criterion took both marks.
        CriterionRevision.objects.filter(version__rubric=made).update(critical=True, weight=5)
    rubrics.freeze(rubrics.draft_of(made))
    form = lead.client.get("/projects/refunds/rubrics/fresh/edit").context["form"]
    assert reconciling.is_current(form, rubrics.draft_of(made))


def test_a_draft_discarded_at_this_very_moment_loses_nothing_that_was_typed(
    followed, lead, save, monkeypatch
):
    def discarded(form, draft):
        rubrics.discard(rubrics.draft_of(followed))
        return True

    mine = refreshed(lead)
    with monkeypatch.context() as patch:
        patch.setattr(reconciling, "is_current", discarded)
        said = save(**mine | {"c1-help": "My help"})
    assert said.status_code == 409 and rubrics.open_draft(followed) is None
    assert "has just discarded this draft" in said.content.decode()
    again = editor_fields(said.context["form"]) | held(said) | {"changelog": ""}
    assert again["c1-help"] == "My help"
    assert save(**again).status_code == 302
    assert saved(followed).entries[1].values["help"] == "My help"


def test_a_draft_saved_and_then_discarded_at_this_very_moment_is_a_conflict(
    followed, lead, save, monkeypatch
):
    def overtaken(draft, edit, content):
        rubrics.discard(draft)
        raise EditConflict("Someone else has saved this draft since you opened it.", edit=edit + 1)

    monkeypatch.setattr(rubrics, "save_draft", overtaken)
    said = save(**refreshed(lead) | {"guidelines": "Mine"})
    assert said.status_code == 409 and said.context["form"].guidelines == "Mine"
