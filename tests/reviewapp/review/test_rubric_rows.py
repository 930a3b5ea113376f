"""The editor's rows of options and failure modes, as a browser without scripts sends them."""

import re
from html.parser import HTMLParser

import pytest

from reviewapp.review import editor, rubrics
from reviewapp.review.mode_rows import TAXONOMY
from tests.reviewapp.review.making import SAFETY

pytestmark = pytest.mark.django_db
ADDRESS = "/projects/refunds/rubrics/safety/edit"
XSS = '<img src=x onerror=alert(1)>"><script>alert(1)</script>'
OWN = {"key": "wrong_shop", "label": "Wrong shop", "help": "", "group": ""}


class Sent(HTMLParser):
    """What the fields of the form hold, by their names; what stands in a template is not sent."""

    def __init__(self, page):
        super().__init__()
        self.fields, self.inert, self.open = {}, False, ""
        self.feed(page.partition('id="editor"')[2])
        self.close()

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        name = given.get("name") or ""
        self.inert = self.inert or tag == "template"
        if self.inert:
            return
        if tag == "input" and (given.get("type") not in ("checkbox", "radio") or "checked" in given):
            self.fields[name] = given.get("value") or ("" if given.get("type") != "checkbox" else "on")
        elif tag in ("textarea", "select"):
            self.open, self.fields[name] = name, ""
        elif tag == "option" and "selected" in given:
            self.fields[self.open] = given["value"]

    def handle_endtag(self, tag):
        self.inert = self.inert and tag != "template"
        self.open = "" if tag in ("textarea", "select") else self.open

    def handle_data(self, data):
        if self.open and self.lasttag == "textarea" and not self.inert:
            self.fields[self.open] += data.removeprefix("\n")


class Editing:
    """A lead with the editor open; `press` sends the form with what was typed and shows what comes back."""

    def __init__(self, lead):
        self.client = lead.client
        self.show(self.client.get(ADDRESS))

    def show(self, page):
        self.page, self.status = page.content.decode(), page.status_code
        if page.status_code == 302:
            self.show(self.client.get(ADDRESS))
            self.status = 302
        else:
            self.fields, self.form = Sent(self.page).fields, page.context["form"]
        return self

    def press(self, button, value="1", **typed):
        sent = {name: text for name, text in (self.fields | typed).items() if text is not None}
        sent["asked"] = re.findall('name="asked" value="([^"]*)"', self.page)
        return self.show(self.client.post(ADDRESS, sent | {button: value}))

    @property
    def focused(self):
        """But for the dialog to sign in, which has a focus of its own once it opens."""
        return re.findall(r'id="([^"]+)"[^>]* autofocus', self.page.partition("<dialog")[0])

    def options(self, place=1):
        return [tuple(row.values()) for row in self.form.entries[place].options]

    def own(self):
        return [(mode.key, mode.label) for mode in self.form.modes if mode.is_row]

    def errors(self, row):
        return re.findall(f'id="{row}-error-[0-9]+">([^<]+)<', self.page)


@pytest.fixture
def rubric(project):
    """Its draft asks verdict, severity (a scale) and kinds."""
    found = rubrics.create(project, SAFETY, "safety", "Safety", "leo")
    rubrics.draft_of(found)
    return found


@pytest.fixture
def editing(rubric, lead):
    return Editing(lead)


def draft(rubric):
    found = rubrics.open_draft(rubric)
    assert found is not None
    return found


def keys(rubric):
    return [mode["key"] for mode in draft(rubric).failure_modes]


def publish(rubric, modes):
    rubrics.freeze(draft(rubric))
    version = rubrics.publish(rubric, rubrics.Content("", modes, []))
    rubrics.draft_of(rubric)
    return version


def test_what_the_page_sends_back_unchanged_changes_nothing(rubric, editing):
    before = rubrics.content_of(draft(rubric))
    assert editing.press("save").status == 302
    assert rubrics.content_of(draft(rubric)) == before


