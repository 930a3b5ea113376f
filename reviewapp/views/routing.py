"""Which traces people review: list, try, save, order and switch off the rules of the queues. For leads."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from ingest.routing import rehearsal, rules
from ingest.routing.conditions import Refused
from ingest.routing.models import RoutingRule
from ingest.routing.rehearsal import Rehearsal
from reviewapp.access import MemberRequest, session
from reviewapp.models import Role
from reviewapp.routing import rule_form, rule_list
from reviewapp.routing.rule_form import Draft


@session(Role.LEAD)
@never_cache
@require_safe
def routing(request: MemberRequest) -> HttpResponse:
    queues = rule_list.of_project(request.project)
    context = {"queues": queues, "takes_drawn": rule_list.takes_drawn(queues)}
    return render(request, "routing/routing.html", context)


@session(Role.LEAD)
@never_cache
def new_rule(request: MemberRequest) -> HttpResponse:
    if request.method == "POST":
        return edited(request, None)
    draft = Draft(queue=rule_form.of_post(request.GET).queue)
    return editor(request, None, draft)


@session(Role.LEAD)
@never_cache
def rule(request: MemberRequest, pk: int) -> HttpResponse:
    found = rule_or_404(request, pk)
    if request.method == "POST":
        return edited(request, found)
    return editor(request, found, rule_form.of_rule(found))


def edited(request: MemberRequest, stored: RoutingRule | None) -> HttpResponse:
    """One step of editing; which button it was says which."""
    draft = rule_form.of_post(request.POST)
    if "add" in request.POST:
        draft.add(request.POST.get("new-condition", ""))
        return editor(request, stored, draft)
    if "remove" in request.POST:
        draft.remove(request.POST["remove"])
        return editor(request, stored, draft)
    try:
        asked = draft.rule(request.project, stored)
        if "try" in request.POST:
            return editor(request, stored, draft, rehearsal.rehearse(rules.checked(asked)))
        saved = rules.save(asked)
    except Refused as refused:
        draft.errors[""] = str(refused)
        return editor(request, stored, draft)
    messages.success(request, f"“{saved.name}” is saved. It applies to traces that settle from now on.")
    return redirect("routing", request.project.slug)


def editor(
    request: MemberRequest, stored: RoutingRule | None, draft: Draft, tried: Rehearsal | None = None
) -> HttpResponse:
    context = {
        "stored": stored,
        "draft": draft,
        "rows": draft.rows(),
        "error": draft.errors.get("", ""),
        "tried": tried,
        "queues": rule_form.queue_choices(request.project, draft.queue),
        "conditions": rule_form.condition_choices(),
    }
    template = "routing/_editor.html" if getattr(request, "htmx", False) else "routing/rule.html"
    return render(request, template, context, status=422 if draft.errors else 200)


@session(Role.LEAD)
@require_POST
def move_rule(request: MemberRequest, pk: int) -> HttpResponse:
    rules.move(rule_or_404(request, pk), -1 if request.POST.get("to") == "up" else 1)
    return redirect("routing", request.project.slug)


@session(Role.LEAD)
@require_POST
def switch_rule(request: MemberRequest, pk: int) -> HttpResponse:
    found = rule_or_404(request, pk)
    rules.enable(found, request.POST.get("enabled") == "1")
    messages.success(request, f"“{found.name}” is switched {'on' if found.enabled else 'off'}.")
    return redirect("routing", request.project.slug)


@session(Role.LEAD)
@require_POST
def delete_rule(request: MemberRequest, pk: int) -> HttpResponse:
    found = rule_or_404(request, pk)
    found.delete()
    messages.success(request, f"“{found.name}” is deleted. What it has routed stays in its queue.")
    return redirect("routing", request.project.slug)


@session(Role.LEAD)
@require_POST
def add_default_rules(request: MemberRequest) -> HttpResponse:
    rules.create_default_rules(request.project)
    messages.success(request, "The starter rules are added: change what does not fit.")
    return redirect("routing", request.project.slug)


def rule_or_404(request: MemberRequest, pk: int) -> RoutingRule:
    return get_object_or_404(RoutingRule.objects.select_related("project"), pk=pk, project=request.project)
