"""What is a JSON object to this floor, and how does one become an answer of the API?"""

from __future__ import annotations

from typing import Any

import msgspec
from django.http import HttpResponse

from ingest.documents import JSON

Json = dict[str, Any]


def json(value: Any, status: int = 200) -> HttpResponse:
    return HttpResponse(msgspec.json.encode(value), status=status, content_type=JSON)