def test_an_option_is_added_with_the_focus_moved_and_removed(rubric, editing):
    editing.press("add", "c1-o")
    assert editing.focused == ["c1-o3-value"] and len(editing.options()) == 4
    editing.press("up", "c1-o3", **{"c1-o3-value": "0", "c1-o3-label": "None"})
    assert editing.focused == ["c1-o2-up"]
    editing.press("up", "c1-o2").press("up", "c1-o1")
    assert editing.focused == ["c1-o0-up"]
    assert editing.press("up", "c1-o0").options()[0] == ("0", "None", "")
    editing.press("remove", "c1-o2")
    assert editing.focused == ["c1-o2-remove"]
    assert [label for _, label, _ in editing.options()] == ["None", "Minor", "Grave"]
    assert editing.press("save").status == 302
    saved = draft(rubric).criteria.get(key="severity").options
    assert [option["value"] for option in saved] == [0, 1, 3], "a scale keeps its whole numbers"


def test_a_value_that_is_left_empty_is_made_from_the_label_or_the_place(rubric, editing):
    blank = {f"c1-o{place}-value": "" for place in range(3)}
    editing.press("save", **blank, **{"c2-o0-value": "", "c2-o0-label": "Yes, fully", "c2-o1-label": ""})
    assert editing.status == 302
    assert [option["value"] for option in draft(rubric).criteria.get(key="severity").options] == [1, 2, 3]
    kinds = draft(rubric).criteria.get(key="kinds").options
    assert kinds[0] == {"value": "yes_fully", "label": "Yes, fully", "help": ""}
    assert kinds[1]["label"] == kinds[1]["value"]


def test_rows_that_hold_nothing_are_not_saved(rubric, editing):
    editing.press("add", "c1-o").press("add", "m").press("save")
    assert editing.status == 302
    assert len(draft(rubric).criteria.get(key="severity").options) == 3 and len(keys(rubric)) == 5


def test_a_criterion_without_options_has_two_rows_for_them(editing):
    editing.press(
        "add", "c", **{f"c1-o{place}-{name}": None for place in range(3) for name in ("value", "label")}
    )
    assert {"c1-o0-value", "c1-o1-value", "c3-o0-value", "c3-o1-value"} <= editing.fields.keys()
    assert "c3-o2-value" not in editing.fields


def test_a_copied_list_becomes_a_row_for_each_line(editing):
    editing.press("add", "c2-o").press(
        "add", "c2-o", **{"c2-o-pasted": "a\tApes\tFrom a table\r\n\r\nBears\nc\tCats"}
    )
    assert editing.options(2)[-3:] == [("a", "Apes", "From a table"), ("", "Bears", ""), ("c", "Cats", "")]
    assert editing.focused == ["c2-o5-value"] and ("", "", "") not in editing.options(2)
    editing.press("add", "m", **{"m-pasted": "Late\tToo late to help\nRude"})
    assert editing.own() == [("late", "Late"), ("rude", "Rude")]
    assert editing.fields["c2-o-pasted"] == editing.fields["m-pasted"] == ""


def test_errors_stand_at_the_row_they_belong_to_and_what_was_typed_stays(editing):
    typed = {
        "c1-o0-value": "2", "c1-o1-label": "x" * 201, "c2-o1-help": "h" * 1001, "c2-o2-value": XSS + "y" * 60,
    }  # fmt: skip
    editing.press("add", "c1-o").press("save", **typed)
    assert editing.status == 422
    assert editing.errors("c1-o1") == ["Label has at most 200 characters", "&#x27;2&#x27; is there already"]
    assert editing.errors("c2-o1") == ["Help has at most 1000 characters"]
    assert editing.errors("c2-o2") == ["Value has at most 100 characters"]
    assert not editing.errors("c1-o0") and "2 to fix" in editing.page
    assert {name: editing.fields[name] for name in typed} == typed
    editing.press("save", **{"c1-o0-value": "1", "c1-o1-label": "ok", "c2-o1-help": "", "c2-o2-value": "v"})
    assert editing.status == 302


