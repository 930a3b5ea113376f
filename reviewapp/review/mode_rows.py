"""The failure modes of a draft as a form: those of the taxonomy to pick, and rows for all that is one's own.

A mode has one place in the form: the taxonomy's own words stand in the picker, chosen or not; in other words
it is a row, which keeps its key and its text.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from django.http import QueryDict

from reviewapp.review import posted as fields
from reviewapp.review.models import RubricVersion
from reviewapp.review.presets import FAILURE_MODES
from reviewapp.review.rubric_forms import key_from

TEXTS = ("label", "help", "group")
TAXONOMY = {each["key"]: each for each in FAILURE_MODES}
GROUPS = tuple(dict.fromkeys(each["group"] for each in FAILURE_MODES))
# What is left when nothing else fits stays last.
LAST = FAILURE_MODES[-1]["key"]


@dataclass(slots=True)
class Mode:
    """`kept` is a key that does not change any more; without one it is made from the label.

    `place` is the number with which its fields were sent.
    """

    kept: str
    label: str = ""
    help: str = ""
    group: str = ""
    is_row: bool = True
    is_chosen: bool = True
    place: int | None = None

    @property
    def key(self) -> str:
        return self.kept or key_of(self.label)

    @property
    def is_empty(self) -> bool:
        return not (self.kept or self.label or self.help or self.group)

    @property
    def values(self) -> dict[str, str]:
        return {"key": self.key, "label": self.label, "help": self.help, "group": self.group}


def key_of(label: str) -> str:
    """Made from the label; of one without a letter that a key can have, a number that stands for it."""
    return key_from(label) or (f"mode_{zlib.crc32(label.encode()):08x}" if label else "")


def of_version(version: RubricVersion) -> list[Mode]:
    told = version.rubric.versions.frozen().values_list("failure_modes", flat=True)
    frozen = {mode["key"] for mode in chain.from_iterable(told)}
    return with_taxonomy([_told(mode, frozen) for mode in version.failure_modes])


def _told(values: dict[str, str], frozen: set[str]) -> Mode:
    key, texts = values["key"], dict.fromkeys(TEXTS, "") | values
    is_kept = key in frozen or key in TAXONOMY or key != key_of(texts["label"])
    mode = own(texts, key if is_kept else "")
    mode.is_row = values != TAXONOMY.get(key)
    return mode


def of_post(posted: QueryDict) -> list[Mode]:
    modes = with_taxonomy([_posted(posted, place) for place in fields.places(posted, "m")])
    last = next(place for place, mode in enumerate(modes) if mode.key == LAST)
    if all(mode.is_row and not mode.kept for mode in modes[last + 1 :]):
        # What was added after it is new.
        modes.append(modes.pop(last))
    return modes


def _posted(posted: QueryDict, place: int) -> Mode:
    picked = TAXONOMY.get(posted.get(f"m{place}-picked", ""))
    if picked is None:
        mode = own(fields.texts(posted, f"m{place}", TEXTS), fields.text(posted, f"m{place}-key"))
    else:
        mode = of_taxonomy(picked)
    mode.place = place
    return mode


def own(texts: Mapping[str, str], kept: str = "") -> Mode:
    return Mode(kept, texts["label"], texts["help"], texts["group"])


def of_taxonomy(values: Mapping[str, str], *, is_chosen: bool = True) -> Mode:
    mode = own(values, values["key"])
    mode.is_row, mode.is_chosen = False, is_chosen
    return mode


def with_taxonomy(modes: Iterable[Mode]) -> list[Mode]:
    """What of the taxonomy is missing, not chosen, each after the one that it follows there."""
    found = list(modes)
    place = -1
    for values in FAILURE_MODES:
        keys = [mode.key for mode in found]
        if values["key"] in keys:
            place = keys.index(values["key"])
        else:
            place += 1
            found.insert(place, of_taxonomy(values, is_chosen=False))
    return found


def chosen(modes: Sequence[Mode]) -> list[int]:
    """The places of those that the draft has."""
    return [place for place, mode in enumerate(modes) if mode.is_chosen and not mode.is_empty]


def add(modes: list[Mode], new: Iterable[Mode]) -> int:
    """Put them in after all others but the last resort; the place of the first."""
    place = len(modes) - (modes[-1].key == LAST)
    modes[place:place] = new
    return place


def remove(modes: list[Mode], place: int) -> None:
    """A mode of the taxonomy can be picked again, in the words it has there."""
    key = modes.pop(place).key
    if key in TAXONOMY and all(mode.key != key for mode in modes):
        modes.insert(place, of_taxonomy(TAXONOMY[key], is_chosen=False))


def choose(modes: Iterable[Mode], group: str, *, is_chosen: bool) -> None:
    """All of a group in the picker, or none."""
    for mode in modes:
        if not mode.is_row and mode.group == group:
            mode.is_chosen = is_chosen
