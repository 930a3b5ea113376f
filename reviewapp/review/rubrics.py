"""Rubrics: make, edit a draft, freeze it. What a frozen version asks never changes.

A criterion keeps its meaning number while only its wording changes, so that figures and judges go on; any
other change, and any that the editor declares, starts a new number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Max, QuerySet
from django.db.models.functions import Now

from ingest import sanitising
from ingest.models import Project
from reviewapp.review import presets, rubric_forms
from reviewapp.review.models import CriterionRevision, Rubric, RubricVersion, Stage
from reviewapp.review.presets import Template
from reviewapp.review.refusals import EditConflict, Invalid, Refusal

# What of a criterion is wording: all the rest is what it asks.
WORDING = frozenset({"title", "help", "pass_example", "fail_example", "position", "weight"})
COPIED = (
    "key", "meaning", "position", "title", "help", "type", "options", "minimum", "maximum",
    "pass_example", "fail_example", "weight", "critical", "required", "shown",
)  # fmt: skip


class Frozen(Refusal):
    """A frozen version is never changed; begin a draft."""

    code = "frozen"


class Discarded(Refusal):
    """The draft is gone. Nothing was saved."""

    code = "discarded"


@dataclass(frozen=True, slots=True)
class Content:
    """Everything an editor holds; `new_meaning` are the keys whose meaning it declares to be another one."""

    guidelines: str
    failure_modes: list[Any]
    criteria: list[dict[str, Any]]
    changelog: str = ""
    new_meaning: frozenset[str] = frozenset()


def find(project: Project, slug: str) -> Rubric | None:
    return Rubric.objects.filter(project=project, slug=slug).first()


def create_starter(project: Project) -> RubricVersion:
    """The rubric `answer-quality`, frozen; as it is where the project has it already."""
    existing = find(project, presets.STARTER)
    if existing is not None and (version := latest(existing)):
        return version
    rubric = existing or create(project, presets.BY_SLUG[presets.STARTER])
    return freeze(draft_of(rubric), by="the server")


@transaction.atomic
def create(project: Project, template: Template, slug: str = "", name: str = "", by: str = "") -> Rubric:
    """A rubric whose first draft is the template's. Raises Invalid for a slug that is taken."""
    rubric = Rubric(project=project, slug=slug or template.slug, name=name or template.name)
    rubric.description = template.description
    try:
        with transaction.atomic():
            rubric.save()
    except IntegrityError:
        errors = [{"field": "slug", "error": "is taken by another rubric of this project"}]
        raise Invalid("There is already a rubric with this name.", errors) from None
    draft = RubricVersion.objects.create(
        rubric=rubric,
        number=1,
        guidelines=template.guidelines,
        failure_modes=template.failure_modes(),
        created_by=by,
    )
    criteria = [presets.verdict_of(template), *template.criteria]
    _write_criteria(draft, rubric_forms.read_criteria(criteria))
    return rubric


def create_empty(project: Project, slug: str, name: str) -> Rubric:
    """A rubric without a version yet."""
    told = sanitising.text(name.strip(), set()) or slug
    return Rubric.objects.get_or_create(project=project, slug=slug, defaults={"name": told})[0]


def content_of(version: RubricVersion | None) -> Content:
    """What an editor would start from; of nothing, the starter's failure modes and the verdict alone."""
    if version is None:
        return Content("", [dict(each) for each in presets.FAILURE_MODES], [])
    criteria = [_asked(each) for each in version.criteria.order_by("position", "pk")]
    return Content(version.guidelines, version.failure_modes, criteria, version.changelog)


def latest(rubric: Rubric) -> RubricVersion | None:
    """The newest frozen version."""
    return rubric.versions.frozen().order_by("-number").first()


def open_draft(rubric: Rubric) -> RubricVersion | None:
    return rubric.versions.filter(stage=Stage.DRAFT).first()


def draft_of(rubric: Rubric, by: str = "") -> RubricVersion:
    """The rubric's draft; a new one begins as a copy of the newest frozen version."""
    return open_draft(rubric) or _begin_draft(rubric, by)


@transaction.atomic
def _begin_draft(rubric: Rubric, by: str) -> RubricVersion:
    Rubric.objects.select_for_update(no_key=True).get(pk=rubric.pk)
    if found := open_draft(rubric):
        return found
    base = latest(rubric)
    number = rubric.versions.aggregate(last=Max("number"))["last"] or 0
    draft = RubricVersion(rubric=rubric, number=number + 1, created_by=by)
    if base is not None:
        draft.guidelines, draft.failure_modes = base.guidelines, base.failure_modes
    draft.save()
    criteria = [] if base is None else base.criteria.order_by("position", "pk")
    CriterionRevision.objects.bulk_create(
        CriterionRevision(version=draft, **{name: getattr(each, name) for name in COPIED})
        for each in criteria
    )
    return draft


def save_draft(version: RubricVersion, edit: int, content: Content) -> RubricVersion:
    """Overwrite the draft if it is still as it was read. Raises EditConflict, Frozen, Discarded, Invalid."""
    criteria = rubric_forms.read_criteria(content.criteria)
    modes = rubric_forms.read_modes(content.failure_modes)
    guidelines, changelog = (
        rubric_forms.read_text(content.guidelines),
        rubric_forms.read_text(content.changelog),
    )
    with transaction.atomic():
        read = RubricVersion.objects.filter(pk=version.pk, edit=edit, stage=Stage.DRAFT)
        if not read.update(
            edit=F("edit") + 1, guidelines=guidelines, failure_modes=modes, changelog=changelog
        ):
            _refuse_edit(version)
        CriterionRevision.objects.filter(version=version).delete()
        _write_criteria(version, criteria, content.new_meaning)
        # Within, as afterwards someone else can discard it.
        version.refresh_from_db()
    return version


