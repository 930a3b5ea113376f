"""The trace explorer: the list, its chart and menus, and the page of one trace. For every member."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from ingest import traces as documents
from ingest import withholding
from ingest.filters import Refused
from ingest.models import Trace
from reviewapp.access import MemberRequest, session
from reviewapp.models import Role
from reviewapp.review import blindness
from reviewapp.screen import queue_list
from reviewapp.traces import asked as asking
from reviewapp.traces import columns, explorer, filter_bar, trace_page
from reviewapp.traces.asked import Asked
from reviewapp.traces.explorer import Listing

# Fields of the filter form, which tell their errors beside themselves.
INLINE_ERRORS = ("from", "to", "session_id", "user_id", "prompt_name", "provider")


def ask(request: MemberRequest) -> Asked:
    """What the address asks for, without a way to the scores of what this member judges blind."""
    return asking.unseen(asking.ask(request.GET), blindness.hidden_traces(request.membership))


@session(Role.REVIEWER)
@never_cache
@require_safe
def traces(request: MemberRequest) -> HttpResponse:
    asked = ask(request)
    listing = None
    if not asked.errors:
        try:
            cursors = request.GET.get("older", ""), request.GET.get("newer", "")
            listing = explorer.listing(request.project, asked, *cursors, member=request.membership)
        except Refused:
            # A cursor of another list or of an old key: the newest page of this one.
            return redirect(f"{request.path}?{asked.query()}")
    if listing and not listing.rows and not asked.params:
        return redirect("project", request.project.slug)
    template = "traces/_list.html" if request.htmx.target == "traces" else "traces/list.html"
    return render(
        request, template, list_context(request, asked, listing), status=422 if asked.errors else 200
    )


def list_context(request: MemberRequest, asked: Asked, listing: Listing | None) -> dict[str, Any]:
    return {
        "asked": asked,
        "query": asked.query(),
        "without_words": asked.query(q=""),
        "chips": filter_bar.chips(asked),
        "listing": listing,
        "quick": filter_bar.QUICK_LABELS,
        "inline": INLINE_ERRORS,
        "ranges": asking.RANGES,
        "chosen_range": filter_bar.words_of("range", asked.params.get("range", "")),
        "columns": columns.shown(request.user),
        "numbers": columns.NUMBERS,
        "offered": columns.offered(request.user),
        "queues": queue_list.to_add_to(request.membership),
    }


@session(Role.REVIEWER)
@never_cache
@require_safe
def trace_volume(request: MemberRequest) -> HttpResponse:
    """The chart of the list; it comes after the list, which must not wait for it."""
    asked = ask(request)
    volume = None if asked.errors else explorer.volume(request.project, asked, request.membership)
    template = "traces/_volume.html" if request.htmx else "traces/volume.html"
    return render(request, template, {"asked": asked, "volume": volume})


@session(Role.REVIEWER)
@never_cache
@require_safe
def trace_values(request: MemberRequest) -> HttpResponse:
    """The values one filter can take, for its menu."""
    name = request.GET.get("field", "")
    if name not in filter_bar.QUICK_LABELS:
        raise Http404
    asked, hidden = ask(request), blindness.hidden_traces(request.membership)
    context = {
        "asked": asked,
        "name": name,
        "label": filter_bar.QUICK_LABELS[name],
        "choices": filter_bar.choices(request.project, asked, name, hidden),
        "is_free": name not in filter_bar.CLOSED,
        "is_counted": name in filter_bar.COUNTED,
        "sampled": filter_bar.SAMPLED_TRACES,
    }
    return render(request, "traces/_values.html" if request.htmx else "traces/values.html", context)


@session(Role.REVIEWER)
@require_POST
def trace_columns(request: MemberRequest) -> HttpResponse:
    chosen = [] if "default" in request.POST else request.POST.getlist("column")
    columns.choose(request.user, chosen)
    query = asking.ask(request.POST).query()
    return redirect(f"{reverse('traces', args=[request.project.slug])}?{query}")


@session(Role.LEAD)
@never_cache
@require_safe
def export_traces(request: MemberRequest) -> StreamingHttpResponse | HttpResponse:
    """Every trace of the filter as one JSON object a line, as the API tells it."""
    asked = ask(request)
    if asked.errors:
        return redirect(f"{reverse('traces', args=[request.project.slug])}?{asked.query()}")
    return StreamingHttpResponse(
        explorer.export(request.project, asked),
        content_type="application/x-ndjson",
        headers={"Content-Disposition": f'attachment; filename="{request.project.slug}-traces.jsonl"'},
    )


@session(Role.REVIEWER)
@never_cache
@require_safe
def trace(request: MemberRequest, trace_id: str) -> HttpResponse:
    asked = ask(request)
    found = trace_page.find(request.project, trace_id)
    if found is None:
        return missing(request, asked, trace_id)
    raw_text, all_spans = request.GET.get("text") == "raw", request.GET.get("spans") == "all"
    page = trace_page.tell(found, request.membership, raw_text=raw_text, all_spans=all_spans)
    newer, older = ("", "") if asked.errors else explorer.neighbours(request.project, asked, found)
    context = {"asked": asked, "page": page, "trace": found, "newer": newer, "older": older}
    return render(request, "traces/trace.html", context | {"raw_text": raw_text, "all_spans": all_spans})


def missing(request: MemberRequest, asked: Asked, trace_id: str) -> HttpResponse:
    return render(request, "traces/missing.html", {"asked": asked, "trace_id": trace_id}, status=404)


@session(Role.REVIEWER)
@never_cache
@require_safe
def trace_json(request: MemberRequest, trace_id: str) -> HttpResponse:
    """The trace exactly as the API tells it, as text."""
    asked = ask(request)
    found = trace_page.find(request.project, trace_id)
    if found is None:
        return missing(request, asked, trace_id)
    told = documents.detail(found)
    if trace_page.is_withheld(found, request.membership):
        told = withholding.blank(told)
    context = {"asked": asked, "trace": found, "document": told}
    return render(request, "traces/json.html", context)


@session(Role.REVIEWER)
@never_cache
@require_safe
def trace_span(request: MemberRequest, trace_id: str) -> HttpResponse:
    """Attributes, events and resource of one span: a part of the tree, or a page of its own."""
    asked = ask(request)
    found: Trace | None = trace_page.find(request.project, trace_id)
    span = trace_page.span_of(found, request.GET.get("span", ""), request.membership) if found else None
    if found is None or span is None:
        return missing(request, asked, trace_id)
    template = "traces/_span.html" if request.htmx else "traces/span.html"
    return render(request, template, {"asked": asked, "trace": found, "span": span})