def test_errors_of_modes_stand_at_their_rows_too(editing):
    typed = {"m0-label": "Late"}
    editing.press("add", "m").press("add", "m").press("add", "m")
    rows = [name[:-6] for name in editing.fields if re.fullmatch("m[0-9]+-label", name)]
    typed = dict(zip((f"{row}-label" for row in rows), ("Late", "late!", ""), strict=True))
    typed |= {f"{rows[2]}-help": "of nothing", f"{rows[0]}-group": "g" * 61}
    editing.press("save", **typed)
    assert editing.status == 422
    assert editing.errors(rows[0]) == ["Group has at most 60 characters"]
    assert editing.errors(rows[1]) == ["&#x27;late&#x27; is there already"]
    assert editing.errors(rows[2]) == ["Label is needed"]
    assert {name: editing.fields[name] for name in typed} == typed


def test_more_than_may_be_saved_is_refused_in_words_with_nothing_lost(editing):
    editing.press("add", "c1-o", **{"c1-o-pasted": "\n".join(f"n{number}" for number in range(40))})
    editing.press("save")
    assert editing.status == 422 and "Takes 2 to 30 options, not 43" in editing.page
    assert len(editing.options()) == 43 and "30 are the most." in editing.page
    assert re.search('id="c1-o-add"[^>]* disabled', editing.page)
    for place in range(30, 43):
        editing.fields |= {f"c1-o{place}-{name}": "" for name in ("value", "label")}
    editing.press("add", "m", **{"m-pasted": "\n".join(f"m{number}" for number in range(60))}).press("save")
    assert editing.status == 422 and "Takes at most 60, not 65" in editing.page
    assert len(editing.own()) == 60 and "60 are the most." in editing.page


def test_the_largest_rubric_that_may_be_saved_is_no_larger_than_what_a_form_may_send(rubric, editing):
    whole = {
        "type": "choice",
        "options": [{"value": f"v{number}", "label": f"L{number}"} for number in range(30)],
    }
    criteria = [{"key": f"k{number}", "title": "t", **whole} for number in range(29)]
    modes = [f"Mode {number}" for number in range(60)]
    content = rubrics.Content("", modes, criteria)
    rubrics.save_draft(draft(rubric), draft(rubric).edit, content)
    editing.show(editing.client.get(ADDRESS))
    assert editing.press("save").status == 302


def test_modes_of_the_taxonomy_are_picked_one_by_one_or_by_their_group(rubric, editing):
    labels = re.findall(r'aria-labelledby="group-(\w+)"', editing.page)
    assert labels == ["Content", "Task", "Agent", "Safety", "Other"]
    chosen = {"unsafe", "privacy", "injection", "wrong_refusal", "other"}
    assert {name for name in editing.fields.values() if name in TAXONOMY} == chosen
    for values in TAXONOMY.values():
        assert values["label"] in editing.page and values["help"] in editing.page
    editing.press("pick", "Agent")
    assert editing.focused == ["pick-Agent"] and "None of Agent" in editing.page
    place = next(name for name, value in editing.fields.items() if value == "privacy")
    editing.press("save", **{place: None})
    assert keys(rubric) == [
        "wrong_refusal", "false_action", "wrong_tool", "loop", "no_handover", "unsafe", "injection", "other",
    ]  # fmt: skip
    assert editing.press("drop", "Safety").press("save").status == 302
    assert not {"unsafe", "privacy", "injection"} & set(keys(rubric))


def test_own_modes_have_keys_of_their_labels_and_stand_before_the_last_resort(rubric, editing):
    editing.press("add", "m")
    (row,) = [name for name in editing.fields if re.fullmatch("m[0-9]+-label", name)]
    assert editing.focused == [row]
    editing.press("add", "m", **{row: "Wrong shop", row.replace("label", "group"): "Retail"})
    assert "<code>wrong_shop</code>" in editing.page and '<option value="Retail">' in editing.page
    second = editing.focused[0]
    editing.press("up", second.removesuffix("-label"), **{second: "遅い"})
    assert editing.focused == [row.replace("label", "up")]
    assert [label for _, label in editing.own()] == ["遅い", "Wrong shop"]
    assert editing.press("save").status == 302
    assert keys(rubric)[-3:-1] == [editing.own()[0][0], "wrong_shop"] and keys(rubric)[-1] == "other"
    assert re.fullmatch("mode_[0-9a-f]{8}", editing.own()[0][0])
    editing.press("remove", row.removesuffix("-label")).press("save")
    assert keys(rubric)[-2:] == ["wrong_shop", "other"]


