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
from reviewapp.review import editing, editor, flags, merging, presets, reconciling, rubric_changes, rubrics
from reviewapp.review.editor import Form
from reviewapp.review.editor_page import Page
from reviewapp.review.forms import RubricForm
from reviewapp.review.models import CriterionRevision, CriterionType, Rubric, RubricVersion, Shown, Stage
from reviewapp.review.reconciling import Reconciled
from reviewapp.review.refusals import EditConflict, Invalid, Refusal

MOST_FLAGS = 50
# Of a choice between one's own form and the saved draft: the field that names its path, and the one chosen.
ASKED, SIDE = "asked", "side:"


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
        return step(request, found, editor.of_post(request.POST))
    draft, latest = rubrics.open_draft(found), rubrics.latest(found)
    base = draft or latest
    form = editor.of_version(base) if base else Form()
    form.edit = draft.edit if draft else 1
    if draft is None:
        # What changed in the last version is not what changes in this one.
        form.changelog = ""
    number = draft.number if draft else latest.number + 1 if latest else 1
    form.opened = reconciling.opened(form, number)
    return shown_editor(request, found, form)


def step(request: MemberRequest, rubric: Rubric, form: Form) -> HttpResponse:
    """One step of editing; which button it was says which."""
    if "preview" in request.POST:
        return previewed(request, rubric, form)
    if "save" in request.POST or "freeze" in request.POST:
        return saved(request, rubric, form)
    if "choose" in request.POST:
        return chosen_in_form(request, rubric, form)
    near = editing.step(form, request.POST)
    return shown_editor(request, rubric, form, near=near, reconciled=still_asked(request, rubric, form))


def previewed(request: MemberRequest, rubric: Rubric, form: Form) -> HttpResponse:
    """What reviewers would be asked by the form in its present state; nothing is stored."""
    asked = still_asked(request, rubric, form)
    try:
        preview = rubrics.preview(rubric, editor.content(form, rubrics.latest(rubric)))
    except Invalid as refusal:
        return shown_editor(request, rubric, form, refusal, reconciled=asked)
    return shown_editor(request, rubric, form, preview=preview, reconciled=asked)


def still_asked(request: MemberRequest, rubric: Rubric, form: Form) -> Reconciled:
    """What the form asks to choose, as long as it differs from the saved draft, and what is chosen of it."""
    draft, paths = rubrics.open_draft(rubric), request.POST.getlist(ASKED)
    if draft is None or not paths:
        return Reconciled()
    named = {name.removeprefix(SIDE): side for name, side in request.POST.items() if name.startswith(SIDE)}
    sides = {path: side for path, side in named.items() if side in (merging.MINE, merging.THEIRS)}
    return Reconciled(asked=merging.asked(form, editor.of_version(draft), paths, sides))


def chosen_in_form(request: MemberRequest, rubric: Rubric, form: Form) -> HttpResponse:
    """The form with what was chosen so far; nothing is saved."""
    draft = rubrics.open_draft(rubric)
    if draft is None:
        return shown_editor(request, rubric, form)
    if not reconciling.is_current(form, draft):
        told = reconciling.reconcile(form, draft, request.POST.getlist(ASKED))
        refusal = EditConflict("Someone else has saved this draft once more.", edit=draft.edit)
        return shown_editor(request, rubric, form, refusal, reconciled=told)
    left = reconciling.put_chosen(form, draft, still_asked(request, rubric, form).asked)
    return shown_editor(request, rubric, form, reconciled=Reconciled(asked=left))


def saved(request: MemberRequest, rubric: Rubric, form: Form) -> HttpResponse:
    """Save the form, or say why not. What goes together with another's draft by itself is saved at once, but
    frozen only when its editor has seen it."""
    freezes, told = "freeze" in request.POST, still_asked(request, rubric, form)
    draft = rubrics.draft_of(rubric, request.user.username)
    try:
        if reconciling.is_current(form, draft):
            reconciling.settle(form, draft, told.asked)
            told = Reconciled()
        else:
            told = reconciling.reconcile(form, draft, request.POST.getlist(ASKED))
            if told.asked or (told.taken and freezes):
                raise EditConflict("Someone else has saved this draft since you opened it.", edit=draft.edit)
        kept = rubrics.save_draft(draft, form.edit, editor.content(form, rubrics.latest(rubric)))
        if freezes:
            rubrics.freeze(kept, request.user.username, kept.edit)
    except Refusal as refusal:
        if isinstance(refusal, EditConflict) and refusal.edit != draft.edit:
            # At this very moment someone else was faster, and may have discarded it since.
            now = rubrics.open_draft(rubric)
            told = reconciling.reconcile(form, now, ()) if now else Reconciled()
        return shown_editor(request, rubric, form, refusal, reconciled=told)
    return went_on(request, rubric, kept, told)


def went_on(
    request: MemberRequest, rubric: Rubric, kept: RubricVersion, reconciled: Reconciled
) -> HttpResponse:
    if "freeze" in request.POST:
        words = f"Version {kept.number} is frozen. Queues keep the version they have until you move them."
        messages.success(request, words)
        return redirect("rubric", request.project.slug, rubric.slug)
    meanwhile = f" With it what someone else had changed meanwhile: {reconciled.named}."
    messages.success(request, f"The draft is saved.{meanwhile if reconciled.taken else ''}")
    return redirect("edit_rubric", request.project.slug, rubric.slug)


def shown_editor(
    request: MemberRequest,
    rubric: Rubric,
    form: Form,
    refusal: Refusal | None = None,
    preview: tuple[RubricVersion, list[CriterionRevision]] | None = None,
    near: str = "",
    reconciled: Reconciled | None = None,
) -> HttpResponse:
    """`near` is the id of the control that has the focus; its criterion stays open."""
    errors = editor.errors_by_row(form, refusal.errors if isinstance(refusal, Invalid) else [])
    context = {
        "rubric": rubric,
        "draft": rubrics.open_draft(rubric),
        "form": form,
        "page": Page(form, errors, near),
        "types": CriterionType.choices,
        "shown": Shown.choices,
        "refusal": refusal,
        "reconciled": reconciled,
        "differences": reconciled.asked if reconciled else [],
        "other_errors": errors.get("other", []),
        "base": rubrics.latest(rubric),
        "flags": flags.on_rubric(rubric)[:MOST_FLAGS],
        "preview": preview,
        "near": near,
    }
    template = "rubrics/_editor.html" if request.htmx else "rubrics/editor.html"
    return render(request, template, context, status=refusal.status if refusal and not request.htmx else 200)


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
