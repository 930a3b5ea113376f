"""What is masked in this project before it is stored? The policy, a try on pasted text, the counters."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from ingest.problems import Problem
from ingest.redaction import counting, policies
from ingest.redaction.masking import Preview, Redactor
from reviewapp.access import MemberRequest, session
from reviewapp.doors.forms import MOST_TYPED, RedactionForm
from reviewapp.models import Role


@session(Role.LEAD)
@never_cache
@require_safe
def redaction(request: MemberRequest) -> HttpResponse:
    return shown(request, RedactionForm.showing(policies.read(request.project)))


@session(Role.ADMIN)
@never_cache
@require_POST
def save_redaction(request: MemberRequest) -> HttpResponse:
    form = RedactionForm(request.POST)
    if not form.is_valid():
        return shown(request, form)
    policies.save(request.project, form.policy())
    messages.success(
        request, "Saved. It applies to everything that arrives from now on; what is stored is unchanged."
    )
    return redirect("redaction", request.project.slug)


@session(Role.LEAD)
@never_cache
@sensitive_post_parameters("sample")
@require_POST
def preview_redaction(request: MemberRequest) -> HttpResponse:
    """The pasted text as it would be stored. Admins try the policy as set in the form."""
    form = RedactionForm(request.POST)
    if not may_edit(request):
        policy = policies.read(request.project)
        form = RedactionForm.showing(policy)
    elif form.is_valid():
        policy = form.policy()
    else:
        return shown(request, form, request.POST.get("sample", ""))
    redactor = Redactor(policy, policies.key_of(request.project), policies.hooks())
    sample = request.POST.get("sample", "")[:MOST_TYPED]
    try:
        return shown(request, form, sample, redactor.preview(sample))
    except Problem as problem:
        messages.error(request, problem.detail)
        return shown(request, form, sample)


def shown(
    request: MemberRequest, form: RedactionForm, sample: str = "", preview: Preview | None = None
) -> HttpResponse:
    editable = may_edit(request)
    for field in form.fields.values():
        field.disabled = field.disabled or not editable
    context = {
        "form": form,
        "editable": editable,
        "sample": sample,
        "preview": preview,
        "counted": counting.summary(request.project),
        "hooks": len(policies.hook_paths()),
        "most": MOST_TYPED,
        "delay": int(policies.CACHE_SECONDS),
    }
    status = 422 if form.is_bound and form.errors else 200
    return render(request, "redaction/redaction.html", context, status=status)


def may_edit(request: MemberRequest) -> bool:
    return Role(request.membership.role).allows(Role.ADMIN)