def test_a_row_that_a_script_has_added_stands_before_the_last_resort_and_can_be_moved(rubric, editing):
    number = len(editing.form.modes)
    added = {f"m{number}-label": "Late", f"m{number + 1}-label": "Rude"}
    editing.press("up", f"m{number + 1}", **added)
    assert [label for _, label in editing.own()] == ["Rude", "Late"]
    editing.press("save")
    assert keys(rubric)[-3:] == ["rude", "late", "other"]


def test_a_key_follows_its_label_until_a_version_with_it_is_frozen(rubric, editing):
    number = len(editing.form.modes)
    editing.press("save", **{f"m{number}-label": "Late"})
    row = next(name for name, value in editing.fields.items() if value == "Late")
    assert editing.press("freeze", **{row: "Too late"}).own() == [("too_late", "Too late")]
    editing.press("save", **{row: "Far too late"})
    assert editing.own() == [("too_late", "Far too late")]
    assert editing.fields[row.replace("label", "key")] == "too_late"


def test_modes_keep_their_order_and_a_changed_text_of_the_taxonomy_stays(rubric, lead):
    changed = TAXONOMY["tone"] | {"label": "Unfriendly"}
    modes = [TAXONOMY["other"], OWN, changed, TAXONOMY["loop"]]
    version = publish(rubric, modes)
    editing = Editing(lead)
    assert editing.own() == [("wrong_shop", "Wrong shop"), ("tone", "Unfriendly")]
    assert "In other words: " in editing.page
    assert editing.press("save").status == 302
    assert draft(rubric).failure_modes == version.failure_modes == modes
    row = next(name for name, value in editing.fields.items() if value == "Unfriendly")
    editing.press("remove", row.removesuffix("-label"))
    assert not editing.own()[1:] and "Wrong tone" in editing.page
    assert editing.press("save").status == 302
    assert keys(rubric) == ["other", "wrong_shop", "loop"]


def test_words_of_the_taxonomy_can_be_changed_and_keep_the_key(rubric, editing):
    place = next(name for name, value in editing.fields.items() if value == "privacy").removesuffix("-picked")
    editing.press("reword", place)
    assert editing.focused == [f"{place}-label"] and editing.fields[f"{place}-key"] == "privacy"
    assert editing.press("save", **{f"{place}-label": "Names someone"}).status == 302
    told = {mode["key"]: mode["label"] for mode in draft(rubric).failure_modes}
    assert told["privacy"] == "Names someone" and len(told) == 5


def test_hostile_text_in_any_row_stays_text(editing):
    names = [
        name for name in editing.press("add", "m").fields if re.match("(c1-o0|m[0-9]+)-(?!picked)", name)
    ]
    assert len(names) == 6
    editing.press("preview", **dict.fromkeys(names, XSS))
    assert "<img src=x" not in editing.page and "<script>alert" not in editing.page
    assert all(editing.fields[name] == XSS for name in names)


def test_a_form_of_odd_places_is_answered(rubric, editing):
    odd = {
        "m999-label": "x",
        "mx-label": "y",
        "c1-o-value": "z",
        "c1-o77-value": "9",
        "m1-picked": "none",
        "c-o1-x": "1",
    }
    assert editing.press("save", **odd).status == 302
    assert draft(rubric).criteria.get(key="severity").options[-1]["value"] == 9
    assert "x" in [mode["label"] for mode in draft(rubric).failure_modes]


