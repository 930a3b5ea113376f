"""How does untrusted text become something that a page may show?

Templates escape by default, so a field needs only `visible`. Markdown is the one case where data becomes
markup: `markdown` below is the only place that declares a string safe.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, MutableMapping, Sequence
from typing import Any

import nh3
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from ingest import overlap
from ingest.overlap import Shared
from ingest.wording import WORD

# Parsing is linear in practice but slow in Python: longer texts are shown as they are.
MARKDOWN_CHARACTERS = 20_000

_TAGS = {
    "p", "br", "hr", "blockquote", "pre", "code", "em", "strong", "s", "ul", "ol", "li", "a", "mark", "sup",
    "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
_SCHEMES = {"http", "https", "mailto"}
_LINK = re.compile(r"(?:https?://|mailto:)[^\s]", re.IGNORECASE)

# What Markdown writes around words and before lines; an excerpt is read better without it.
_AROUND = re.compile(r"(\*\*|__|~~|`)(?=\S)(.+?)(?<=\S)\1")
_BEFORE = re.compile(r"^[ \t]*(?:#{1,6}|>|[-*+])[ \t]+", re.MULTILINE)

# The parts of a JSON text: strings, brackets and commas, numbers and names.
_JSON = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+')

# A list in lines whose values hold nothing themselves.
_FLAT = re.compile(r"\[\n([^\[\]{}]*?)\n *\]")
LONGEST_LIST = 72
# What stands deeper is not indented further: thousands of values at a great depth would be mostly space.
DEEPEST = 12

# Characters that show nothing, or change the order or the look of others: controls, separators, bidi and
# format characters, fillers, variation selectors, tags, lone surrogates.
_UNSEEN = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u2800\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\U00013430-\U0001345f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
# Spelling, not trickery: joiners inside Arabic and Indic words, inside emoji, and one emoji-style selector.
_PLAIN_JOINER = re.compile(
    "(?<=[\u0620-\u08ff\u0900-\u0dff])[\u200c\u200d](?=[\u0620-\u08ff\u0900-\u0dff])"
    "|(?<=[\u2600-\u27bf\ufe0f\U0001f000-\U0001faff])\u200d(?=[\u2190-\u2bff\U0001f000-\U0001faff])"
    "|(?<=[#*0-9\u00a9\u00ae\u203c-\u3299\U0001f000-\U0001faff])\ufe0f(?!\ufe0f)"
)
_HIDDEN = re.compile(f"[{_UNSEEN}]")
_KEPT_OR_HIDDEN = re.compile(f"(?P<kept>{_PLAIN_JOINER.pattern})|{_HIDDEN.pattern}")


def unmarked(text: str) -> str:
    """The words of a Markdown text in one line, without most of its marks."""
    return " ".join(_AROUND.sub(r"\2", _BEFORE.sub("", text)).split())


def visible(text: str) -> str:
    r"""The text with invisible and direction-changing characters written as escapes such as `\u202e`."""
    if text.isascii() and text.isprintable():
        return text
    return _KEPT_OR_HIDDEN.sub(_escape, text.replace("\r\n", "\n"))


def _escape(match: re.Match[str]) -> str:
    if match["kept"] is not None:
        return match.group()
    code = ord(match.group())
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def pretty(value: Any) -> str:
    """JSON indented for reading; text, to be escaped like any other."""
    return visible(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def laid_out(text: str) -> str:
    """A text that is one JSON object or list as an indented block of code; every other text as it is.

    Only space between the parts is changed, so what is judged is what was said: no number is written anew.
    """
    if text.lstrip()[:1] not in ("{", "[") or not _is_json(text):
        return text
    lines, before, depth = [""], "", 0
    for part in _JSON.findall(text):
        depth -= part in ("}", "]")
        opened, closes = before in ("{", "["), part in ("}", "]")
        if before == "," or opened != closes:
            lines.append("  " * min(depth, DEEPEST))
        lines[-1] += f"{part} " if part == ":" else part
        depth += part in ("{", "[")
        before = part
    return "\n".join(["```", _FLAT.sub(_in_one_line, "\n".join(lines)), "```"])


def _in_one_line(found: re.Match[str]) -> str:
    """A short list of plain values; a long one stays in lines."""
    told = ", ".join(line.strip().removesuffix(",") for line in found[1].split("\n"))
    return f"[{told}]" if len(told) <= LONGEST_LIST else found.group()


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def markdown(text: str, passages: Sequence[str] = ()) -> tuple[SafeString, Shared]:
    """Markdown as HTML, with the words shared with each passage marked and numbered.

    Safe, because what is wrapped is nothing but nh3's output: the parser runs with raw HTML off, so the
    text's own tags arrive escaped; nh3 then keeps the tags in `_TAGS` and no attribute except an absolute
    http, https or mailto `href`, to which it adds `rel`. Escaping invisible characters afterwards writes only
    backslashes, letters and digits.
    """
    if len(text) > MARKDOWN_CHARACTERS:
        return plain(text, passages)
    tokens = _PARSER.parse(laid_out(text))
    shared = overlap.share("\n".join(_texts(tokens)), passages)
    html = _PARSER.renderer.render(tokens, _PARSER.options, {"marker": _Marker(shared.of_word)})
    clean = nh3.clean(
        html,
        tags=_TAGS,
        attributes={"*": set(), "a": {"href"}},
        url_schemes=_SCHEMES,
        url_relative="deny",
        link_rel="noopener noreferrer nofollow",
    )
    return SafeString(visible(clean)), shared


def plain(text: str, passages: Sequence[str] = ()) -> tuple[SafeString, Shared]:
    """The text as it came, escaped, with the words shared with each passage marked and numbered."""
    shared = overlap.share(text, passages)
    return format_html("<p>{}</p>", _Marker(shared.of_word).mark(text)), shared


def marked(text: str, ranges: Iterable[tuple[int, int]]) -> SafeString:
    """Plain text with character ranges marked."""
    return _joined(text, "{}<mark>{}</mark>", [(start, end) for start, end in ranges])


def _joined(text: str, form: str, pieces: Sequence[tuple[int, ...]]) -> SafeString:
    """`form` for each piece (start, end, what else the form takes), given the text before it and its own."""
    ends = [0, *(piece[1] for piece in pieces)]
    before = format_html_join(
        "",
        form,
        (
            (visible(text[done:start]), visible(text[start:end]), *rest)
            for done, (start, end, *rest) in zip(ends, pieces, strict=False)
        ),
    )
    return before + escape(visible(text[ends[-1] :]))


class _Marker:
    """Marks the words of consecutive pieces of one text; `of_word` speaks of all their words together."""

    def __init__(self, of_word: Sequence[int | None]) -> None:
        self._of_word = of_word
        self._position = 0

    def mark(self, text: str) -> SafeString:
        matches = list(WORD.finditer(text))
        owners = self._of_word[self._position : self._position + len(matches)]
        self._position += len(matches)
        pieces = [
            (matches[start].start(), matches[end - 1].end(), owner + 1)
            for start, end, owner in _stretches(owners)
        ]
        return _joined(text, "{}<mark>{}</mark><sup>{}</sup>", pieces)


def _stretches(owners: Sequence[int | None]) -> Iterable[tuple[int, int, int]]:
    start = 0
    for position in range(1, len(owners) + 1):
        owner = owners[start]
        if position == len(owners) or owners[position] != owner:
            if owner is not None:
                yield start, position, owner
            start = position


_WITH_WORDS = {"text", "code_inline", "code_block", "fence"}


def _texts(tokens: Iterable[Token]) -> Iterable[str]:
    """What `_Renderer` will mark, in the same order."""
    for token in tokens:
        if token.type in _WITH_WORDS:
            yield token.content
        yield from _texts(token.children or ())


class _Renderer(RendererHTML):
    """Marks shared words, shows where links lead, keeps strangers' headings out of the page's outline."""

    def text(self, tokens: Sequence[Token], idx: int, options: Any, env: MutableMapping[str, Any]) -> str:
        return str(env["marker"].mark(tokens[idx].content))

    def code_inline(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return f"<code>{env['marker'].mark(tokens[idx].content)}</code>"

    def code_block(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return f"<pre><code>{env['marker'].mark(tokens[idx].content)}</code></pre>\n"

    fence = code_block

    def link_close(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        opening = _opening(tokens, idx)
        href = str(tokens[opening].attrs.get("href", ""))
        shown = "".join(token.content for token in tokens[opening + 1 : idx])
        return "</a>" if shown == href else f"</a> ({escape(href)})"

    def heading_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return "<p><strong>"

    def heading_close(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return "</strong></p>\n"


def _opening(tokens: Sequence[Token], idx: int) -> int:
    """Links do not nest, so the nearest opening before a closing is its own."""
    return next(i for i in range(idx - 1, -1, -1) if tokens[i].type == "link_open")


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True}, renderer_cls=_Renderer)
    # Images load; character references could spell what `visible` is there to show.
    parser.enable(["table", "strikethrough"]).disable(["image", "entity", "reference"])
    parser.validateLink = lambda url: _LINK.match(url) is not None  # type: ignore[method-assign]
    return parser


_PARSER = _parser()