def preview(rubric: Rubric, content: Content) -> tuple[RubricVersion, list[CriterionRevision]]:
    """What reviewers would be asked, without storing it. Raises Invalid."""
    version = RubricVersion(
        rubric=rubric,
        guidelines=rubric_forms.read_text(content.guidelines),
        failure_modes=rubric_forms.read_modes(content.failure_modes),
    )
    criteria = rubric_forms.read_criteria(content.criteria)
    meaning = meanings(version, criteria, content.new_meaning)
    asked = [CriterionRevision(meaning=meaning[values["key"]], **values) for values in criteria]
    return version, asked


def _refuse_edit(version: RubricVersion) -> None:
    now = RubricVersion.objects.filter(pk=version.pk).first()
    if now is None:
        raise Discarded("Someone else has just discarded this draft. Save again to put yours into a new one.")
    if now.stage == Stage.FROZEN:
        raise Frozen("This version has been frozen in the meantime. Start a new draft.")
    raise EditConflict("Someone else has saved this draft since you opened it.", edit=now.edit)


def _write_criteria(
    version: RubricVersion, criteria: Sequence[dict[str, Any]], declared: frozenset[str] = frozenset()
) -> None:
    """What nobody has answered yet cannot be declared to ask something else."""
    meaning, known = meanings(version, criteria, declared), _earlier(version)[0]
    CriterionRevision.objects.bulk_create(
        CriterionRevision(
            version=version,
            position=position,
            meaning=meaning[values["key"]],
            new_meaning=values["key"] in declared & known.keys(),
            **values,
        )
        for position, values in enumerate(criteria)
    )


def meanings(
    version: RubricVersion, criteria: Sequence[dict[str, Any]], declared: frozenset[str] = frozenset()
) -> dict[str, int]:
    """The meaning number of each criterion, compared with the frozen versions before this one."""
    newest, highest = _earlier(version)
    found = {}
    for values in criteria:
        base = newest.get(values["key"])
        same = base is not None and values["key"] not in declared and is_wording(base, values)
        found[values["key"]] = base.meaning if base and same else highest.get(values["key"], 0) + 1
    return found


def declared(version: RubricVersion) -> frozenset[str]:
    """The criteria of a draft that were saved as asking something else, whatever else of them changed."""
    if version.stage != Stage.DRAFT:
        return frozenset()
    return frozenset(version.criteria.filter(new_meaning=True).values_list("key", flat=True))


def _earlier(version: RubricVersion) -> tuple[dict[str, CriterionRevision], dict[str, int]]:
    """By key, the criterion of the newest frozen version that has it, and its highest meaning number."""
    newest: dict[str, CriterionRevision] = {}
    highest: dict[str, int] = {}
    for each in _frozen_criteria(version):
        newest[each.key] = each
        highest[each.key] = max(highest.get(each.key, 0), each.meaning)
    return newest, highest


def _frozen_criteria(version: RubricVersion) -> QuerySet[CriterionRevision]:
    """Those of all frozen versions of its rubric, the newest last."""
    frozen = CriterionRevision.objects.filter(version__rubric=version.rubric_id, version__stage=Stage.FROZEN)
    return frozen.order_by("version__number")


def _asked(criterion: CriterionRevision) -> dict[str, Any]:
    """What an editor holds of it: without its place, its meaning number, and marks that have no effect."""
    told = {name: getattr(criterion, name) for name in COPIED if name not in ("meaning", "position")}
    return told | {"critical": criterion.is_critical, "weight": criterion.weight if criterion.weighs else 1.0}


def is_wording(base: CriterionRevision, values: Mapping[str, Any]) -> bool:
    """Whether only words differ: the same kind of answer, asked at the same time, of the same values."""
    if [option["value"] for option in base.options] != [option["value"] for option in values["options"]]:
        return False
    asked = [name for name in values if name not in WORDING | {"key", "options", "critical"}]
    same = all(getattr(base, name) == values[name] for name in asked)
    return same and base.is_critical == values["critical"]


def freeze(version: RubricVersion, by: str = "", edit: int | None = None) -> RubricVersion:
    """From now on labels can be made under it; it never changes. Raises EditConflict, Frozen, Discarded."""
    read = RubricVersion.objects.filter(pk=version.pk, stage=Stage.DRAFT)
    if edit is not None:
        read = read.filter(edit=edit)
    if not read.update(stage=Stage.FROZEN, frozen_at=Now(), created_by=by or F("created_by")):
        _refuse_edit(version)
    version.refresh_from_db()
    return version


@transaction.atomic
def publish(rubric: Rubric, content: Content, by: str = "") -> RubricVersion:
    """A new frozen version in one step, as the API makes it. A draft that someone edits stays untouched."""
    Rubric.objects.select_for_update(no_key=True).get(pk=rubric.pk)
    if rubric.versions.filter(stage=Stage.DRAFT).exists():
        raise EditConflict("Someone is editing a draft of this rubric. Freeze or discard it first.", edit=0)
    draft = _begin_draft(rubric, by)
    return freeze(save_draft(draft, draft.edit, content), by)


@transaction.atomic
def discard(version: RubricVersion) -> None:
    """Throw a draft away; one that is the rubric's only version stays."""
    if version.stage != Stage.DRAFT or not version.rubric.versions.frozen().exists():
        raise Frozen("Only a draft that follows an earlier version can be discarded.")
    CriterionRevision.objects.filter(version=version).delete()
    version.delete()
