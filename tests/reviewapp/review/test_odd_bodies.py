"""What no column can hold is refused with its field, or replaced."""

from __future__ import annotations

import json


def test_characters_that_no_column_keeps_are_refused_or_replaced_never_an_error(api):
    sent = {"slug": "nul", "assignees": ["a\x00b"], "name": "N\x00"}
    refused = api("admin").post("/api/v1/queues", json.dumps(sent), content_type="application/json")
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "assignees"
