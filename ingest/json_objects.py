"""What is a JSON object in this code, and how does a value become a JSON answer?"""

from __future__ import annotations

from typing import Any

import msgspec
from django.http import HttpResponse

from ingest.documents import JSON

Json = dict[str, Any]


def json_response(value: Any, status: int = 200) -> HttpResponse:
    """`value` may be anything msgspec encodes: dicts, lists, structs, dataclasses, dates."""
    return HttpResponse(msgspec.json.encode(value), status=status, content_type=JSON)
