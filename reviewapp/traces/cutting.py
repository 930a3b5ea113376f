"""Is a question so long that the answer would stand below the screen? It is then cut, to be unfolded."""

from __future__ import annotations

from dataclasses import dataclass

from reviewapp import figures, rendering

# Characters in a line of the column, and the lines above which it is worth a button. The sheet shows 10 and 6
# lines of what is cut; that these are fewer leaves room for letters of other widths.
WIDE, NARROW = 95, 48
MOST_WIDE, MOST_NARROW = 12, 9
# Where words are longer than this there are no spaces between them: then characters are counted.
LONGEST_WORD = 20


@dataclass(frozen=True, slots=True)
class Cut:
    """`whole` says how much there is: "700 words". If not `is_wide`, it is long on a phone only."""

    whole: str
    is_wide: bool


def cut(text: str) -> Cut | None:
    """None for a text that needs no cutting on any screen."""
    lines = rendering.laid_out(text).splitlines()
    if _height(lines, NARROW) <= MOST_NARROW:
        return None
    return Cut(_whole(text), _height(lines, WIDE) > MOST_WIDE)


def _height(lines: list[str], width: int) -> int:
    """In lines of the screen; an empty one is but a gap between paragraphs."""
    return sum(-(-len(line) // width) for line in lines)


def _whole(text: str) -> str:
    words = len(text.split())
    if len(text) > words * LONGEST_WORD:
        return f"{figures.count(len(text))} characters"
    return f"{figures.count(words)} words"
