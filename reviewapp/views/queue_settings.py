"""Create a queue and change its settings, pause, archive, move it to another rubric version. For leads."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from reviewapp.access import MemberRequest, session
from reviewapp.models import Role
from reviewapp.review import items, pairs, queues, rubrics
from reviewapp.review.forms import PairsForm, QueueForm, initial_of
from reviewapp.review.models import ItemKind, Queue, RubricVersion
from reviewapp.review.refusals import Invalid


@session(Role.LEAD)
@never_cache
def new_queue(request: MemberRequest) -> HttpResponse:
    rubrics.create_starter(request.project)
    form = QueueForm(request.project, None, request.POST or None, initial={"slug": request.GET.get("slug")})
    if request.method == "POST" and form.is_valid():
        try:
            queue = made(request, form)
            messages.success(request, f"The queue “{queue.name}” is created. Rules or people fill it.")
            return redirect("queue_settings", request.project.slug, queue.slug)
        except Invalid as refusal:
            add_errors(form, refusal)
    return edited(request, form, None)


def made(request: MemberRequest, form: QueueForm) -> Queue:
    cleaned = form.cleaned_data
    return queues.create(
        request.project,
        cleaned["slug"],
        kind=cleaned["kind"],
        rubric_version=cleaned["rubric_version"],
        **form.settings(),
    )


@session(Role.LEAD)
@never_cache
def queue_settings(request: MemberRequest, queue: str) -> HttpResponse:
    found = queue_or_404(request, queue)
    form = QueueForm(request.project, found, request.POST or None, initial=initial_of(found))
    if request.method == "POST" and form.is_valid():
        try:
            changed(request, found, form)
            return redirect("queue_settings", request.project.slug, found.slug)
        except Invalid as refusal:
            add_errors(form, refusal)
    return edited(request, form, found)


def changed(request: MemberRequest, queue: Queue, form: QueueForm) -> None:
    version, takes_along = form.cleaned_data["rubric_version"], form.cleaned_data["move_open"]
    kept = queues.change(queue, **form.settings())
    if version != queue.rubric_version or takes_along:
        moved = queues.move(kept, version, open_items=takes_along)
        messages.success(request, moved_words(kept, version, moved))
    messages.success(request, "The settings are saved.")


def moved_words(queue: Queue, version: RubricVersion, moved: int) -> str:
    """What is asked from now on, and what happened to the items that are open."""
    name = f"{version.rubric.name} v{version.number}"
    words = f"New items ask from {name}; {moved} waiting {'item' if moved == 1 else 'items'} moved to it."
    stayed = queues.asked_otherwise(queue, version)
    if stayed:
        words += f" {stayed} open {'item still asks' if stayed == 1 else 'items still ask'} from another."
    return words


def edited(
    request: MemberRequest, form: QueueForm, queue: Queue | None, paired: PairsForm | None = None
) -> HttpResponse:
    """The page with what could not be taken; `paired` are the pairs that were to be added."""
    is_refused = form.errors or (paired is not None and paired.errors)
    context = {
        "form": form,
        "queue": queue,
        "counts": queues.counts(request.project)[queue.pk] if queue else None,
        "reviewers": items.reviewers_of(queue) if queue else None,
        "pairs_form": paired or PairsForm() if queue and queue.kind == ItemKind.PAIR else None,
        "win_rates": pairs.win_rates(queue) if queue and queue.kind == ItemKind.PAIR else [],
    }
    return render(request, "queue_settings/settings.html", context, status=422 if is_refused else 200)


def add_errors(form: QueueForm, refusal: Invalid) -> None:
    for error in refusal.errors:
        name = str(error["field"])
        form.add_error(name if name in form.fields else None, f"{error['error']}.".capitalize())


@session(Role.LEAD)
@require_POST
def archive_queue(request: MemberRequest, queue: str) -> HttpResponse:
    """Archive, or bring back."""
    found = queue_or_404(request, queue)
    if found.archived_at:
        queues.restore(found)
        messages.success(request, "The queue is back; traces routed to it in the meantime are added now.")
    else:
        queues.archive(found)
        messages.success(request, "The queue is archived. Its labels are kept; nothing is added.")
    return redirect("queue_settings", request.project.slug, found.slug)


def queue_or_404(request: MemberRequest, slug: str) -> Queue:
    found = queues.find(request.project, slug)
    if found is None:
        raise Http404
    return found
