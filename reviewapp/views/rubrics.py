"""Rubrics: the list, one with its versions, the editor of a draft, the diff of two versions. For leads."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Count, Max, Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from reviewapp.access import MemberRequest, session
from reviewapp.models import Role
from reviewapp.review import editing, editor, flags, merging, presets, rubric_changes, rubrics
from reviewapp.review.editor import Form
from reviewapp.review.editor_page import Page
from reviewapp.review.forms import RubricForm
from reviewapp.review.merging import Difference
from reviewapp.review.models import CriterionRevision, CriterionType, Rubric, RubricVersion, Shown, Stage
from reviewapp.review.refusals import EditConflict, Invalid, Refusal

MOST_FLAGS = 50
# Of a choice between one's own form and the saved draft: its fields, and the buttons that make it.
SIDE, SETTLES = "side:", {"choose", "save", "freeze"}


@session(Role.LEAD)
@never_cache
def rubric_list(request: MemberRequest) -> HttpResponse:
    form = RubricForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        cleaned = form.cleaned_data
        template = presets.BY_SLUG[cleaned["template"]]
        try:
            made = rubrics.create(
                request.project, template, cleaned["slug"], cleaned["name"], request.user.username
            )
            return redirect("edit_rubric", request.project.slug, made.slug)
        except Invalid as refusal:
            form.add_error("slug", refusal.detail)
    frozen = Q(versions__stage=Stage.FROZEN)
    listed = request.project.rubrics.annotate(
        newest=Max("versions__number", filter=frozen),
        drafts=Count("versions", filter=~frozen, distinct=True),
        queues=Count("versions__queues", distinct=True),
    ).order_by("name")
    context = {"rubrics": listed, "form": form, "templates": presets.TEMPLATES}
    return render(request, "rubrics/list.html", context, status=422 if form.errors else 200)


@session(Role.LEAD)
@never_cache
@require_safe
def rubric(request: MemberRequest, rubric: str) -> HttpResponse:
    found = rubric_or_404(request, rubric)
    versions = list(
        found.versions.annotate(
            asked=Count("criteria", distinct=True), queue_count=Count("queues", distinct=True)
        ).order_by("-number")
    )
    shown = chosen(versions, request.GET.get("version", ""))
    criteria = shown.criteria.order_by("position", "pk") if shown else []
    context = {
        "rubric": found,
        "versions": versions,
        "version": shown,
        "criteria": criteria,
        "flags": flags.on_rubric(found)[:MOST_FLAGS],
    }
    return render(request, "rubrics/rubric.html", context)


def chosen(versions: list[RubricVersion], number: str) -> RubricVersion | None:
    named = next((version for version in versions if str(version.number) == number), None)
    frozen = next((version for version in versions if version.stage == Stage.FROZEN), None)
    return named or frozen or next(iter(versions), None)


@session(Role.LEAD)
@never_cache
def edit_rubric(request: MemberRequest, rubric: str) -> HttpResponse:
    found = rubric_or_404(request, rubric)
    if request.method == "POST":
        form = editor.of_post(request.POST)
        if again := settle(request, found, form):
            return shown_editor(request, found, form, again)
        return step(request, found, form)
    draft = rubrics.open_draft(found)
    base = draft or rubrics.latest(found)
    form = editor.of_version(base) if base else Form()
    form.edit = draft.edit if draft else 1
    if draft is None:
        # What changed in the last version is not what changes in this one.
        form.changelog = ""
    return shown_editor(request, found, form)


def settle(request: MemberRequest, rubric: Rubric, form: Form) -> EditConflict | None:
    """Put what was chosen between the form and the saved draft into the form.

    If that is no longer the draft which was shown, there is something else to choose; saving finds that out
    by itself.
    """
    draft = rubrics.open_draft(rubric)
    if draft is None or not SETTLES & request.POST.keys():
        return None
    if draft.edit == form.edit:
        merging.take(form, editor.of_version(draft), sides(request)[1])
    elif "choose" in request.POST:
        form.edit = draft.edit
        return EditConflict("Someone else has saved this draft once more.", edit=draft.edit)
    return None


def sides(request: MemberRequest) -> tuple[bool, set[str]]:
    """Whether there is something to choose in the form, and the paths of which theirs is chosen."""
    named = {name: value for name, value in request.POST.items() if name.startswith(SIDE)}
    return bool(named), {name.removeprefix(SIDE) for name, value in named.items() if value == "theirs"}


def step(request: MemberRequest, rubric: Rubric, form: Form) -> HttpResponse:
    """One step of editing; which button it was says which."""
    if "preview" in request.POST:
        return previewed(request, rubric, form)
    if "save" in request.POST or "freeze" in request.POST:
        return saved(request, rubric, form)
    return shown_editor(request, rubric, form, near=editing.step(form, request.POST))


def previewed(request: MemberRequest, rubric: Rubric, form: Form) -> HttpResponse:
    """What reviewers would be asked by the form in its present state; nothing is stored."""
    try:
        preview = rubrics.preview(rubric, editor.content(form, rubrics.latest(rubric)))
    except Invalid as refusal:
        return shown_editor(request, rubric, form, refusal)
    return shown_editor(request, rubric, form, preview=preview)


def saved(request: MemberRequest, rubric: Rubric, form: Form) -> HttpResponse:
    try:
        draft = rubrics.draft_of(rubric, request.user.username)
        kept = rubrics.save_draft(draft, form.edit, editor.content(form, rubrics.latest(rubric)))
        if "freeze" in request.POST:
            rubrics.freeze(kept, request.user.username, kept.edit)
    except Refusal as refusal:
        if isinstance(refusal, EditConflict):
            # Told what happened, one may save over it.
            form.edit = refusal.edit
        return shown_editor(request, rubric, form, refusal)
    if "freeze" not in request.POST:
        messages.success(request, "The draft is saved.")
        return redirect("edit_rubric", request.project.slug, rubric.slug)
    messages.success(
        request, f"Version {kept.number} is frozen. Queues keep the version they have until you move them."
    )
    return redirect("rubric", request.project.slug, rubric.slug)


def shown_editor(
    request: MemberRequest,
    rubric: Rubric,
    form: Form,
    refusal: Refusal | None = None,
    preview: tuple[RubricVersion, list[CriterionRevision]] | None = None,
    near: str = "",
) -> HttpResponse:
    """`near` is the id of the control that has the focus; its criterion stays open."""
    errors = editor.errors_by_row(form, refusal.errors if isinstance(refusal, Invalid) else [])
    draft = rubrics.open_draft(rubric)
    context = {
        "rubric": rubric,
        "draft": draft,
        "form": form,
        "page": Page(form, errors, near),
        "types": CriterionType.choices,
        "shown": Shown.choices,
        "refusal": refusal,
        "differences": still_to_choose(request, form, draft, refusal),
        "other_errors": errors.get("other", []),
        "base": rubrics.latest(rubric),
        "flags": flags.on_rubric(rubric)[:MOST_FLAGS],
        "preview": preview,
        "near": near,
    }
    template = "rubrics/_editor.html" if request.htmx else "rubrics/editor.html"
    return render(request, template, context, status=refusal.status if refusal and not request.htmx else 200)


def still_to_choose(
    request: MemberRequest, form: Form, draft: RubricVersion | None, refusal: Refusal | None
) -> list[Difference]:
    """Where the form and the saved draft differ, from the conflict on until it is settled."""
    has_sides, taken = sides(request)
    is_open = has_sides and not SETTLES & request.POST.keys()
    if draft is None or not (is_open or isinstance(refusal, EditConflict)):
        return []
    return merging.differences(form, editor.of_version(draft), taken)


@session(Role.LEAD)
@require_POST
def discard_draft(request: MemberRequest, rubric: str) -> HttpResponse:
    found = rubric_or_404(request, rubric)
    draft = found.versions.filter(stage=Stage.DRAFT).first()
    try:
        if draft is not None:
            rubrics.discard(draft)
            messages.success(request, "The draft is discarded.")
    except Refusal as refusal:
        messages.error(request, refusal.detail)
    return redirect("rubric", request.project.slug, found.slug)


@session(Role.LEAD)
@never_cache
@require_safe
def rubric_diff(request: MemberRequest, rubric: str) -> HttpResponse:
    found = rubric_or_404(request, rubric)
    versions = list(found.versions.order_by("number"))
    by_number = {str(version.number): version for version in versions}
    new = by_number.get(request.GET.get("to", "")) or (versions[-1] if versions else None)
    if new is None:
        raise Http404
    before = [version for version in versions if version.number < new.number]
    old = by_number.get(request.GET.get("from", "")) or (before[-1] if before else new)
    context = {
        "rubric": found,
        "versions": versions,
        "old": old,
        "new": new,
        "changes": rubric_changes.diff(old, new),
    }
    return render(request, "rubrics/diff.html", context)


def rubric_or_404(request: MemberRequest, slug: str) -> Rubric:
    return get_object_or_404(Rubric, project=request.project, slug=slug)