def test_two_leads_choose_each_option_and_mode_on_its_own(rubric, lead):
    mine, theirs = Editing(lead), Editing(lead)
    number = len(mine.form.modes)
    theirs.press("up", "c1-o2").press("drop", "Safety")
    theirs.press("save", **{"c1-o1-help": "Theirs", "c2-o0-label": "Blows", f"m{number}-label": "Late"})
    # What it was opened with is unknown, so each is asked.
    mine.press("save", opened="", **{"c1-o0-label": "Small", f"m{number}-label": "Rude"})
    assert mine.status == 409
    told = re.findall(
        r"<legend>(.*?)</legend>.*?side:(.*?)\".*?as-is side\">(.*?)<.*?as-is side\">(.*?)<",
        mine.page,
        re.DOTALL,
    )
    shown = {path: (re.sub("<[^>]*>", "", where).strip(), one, other) for where, path, one, other in told}
    assert shown["criterion/severity/options/1"][1:] == ("Small (1)", "Minor (1)")
    assert shown["criterion/severity/options/3"] == (
        "Severity Option Grave (3)",
        "Grave (3)",
        "Grave (3)\nTheirs",
    )
    assert shown["criterion/severity/options"][0] == "Severity Order"
    assert shown["criterion/kinds/options/violence"][1:] == ("Violence (violence)", "Blows (violence)")
    assert shown["mode/late"] == ("Failure modes Late", "is not there", "Late")
    assert shown["mode/rude"] == ("Failure modes Rude", "Rude", "is not there")
    assert shown["mode/unsafe"][2] == "is not there" and "Harmful content" in shown["mode/unsafe"][1]
    taken = (
        "criterion/severity/options/3",
        "criterion/severity/options",
        "mode/late",
        "mode/unsafe",
        "mode/rude",
    )
    sides = {f"side:{path}": "theirs" if path in taken else "mine" for path in shown}
    assert mine.press("save", **sides).status == 302
    kept = editor.of_version(draft(rubric))
    assert [tuple(row.values()) for row in kept.entries[1].options] == [
        ("1", "Small", ""), ("3", "Grave", "Theirs"), ("2", "Serious", ""),
    ]  # fmt: skip
    assert kept.entries[2].options[0]["label"] == "Violence"
    assert keys(rubric) == ["wrong_refusal", "late", "privacy", "injection", "other"]


def test_what_two_leads_changed_in_different_rows_goes_together(rubric, lead):
    mine, theirs = Editing(lead), Editing(lead)
    number = len(mine.form.modes)
    theirs.press("up", "c1-o2").press("drop", "Safety")
    theirs.press("save", **{"c1-o1-help": "Theirs", f"m{number}-label": "Late"})
    assert mine.press("save", **{"c1-o0-label": "Small", f"m{number}-label": "Rude"}).status == 302
    kept = editor.of_version(draft(rubric))
    assert [tuple(row.values()) for row in kept.entries[1].options] == [
        ("1", "Small", ""), ("3", "Grave", "Theirs"), ("2", "Serious", ""),
    ]  # fmt: skip
    assert {"late", "rude"} <= set(keys(rubric)) and "unsafe" not in keys(rubric)


def test_what_is_begun_survives_a_choice_between_two_drafts(rubric, lead):
    mine, theirs = Editing(lead), Editing(lead)
    theirs.press("save", **{"c1-o0-label": "Theirs"})
    mine.press("add", "c1-o").press("save", **{"guidelines": "Mine", "c1-o0-label": "Mine"})
    assert mine.status == 409
    mine.press("choose", **{"side:criterion/severity/options/1": "theirs", "c1-o3-help": "only begun"})
    assert mine.options()[0] == ("1", "Theirs", "") and mine.options()[-1] == ("", "", "only begun")


def test_a_row_with_the_key_of_a_picked_mode_is_refused_and_neither_is_lost(editing):
    number = len(editing.form.modes)
    editing.press("add", "m", **{f"m{number}-label": "Privacy"}).press("save")
    assert editing.status == 422 and "is there already" in editing.page
    assert "privacy" in editing.fields.values() and editing.own()[0] == ("privacy", "Privacy")
