"""How do two versions of a rubric differ, for a lead who reads it?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reviewapp.review.merging import FIELDS
from reviewapp.review.models import CriterionRevision, RubricVersion, Shown
from reviewapp.review.rubrics import COPIED

# Of a criterion that is new or gone this need not be said; its title stands above.
USUAL = {"", "no", "1", str(Shown.ALWAYS.label).lower()}
# As the editor names them.
NAMES = FIELDS | {"options": "Options"}


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two versions: `kind` is added, removed, meaning, wording or order.

    `fields` are name in words, value before and value after; empty where there was or is none.
    """

    key: str
    title: str
    kind: str
    fields: tuple[tuple[str, str, str], ...] = ()


def diff(old: RubricVersion, new: RubricVersion) -> list[Change]:
    """What differs, criterion by criterion, then their order, guidelines and failure modes."""
    before = {each.key: each for each in old.criteria.order_by("position")}
    after = {each.key: each for each in new.criteria.order_by("position")}
    changes = [_changed(before.get(key), each) for key, each in after.items()]
    gone = [each for key, each in before.items() if key not in after]
    changes += [Change(each.key, each.title, "removed", _told(each, None)) for each in gone]
    changes.append(_reordered(before, after))
    texts = [
        ("Guidelines", old.guidelines, new.guidelines),
        ("Failure modes", _modes(old), _modes(new)),
    ]
    changes += [Change("", name, "wording", ((name, was, now),)) for name, was, now in texts if was != now]
    return [change for change in changes if change is not None]


def _changed(base: CriterionRevision | None, now: CriterionRevision) -> Change | None:
    if base is None:
        return Change(now.key, now.title, "added", _told(None, now))
    fields = _told(base, now)
    if not fields and base.meaning == now.meaning:
        return None
    return Change(now.key, now.title, "wording" if base.meaning == now.meaning else "meaning", fields)


def _reordered(
    before: Mapping[str, CriterionRevision], after: Mapping[str, CriterionRevision]
) -> Change | None:
    """Of those that both ask: what comes in between moves none."""
    was, now = [key for key in before if key in after], [key for key in after if key in before]
    if was == now:
        return None
    titles = [", ".join(after[key].title for key in keys) for keys in (was, now)]
    return Change("", "Order", "order", (("Order", titles[0], titles[1]),))


def _told(was: CriterionRevision | None, now: CriterionRevision | None) -> tuple[tuple[str, str, str], ...]:
    """The fields in which they differ, in words; of one that is new or gone those that say something."""
    names = [name for name in COPIED if name not in ("key", "meaning", "position")]
    fields = [(NAMES[name], shown(was, name), shown(now, name)) for name in names]
    if was is None or now is None:
        return tuple((name, old, new) for name, old, new in fields[1:] if (old or new) not in USUAL)
    return tuple(
        field for name, field in zip(names, fields, strict=True) if getattr(was, name) != getattr(now, name)
    )


def shown(criterion: CriterionRevision | None, name: str) -> str:
    """A field in words; options one a line: value, label and help."""
    if criterion is None:
        return ""
    value = getattr(criterion, name)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.15g}"
    if isinstance(value, list):
        return "\n".join(map(_parts, value))
    in_words = getattr(criterion, f"get_{name}_display", None)
    if in_words is not None:
        return str(in_words()).lower()
    return "" if value is None else str(value)


def _parts(option: Mapping[str, Any]) -> str:
    told = (str(option["value"]), option["label"], option.get("help", ""))
    return " | ".join(part for part in told if part)


def _modes(version: RubricVersion) -> str:
    """One a line, with its group, in the order in which they are offered."""
    told = [(mode["label"], mode.get("help"), mode.get("group")) for mode in version.failure_modes]
    return "\n".join(" | ".join(part for part in parts if part) for parts in told)
