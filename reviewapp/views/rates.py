"""How much is drawn for audit and for judges, per stratum, and what that yields. For leads."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.forms import Form
from django.http import Http404, HttpResponse
from django.http.request import QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from ingest import rates as sampled
from reviewapp.access import MemberRequest, session
from reviewapp.models import Role
from reviewapp.review import response
from reviewapp.routing.rate_form import BoostForm, RateForm, StratumForm

STRATA_A_PAGE = 50
ROWS_A_PAGE = 20


@session(Role.LEAD)
@never_cache
@require_safe
def rates(request: MemberRequest) -> HttpResponse:
    strata = sampled.strata(request.project)
    page = Paginator(strata, STRATA_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "labels_a_day": sum(stratum.effect.labels_a_day for stratum in strata),
        "judged_a_day": sum(stratum.effect.judged_a_day for stratum in strata),
        "responses": response.by_stratum(request.project),
        "history": sampled.history(request.project)[:ROWS_A_PAGE],
    }
    return render(request, "rates/rates.html", context)


@session(Role.LEAD)
@never_cache
def rate(request: MemberRequest) -> HttpResponse:
    """The rates of one stratum: their effect as they are typed, and the form to set them."""
    name = stratum_of(request.GET)
    form = RateForm(
        request.POST if request.method == "POST" else request.GET if "audit" in request.GET else None
    )
    if request.method == "POST" and form.is_valid():
        sampled.set_by_hand(
            request.project,
            name,
            *form.shares,
            by=request.user.username,
            reason=form.cleaned_data["reason"],
        )
        messages.success(request, "The rates apply to traces seen from now on.")
        return to_stratum(request, name)
    return shown(request, name, form)


def shown(
    request: MemberRequest, name: str, form: RateForm, boost_form: BoostForm | None = None
) -> HttpResponse:
    stratum = sampled.stratum(request.project, name)
    if not form.is_bound:
        form = RateForm(initial={"audit": percent(stratum.audit), "judge": percent(stratum.judge)})
    shares = form.shares if form.is_bound and form.is_valid() else (stratum.audit, stratum.judge)
    history = sampled.history(request.project).filter(stratum=name)
    context = {
        "stratum": stratum,
        "response": response.by_stratum(request.project).get(name),
        "form": form,
        "boost_form": boost_form or BoostForm(),
        "effect": sampled.effect(stratum.per_day, *shares),
        "suggested": sampled.suggested(stratum.per_day),
        "page": Paginator(history, ROWS_A_PAGE).get_page(request.GET.get("page")),
        "query": f"{urlencode({'stratum': name})}&",
    }
    wrong: list[Form] = [each for each in (form, boost_form) if each is not None and each.errors]
    if request.htmx.target == "effect":
        return render(request, "rates/_effect.html", context)
    return render(request, "rates/rate.html", context, status=422 if wrong else 200)


@session(Role.LEAD)
@require_POST
def boost(request: MemberRequest) -> HttpResponse:
    name, form = stratum_of(request.GET), BoostForm(request.POST)
    if form.is_valid():
        try:
            given = form.cleaned_data
            sampled.boost(
                request.project,
                name,
                given["factor"],
                given["hours"],
                by=request.user.username,
                reason=given["why"],
            )
            messages.success(request, "The boost is active from now on and ends automatically.")
            return to_stratum(request, name)
        except sampled.Refused as refused:
            form.add_error(None, str(refused))
    return shown(request, name, RateForm(), form)


@session(Role.LEAD)
@require_POST
def hand_back(request: MemberRequest) -> HttpResponse:
    name = stratum_of(request.GET)
    sampled.hand_back(request.project, name, by=request.user.username)
    messages.success(request, "The rate follows the volume again.")
    return to_stratum(request, name)


def stratum_of(data: QueryDict) -> str:
    form = StratumForm(data)
    if not form.is_valid():
        raise Http404
    name: str = form.cleaned_data["stratum"]
    return name


def to_stratum(request: MemberRequest, name: str) -> HttpResponse:
    return redirect(f"{reverse('rate', args=[request.project.slug])}?{urlencode({'stratum': name})}")


def percent(share: float) -> float:
    return round(share * 100, 4)
