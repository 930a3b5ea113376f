"""Is each counter of the queues what a recount says?"""

from __future__ import annotations

from django.http import HttpResponse

from ingest import openapi
from ingest.api import READ, api
from ingest.json_objects import json_response
from ingest.models import Scope
from ingest.tokens import TokenAuth, TokenRequest
from reviewapp.review import counters, shapes
from reviewapp.review.api import door


@api.api_operation(
    READ, "/audit/counters", auth=TokenAuth(Scope.ADMIN), tags=door.TAG, summary="Counters and recounts",
    openapi_extra=openapi.answer(shapes.CountersTold, refusals=openapi.READ_REFUSALS),
)  # fmt: skip
def audit_counters(request: TokenRequest) -> HttpResponse:
    """Each counter that is shown of the queues beside its recount from labels and leases, at one moment."""
    found = counters.audit(request.caller.project)
    told = [shapes.CounterTold(each.name, each.shown, each.recount) for each in found]
    return json_response(shapes.CountersTold(all(each.shown == each.recount for each in found), told))
