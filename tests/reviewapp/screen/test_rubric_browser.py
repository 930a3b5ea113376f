"""The rubric's editor in a browser: the keyboard alone, rows that are there at once, pasted lists."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.reviewapp.screen.test_phone_browser import is_sound
from tests.reviewapp.screen.test_review_browser import furnished, keys, sign_in
from tests.reviewapp.traces.test_traces_browser import settle

pytestmark = pytest.mark.browser
PROJECT = "rubrics-edited"


@pytest.fixture(scope="module")
def house(server):
    return furnished(server, PROJECT)


@pytest.fixture
def editor(browser, house, request):
    """The page of a rubric's first draft, and what its console says."""
    context, page = sign_in(browser, house, "gina", permissions=["clipboard-read", "clipboard-write"])
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    slug = request.node.name.split("[")[0].replace("_", "-")[5:40]
    house.call(f"rubrics/{slug}/versions", {"failure_modes": [], "criteria": []})
    page.goto(f"{house.url}/projects/{PROJECT}/rubrics/{slug}/edit")
    yield page
    context.close()
    assert said == []


def focus(page: Page, selector: str) -> None:
    """On by the Tab key until the control has it."""
    for _ in range(120):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not lead to {selector}")


def column(page: Page, name: str) -> list[str]:
    return [field.input_value() for field in page.locator(f"[data-rows] [name$='-{name}']:visible").all()]


def test_a_criterion_with_options_and_modes_by_the_keyboard_alone(house, editor):
    focus(editor, "#c-add")
    keys(editor, "Enter")
    expect(editor.locator("#c1-title")).to_be_focused()
    editor.keyboard.type("How did it end?")
    focus(editor, "#c1-type")
    editor.keyboard.type("one of")
    focus(editor, "#c1-o0-value")
    for value, label in (("sold", "Sold"), ("left", "Walked away"), ("returned", "Came back")):
        editor.keyboard.type(value)
        keys(editor, "Tab")
        editor.keyboard.type(label)
        # On to the next row, which is there at once when there was none.
        keys(editor, "Shift+Tab", "Enter")
    expect(editor.locator("#c1-o3-value")).to_be_focused()
    focus(editor, "#c1-o3-remove")
    keys(editor, "Enter")
    expect(editor.locator("#c1-o2-remove")).to_be_focused()
    keys(editor, "Shift+Tab", "Shift+Tab", "Enter")
    expect(editor.locator("#c1-o1-up")).to_be_focused()
    assert column(editor, "value") == ["sold", "returned", "left"]
    for key in ("wrong_fact", "tone"):
        focus(editor, f"[value={key}]")
        keys(editor, "Space")
    focus(editor, "#m-add")
    keys(editor, "Enter")
    editor.keyboard.type("Wrong shop")
    keys(editor, "Tab")
    editor.keyboard.type("Speaks of another one.")
    keys(editor, "Tab")
    editor.keyboard.type("Retail")
    focus(editor, "[name=save]")
    keys(editor, "Enter")
    expect(editor.locator(".message.success")).to_contain_text("The draft is saved.")
    expect(editor.locator("#modes code")).to_have_text("wrong_shop")
    focus(editor, "[name=freeze]")
    keys(editor, "Enter")
    expect(editor.locator(".message.success")).to_contain_text("Version 2 is frozen.")
    modes, kinds = editor.locator(".offered").all()
    expect(kinds).to_have_text("SoldCame backWalked away")
    expect(modes.locator(".chip")).to_have_text(["Wrong detail", "Wrong tone", "Wrong shop"])


def test_what_is_typed_in_other_rows_stays_when_a_list_is_pasted(editor):
    keys(editor, "Tab")
    editor.locator("#c-add").press("Enter")
    editor.locator("#c1-title").fill("Which?")
    editor.locator("#c1-type").select_option("scale")
    editor.locator("#guidelines").fill("typed before")
    editor.locator("#c1-o0-value").focus()
    editor.evaluate("navigator.clipboard.writeText('1\\tBad\\n2\\tSo so\\n3\\tGood')")
    keys(editor, "Control+v")
    expect(editor.locator("#c1-o2-label")).to_have_value("Good")
    assert column(editor, "label") == ["Bad", "So so", "Good"]
    # One line goes where the cursor is.
    editor.locator("#c1-o2-label").press("End")
    editor.evaluate("navigator.clipboard.writeText(' enough')")
    keys(editor, "Control+v")
    expect(editor.locator("#c1-o2-label")).to_have_value("Good enough")
    expect(editor.locator("#guidelines")).to_have_value("typed before")
    expect(editor.locator("#c1-title")).to_have_value("Which?")


def test_the_last_row_there_is_room_for_says_so(editor):
    editor.locator("#c-add").press("Enter")
    editor.locator("#c1-type").select_option("choice")
    add = editor.locator("#c1-o-add")
    for _ in range(27):
        add.press("Enter")
    expect(add).to_be_enabled()
    add.press("Enter")
    expect(add).to_be_disabled()
    expect(editor.locator("#c1-o")).to_contain_text("30 are the most.")
    expect(editor.locator("#c1-o li")).to_have_count(30)


def test_what_is_wrong_with_a_criterion_stands_together(editor):
    editor.locator("#c-add").press("Enter")
    editor.locator("#c1-title").fill("Which?")
    editor.locator("#c1-key").fill("A b")
    editor.locator("#c1-weight").fill("200")
    editor.locator("#show-preview").press("Enter")
    errors = editor.locator("#editor .field-error")
    expect(errors).to_have_count(2)
    first, second = (error.bounding_box() for error in errors.all())
    assert second["y"] - first["y"] - first["height"] <= 8
    assert editor.locator("#c1-title").bounding_box()["y"] - second["y"] - second["height"] > 8


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_the_editor_is_accessible_and_fits(editor, scheme, width):
    editor.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    editor.set_viewport_size({"width": width, "height": 844})
    editor.locator("#c-add").press("Enter")
    editor.locator("#c1-title").fill("Which?")
    editor.locator("#c1-type").select_option("choice")
    editor.locator("#c1-o-add").press("Enter")
    for place in range(3):
        editor.locator(f"#c1-o{place}-value").fill("same")
    editor.locator("#pick-Task").press("Enter")
    settle(editor)
    editor.locator("[name=reword]:visible").first.press("Enter")
    settle(editor)
    editor.locator("#m-add").press("Enter")
    is_sound(editor, "rows")
    if width < 720:
        for target in editor.locator(
            "#c1-o button:visible, #m-add, .mode-rows :is(button, input, textarea):visible"
        ).all():
            assert target.bounding_box()["height"] >= 44
    editor.locator("#show-preview").press("Enter")
    expect(editor.locator("#editor .field-error")).to_have_text(["'same' is there already"] * 2)
    is_sound(editor, "rows with errors")
