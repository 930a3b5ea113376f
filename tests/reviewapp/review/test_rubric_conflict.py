"""Two leads edit one draft: what differs is shown, each field is chosen, and nothing typed is lost."""

from __future__ import annotations

import pytest

from reviewapp.review import editor, merging, presets, rubrics
from reviewapp.review.mode_rows import Mode
from tests.reviewapp.review.test_lead_pages import editor_fields

pytestmark = pytest.mark.django_db
ADDRESS = "/projects/refunds/rubrics/safety/edit"


@pytest.fixture
def rubric(project):
    """Its draft asks verdict, severity and kinds."""
    found = rubrics.create(project, presets.BY_SLUG["safety"], "safety", "Safety", "leo")
    rubrics.draft_of(found)
    return found


@pytest.fixture
def opened(rubric):
    """The fields of the editor as both leads have opened it."""
    draft = rubrics.open_draft(rubric)
    assert draft is not None
    return editor_fields(editor.of_version(draft)) | {"edit": draft.edit, "changelog": ""}


@pytest.fixture
def save(lead, opened):
    """Post the opened form with what was typed; the button is `save` unless another is named."""

    def post(button="save", **typed):
        return lead.client.post(ADDRESS, opened | typed | {button: "1"})

    return post


def saved(rubric):
    draft = rubrics.open_draft(rubric)
    assert draft is not None
    return editor.of_version(draft)


def paths(response):
    return {each.path: (each.mine, each.theirs) for each in response.context["differences"]}


def test_only_what_differs_is_shown_mine_beside_theirs(save):
    assert save(**{"c0-title": "Theirs?", "guidelines": "Their words"}).status_code == 302
    mine = save(**{"c0-title": "Mine?", "c1-help": "My help"})
    assert mine.status_code == 409
    shown = paths(mine)
    assert shown["criterion/verdict/title"] == ("Mine?", "Theirs?")
    assert shown["guidelines"][1] == "Their words"
    assert shown["criterion/severity/help"][0] == "My help"
    assert len(shown) == 3
    page = mine.content.decode()
    assert page.count("Keep mine") == page.count("Take theirs") == 3
    assert 'value="Mine?"' in page, "what was typed is still in its field"


def test_saving_with_nothing_chosen_keeps_mine(rubric, save):
    save(guidelines="Theirs")
    edit = save(guidelines="Mine").context["form"].edit
    assert save(guidelines="Mine", edit=edit, **{"side:guidelines": "mine"}).status_code == 302
    assert saved(rubric).guidelines == "Mine"


@pytest.mark.parametrize("button", ["save", "freeze"])
def test_saving_takes_what_was_chosen_and_keeps_the_rest(rubric, save, button):
    save(**{"guidelines": "Theirs", "c0-title": "Theirs?", "c1-critical": "on"})
    typed = {"guidelines": "Mine", "c0-title": "Mine?"}
    edit = save(**typed).context["form"].edit
    chosen = {
        "side:guidelines": "theirs",
        "side:criterion/verdict/title": "mine",
        "side:criterion/severity/critical": "theirs",
    }
    assert save(button, edit=edit, **typed, **chosen).status_code == 302
    version = rubric.versions.get()
    kept = editor.of_version(version)
    assert kept.guidelines == "Theirs" and kept.entries[0].values["title"] == "Mine?"
    assert kept.entries[1].flags["critical"]


def test_what_is_chosen_can_be_seen_in_the_form_before_it_is_saved(rubric, save):
    save(guidelines="Theirs")
    edit = save(guidelines="Mine").context["form"].edit
    seen = save("choose", edit=edit, guidelines="Mine", **{"side:guidelines": "theirs"})
    assert seen.context["form"].guidelines == "Theirs" and not seen.context["differences"]
    assert saved(rubric).edit == edit, "nothing is saved before"


def test_other_steps_keep_the_choice_open(save):
    save(guidelines="Theirs")
    edit = save(guidelines="Mine").context["form"].edit
    for button in ("add", "preview"):
        page = save(button, edit=edit, guidelines="Mine", **{"side:guidelines": "theirs"})
        (each,) = page.context["differences"]
        assert each.is_taken and page.context["form"].guidelines == "Mine"


@pytest.mark.parametrize("button", ["save", "choose"])
def test_a_draft_that_was_saved_once_more_is_chosen_from_anew(rubric, save, button):
    save(guidelines="Theirs")
    edit = save(guidelines="Mine").context["form"].edit
    save(edit=edit, guidelines="Theirs again")
    page = save(button, edit=edit, guidelines="Mine", **{"side:guidelines": "theirs"})
    assert page.status_code == 409
    assert paths(page) == {"guidelines": ("Mine", "Theirs again")}
    assert page.context["differences"][0].is_taken
    assert saved(rubric).guidelines == "Theirs again"


def test_criteria_that_one_side_has_alone_and_their_order(rubric, lead, save, opened):
    swapped = {"c1": "c2", "c2": "c1"}
    theirs = {swapped.get(name[:2], name[:2]) + name[2:]: value for name, value in opened.items()}
    added = {"c3-title": "Is it kind?", "c3-type": "pass_fail", "c3-shown": "always", "c3-weight": "1"}
    assert lead.client.post(ADDRESS, theirs | added | {"save": "1"}).status_code == 302
    typed = {"c4-title": "Is it short?", "c4-type": "pass_fail", "c4-shown": "always", "c4-weight": "1"}
    refused = save(**typed)
    shown = paths(refused)
    assert shown["criterion/is_it_kind"][0] == shown["criterion/is_it_short"][1] == merging.ABSENT
    assert set(shown) == {"criterion/is_it_kind", "criterion/is_it_short", merging.ORDER}
    chosen = {f"side:{path}": "theirs" for path in shown}
    assert save(edit=refused.context["form"].edit, **typed, **chosen).status_code == 302
    keys = [entry.values["key"] for entry in saved(rubric).entries]
    assert keys == ["verdict", "kinds", "severity", "is_it_kind"]


def test_that_the_wording_asks_something_else_is_chosen_too(rubric, save):
    assert save("freeze").status_code == 302
    edit = rubrics.draft_of(rubric).edit
    theirs = {"edit": edit, "c1-title": "How grave?", "c1-new_meaning": "on"}
    assert save(**theirs).status_code == 302
    typed = {"c1-title": "How grave?", "guidelines": "Mine"}
    refused = save(edit=edit, **typed)
    path = "criterion/severity/new_meaning"
    assert paths(refused)[path] == ("no", "yes")
    now = refused.context["form"].edit
    assert save(edit=now, **typed, **{f"side:{path}": "theirs"}).status_code == 302
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
