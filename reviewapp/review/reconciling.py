"""What of a form and of the draft that someone else has saved meanwhile goes together by itself?

The form carries, signed, what it was opened with. What only they have changed since is taken, what only one
has changed oneself stays, and what both have changed is asked.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass

from django.core import signing

from reviewapp.review import editor, merging, mode_rows
from reviewapp.review.editor import Entry, Form
from reviewapp.review.merging import THEIRS, Difference
from reviewapp.review.models import RubricVersion
from reviewapp.review.refusals import EditConflict

SALT = "a rubric's draft as it was opened"
MOST_NAMED = 5


class NotChosen(EditConflict):
    """Of some differences nobody has said which side stays. Nothing was saved."""

    code = "not_chosen"


@dataclass(frozen=True, slots=True)
class Opened:
    """What a form was opened with, and the number of the version that it was to become."""

    form: Form
    number: int


@dataclass(frozen=True, slots=True)
class Reconciled:
    """`taken` stands in the form now; `asked` is for its editor to choose."""

    taken: Sequence[Difference] = ()
    asked: Sequence[Difference] = ()

    @property
    def named(self) -> str:
        """What was taken, in words."""
        places = [f"{each.place} {each.field}".strip() for each in self.taken]
        more = len(places) - MOST_NAMED
        return "; ".join([*places[:MOST_NAMED], *([f"{more} more"] if more > 0 else [])])


def opened(form: Form, number: int) -> str:
    """What stands in the form now, for a field that comes back with it."""
    told = {
        "entries": [asdict(entry) for entry in form.entries],
        "modes": [form.modes[place].values for place in mode_rows.chosen(form.modes)],
        "guidelines": form.guidelines,
        "changelog": form.changelog,
        "number": number,
    }
    return signing.dumps(told, salt=SALT, compress=True)


def base_of(form: Form) -> Opened | None:
    """None where it does not say, or not in our words."""
    try:
        told = signing.loads(form.opened, salt=SALT)
        modes = [mode_rows.own(values, values["key"]) for values in told["modes"]]
        base = Form(
            entries=[Entry(**entry) for entry in told["entries"]],
            modes=mode_rows.with_taxonomy(modes),
            guidelines=told["guidelines"],
            changelog=told["changelog"],
        )
        return Opened(base, told["number"])
    except (signing.BadSignature, KeyError, TypeError):
        return None


def is_current(form: Form, draft: RubricVersion) -> bool:
    """Whether the draft is still the one that the form was opened with.

    One that was discarded and begun anew can have the same number and edit, so what stands in it decides.
    """
    base = base_of(form)
    if draft.edit != form.edit or base is None:
        return draft.edit == form.edit
    return base.number == draft.number and not merging.differences(base.form, editor.of_version(draft))


def reconcile(mine: Form, draft: RubricVersion, asked: Collection[str]) -> Reconciled:
    """Put into the form what only they have changed. From now on it counts as opened with their draft.

    What was `asked` before and not settled is asked again; so is everything where nobody knows what the form
    was opened with.
    """
    theirs, base = editor.of_version(draft), base_of(mine)
    found = merging.differences(mine, theirs)
    taken, left = [], found
    if base is not None:
        by_me, by_them = (_changed(base.form, form) for form in (mine, theirs))
        taken = [each for each in found if each.path not in asked and not _is_in(each.path, by_me)]
        both = (each.path for each in found if _is_in(each.path, by_me) and _is_in(each.path, by_them))
        open_paths = {*asked, *both}
        merging.take(mine, theirs, {each.path for each in taken})
        left = [each for each in merging.differences(mine, theirs) if each.path in open_paths]
    mine.opened, mine.edit = opened(theirs, draft.number), draft.edit
    return Reconciled(taken, left)


def _changed(base: Form, form: Form) -> set[str]:
    return {each.path for each in merging.differences(base, form)}


def _is_in(path: str, changed: Collection[str]) -> bool:
    """Whether it was changed: itself, the criterion that it is of, or a part of it if it is a criterion."""
    return any(path == each or _is_of(path, each) or _is_of(each, path) for each in changed)


def _is_of(path: str, whole: str) -> bool:
    return whole.count("/") == 1 and path.startswith(f"{whole}/")


def settle(form: Form, draft: RubricVersion, found: Sequence[Difference]) -> None:
    """Put what was chosen into the form. Raises NotChosen unless that was said of each."""
    missing = sum(not each.side for each in found)
    if missing:
        words = "1 difference is" if missing == 1 else f"{missing} differences are"
        raise NotChosen(f"{words} not chosen yet.", edit=draft.edit)
    put_chosen(form, draft, found)


def put_chosen(form: Form, draft: RubricVersion, found: Sequence[Difference]) -> list[Difference]:
    """Put theirs into the form wherever it was chosen; those of which nothing was chosen are left."""
    merging.take(form, editor.of_version(draft), {each.path for each in found if each.side == THEIRS})
    return [each for each in found if not each.side]
