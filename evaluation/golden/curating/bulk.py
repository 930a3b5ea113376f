"""One change to many cases at once: tags, split, critical, owner, state."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from django.db import transaction
from django.http import QueryDict

from evaluation.golden.content import lines
from evaluation.golden.content.lines import Case
from evaluation.golden.curating import case_lists, editing, staleness
from evaluation.golden.draft import cases, drafts
from evaluation.golden.models import CaseRevision, CaseState, GoldenDataset
from reviewapp.models import User

MOST_CASES = 1000


class Refused(Exception):
    """A change that cannot be made; says why."""


def change(dataset: GoldenDataset, sent: QueryDict, members: Sequence[str], by: str) -> str:
    """What was done, in words. Raises Refused."""
    chosen = _chosen(dataset, sent)
    if not chosen:
        raise Refused("Choose at least one case.")
    action, value = sent.get("action", ""), sent.get("value", "").replace("\0", "").strip()
    if action in CaseState.values:
        return _move(dataset, chosen, CaseState(action), value)
    if action == "owner":
        return _own(dataset, chosen, value, members)
    if action == "confirm":
        looked = staleness.confirm(dataset, chosen, by)
        return f"{_number(looked)} {'is' if looked == 1 else 'are'} still right; the draft is unchanged."
    if action not in _EDITS:
        raise Refused("Choose what to change.")
    if not value and action in ("tag", "untag", "split"):
        raise Refused("Type the tag or the split.")
    if action == "tag" and "," in value:
        raise Refused("Add one tag at a time: a comma would split it in two.")
    return _edit(dataset, chosen, _EDITS[action], value, by)


def _chosen(dataset: GoldenDataset, sent: QueryDict) -> list[str]:
    """The ticked ones; or, with `all`, what the list's filters find, if it is as many as were announced."""
    announced = sent.get("all")
    if not announced:
        return [each for each in sent.getlist("case") if "\0" not in each][:MOST_CASES]
    found = case_lists.found(dataset, QueryDict(sent.get("query", "")))
    chosen = list(found.values_list("case_id", flat=True))
    if str(len(chosen)) != announced:
        raise Refused(f"{_number(len(chosen))} match now; nothing was changed. Reload, then choose again.")
    return chosen


def _move(dataset: GoldenDataset, chosen: list[str], state: CaseState, reason: str) -> str:
    if state is not CaseState.ACTIVE and not reason:
        raise Refused("Give a reason: whoever looks at the next version will ask.")
    moved = cases.set_state(dataset, chosen, state, reason)
    verb = "is" if moved == 1 else "are"
    return f"{_number(moved)} {verb} {state.label.lower()} now; the next version will reflect it."


def _own(dataset: GoldenDataset, chosen: list[str], name: str, members: Sequence[str]) -> str:
    if name and name not in members:
        raise Refused("The owner must be a member of the project.")
    owner = User.objects.get(username=name) if name else None
    changed = dataset.cases.filter(case_id__in=chosen).update(owner=owner)
    return f"{_number(changed)} {'belongs' if changed == 1 else 'belong'} to {name or 'nobody'} now."


def _edit(
    dataset: GoldenDataset, chosen: list[str], edit: Callable[[Case, str], Case], value: str, by: str
) -> str:
    """New revisions of the cases that the change touches; retired ones stay as they are."""
    with transaction.atomic():
        cases.lock(dataset)
        rows = (
            drafts.revisions(dataset)
            .filter(case__case_id__in=chosen, line__isnull=False)
            .order_by("case__case_id")
        )
        entering = [(index, _entering(row, edit, value)) for index, row in enumerate(rows)]
        outcomes = cases.put(dataset, entering, by)
    changed = sum(outcome.status == "revised" for outcome in outcomes)
    return f"{_number(changed)} changed in the draft."


def _entering(row: CaseRevision, edit: Callable[[Case, str], Case], value: str) -> cases.Entering:
    """What the editor would refuse is refused here as well. Raises Refused."""
    edited = edit(lines.from_line(row.line or ""), value)
    try:
        return cases.Entering(lines.read(editing.sent(edited)))
    except lines.BadCase as refusal:
        raise Refused(f"Nothing was changed. {edited.case_id}, {refusal}.") from None


def _tag(case: Case, tag: str) -> Case:
    return case if tag in case.tags else replace(case, tags=[*case.tags, tag])


def _untag(case: Case, tag: str) -> Case:
    return replace(case, tags=[each for each in case.tags if each != tag])


_EDITS: dict[str, Callable[[Case, str], Case]] = {
    "tag": _tag,
    "untag": _untag,
    "split": lambda case, split: replace(case, split=split),
    "critical": lambda case, _: replace(case, critical=True),
    "uncritical": lambda case, _: replace(case, critical=False),
}


def _number(cases: int) -> str:
    return f"{cases} case" if cases == 1 else f"{cases} cases"
