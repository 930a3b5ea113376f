"""Strangers' text as text, and Markdown that carries nothing but text."""

from __future__ import annotations

import json
import re
import time

import pytest

from reviewapp.rendering import (
    MARKDOWN_CHARACTERS,
    laid_out,
    markdown,
    marked,
    plain,
    pretty,
    unmarked,
    visible,
)


def html(text: str, *passages: str) -> str:
    return markdown(text, passages)[0]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("a\u202eb", "a\\u202eb"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("\u2066isolate\u2069", "\\u2066isolate\\u2069"),
        ("bell\x07", "bell\\u0007"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("lone\ud800", "lone\\ud800"),
        ("bom\ufeff", "bom\\ufeff"),
        ("hangul\u3164filler", "hangul\\u3164filler"),
        ("smuggled\U000e0100", "smuggled\\U000e0100"),
        ("lines\r\nend\nhere\ttab", "lines\nend\nhere\ttab"),
        ("family \U0001f468\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f", None),
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", None),
        ("pass\u200dword", "pass\\u200dword"),
        ("x\ufe0f", "x\\ufe0f"),
    ],
)
def test_invisible_characters_show(text, shown):
    assert visible(text) == (text if shown is None else shown)


HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)><use href='//evil/x#y'/></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "[click](javascript:alert(1))",
    "[click](JaVaScRiPt:alert(1))",
    "[click](&#x6a;avascript:alert(1))",
    "[click](data:text/html,<script>alert(1)</script>)",
    "[click](vbscript:x)",
    "[up](//evil.example/x)",
    "[inside](/accounts/logout/)",
    "![pixel](http://evil.example/pixel.png)",
    "![pixel][ref]\n\n[ref]: http://evil.example/pixel.png",
    '<a href="http://evil.example" hx-get="/x" data-key="j" style="x" class="y" id="z">x</a>',
    '[x](http://evil.example "onmouseover=alert(1)")',
    '[x](http://evil.example/"onmouseover="alert(1))',
    "`<b>`\n\n```html\n<script>alert(1)</script>\n```",
    "</textarea></script></style></title>",
    "<base href='//evil/'><meta http-equiv=refresh content='0;url=//evil'>",
    "<form action='//evil'><input name=x></form>",
    "<!-- --><![CDATA[x]]><?xml x?>",
    "{{ request }} {% load static %} ${7*7}",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_makes_no_element_that_loads_runs_or_sends(text):
    shown = html(text)
    tags = set(re.findall(r"<\s*/?\s*([a-zA-Z][^\s/>]*)", shown))
    assert tags <= {"p", "a", "code", "pre", "br", "strong", "em", "sup", "mark"}
    for attributes in re.findall(r"<[a-z]+\s([^>]*)>", shown):
        assert re.fullmatch(r'href="(https?|mailto):[^"]*" rel="noopener noreferrer nofollow"', attributes), (
            shown
        )


def test_a_link_shows_where_it_leads():
    shown = html("see [your bank](https://evil.example/login)")
    assert shown.strip() == (
        '<p>see <a href="https://evil.example/login" rel="noopener noreferrer nofollow">your bank</a>'
        " (https://evil.example/login)</p>"
    )


def test_character_references_spell_nothing_invisible():
    assert "\u202e" not in html("a&#x202e;b")
    assert "\\u202e" in html("a\u202eb")


def test_headings_of_strangers_stay_out_of_the_outline():
    assert html("# Title").strip() == "<p><strong>Title</strong></p>"


def test_usual_markdown_is_rendered():
    shown = html("- **a**\n- `b`\n\n| x |\n|---|\n| 1 |\n\n> said\n\n~~gone~~")
    for part in (
        "<li><strong>a</strong></li>",
        "<code>b</code>",
        "<td>1</td>",
        "<blockquote>",
        "<s>gone</s>",
    ):
        assert part in shown


def test_words_in_code_are_compared_and_marked_like_others():
    text = "Use `SUMMER24`:\n\n```sh\nbuy --code SUMMER24\n```"
    html, shared = markdown(text, ["Codes: SUMMER24"])
    assert "<code><mark>SUMMER24</mark><sup>1</sup></code>" in html
    assert "<pre><code>buy --code <mark>SUMMER24</mark><sup>1</sup>\n</code></pre>" in html
    assert shared.shares == (2 / 3,)


def test_shared_words_are_marked_through_emphasis_and_numbered():
    shown = html(
        "Good news: *you can have your money back*.", "nothing alike", "you can have your money back"
    )
    assert "<em><mark>you can have your money back</mark><sup>2</sup></em>" in shown


def test_marking_keeps_text_text():
    assert marked("<b>bold words</b> here", [(3, 13)]) == "&lt;b&gt;<mark>bold words</mark>&lt;/b&gt; here"
    shown, _ = plain("the <i>return window</i>", ["our <i>return window</i>"])
    assert "<i>" not in shown
    assert "&lt;<mark>i&gt;return window&lt;/i</mark>" in shown


def test_json_is_text():
    assert pretty({"a\u202e": "<b>"}) == '{\n  "a\\u202e": "<b>"\n}'


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ('{"refund": 1.50, "to": ["card", {}], "a": "{,\\""}',
         '{\n  "refund": 1.50,\n  "to": [\n    "card",\n    {}\n  ],\n  "a": "{,\\""\n}'),
        ("[1]", "[1]"),
        ('["\u2028", 1]', '["\u2028", 1]'),
        ('{"n": [1, 2.0, "a, b"], "e": []}', '{\n  "n": [1, 2.0, "a, b"],\n  "e": []\n}'),
        (str([10] * 30), "[\n" + ",\n".join(["  10"] * 30) + "\n]"),
    ],
)  # fmt: skip
def test_an_answer_in_json_is_laid_out_and_no_number_is_written_anew(given, shown):
    assert laid_out(given) == f"```\n{shown}\n```"
    assert json.loads(shown) == json.loads(given)
    assert str(markdown(given)[0]).startswith("<pre><code>")


@pytest.mark.parametrize("text", ["[a link](https://a.example)", "{curly} words", "", " plain", '{"cut": '])
def test_what_is_no_json_stays_as_it_is(text):
    assert laid_out(text) == text


@pytest.mark.parametrize(
    "unit", ["[", "![[", "*a ", "**_", "`a", ">", "- a\n", "[a](", "<a", "|a|b|\n|-|-|\n"]
)
def test_no_text_takes_long(unit):
    begun = time.process_time()
    html(unit * (MARKDOWN_CHARACTERS // len(unit)))
    assert time.process_time() - begun < 20


def test_a_very_long_text_is_shown_as_it_is():
    assert html("*a* " * MARKDOWN_CHARACTERS).startswith("<p>*a* *a*")


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("Go to **Account > Orders**, then `print`.", "Go to Account > Orders, then print."),
        ("# Steps\n\n- one\n- two", "Steps one two"),
        ("2 * 3 * 4 and snake_case__name, a ** b", "2 * 3 * 4 and snake_case__name, a ** b"),
        ("** a", "** a"),
    ],
)
def test_an_excerpt_leaves_the_marks_out(given, shown):
    assert unmarked(given) == shown


def test_values_at_a_great_depth_are_not_laid_out_as_space():
    text = "[" * 900 + "1," * 20_000 + "1" + "]" * 900
    assert len(laid_out(text)) < 40 * len(text)
