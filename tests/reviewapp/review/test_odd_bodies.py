"""What no query can hold is refused with its field."""

from __future__ import annotations

import json


def test_a_name_that_no_query_can_hold_is_nobodys(api):
    sent = {"slug": "nul", "assignees": ["a\x00b"]}
    refused = api("admin").post("/api/v1/queues", json.dumps(sent), content_type="application/json")
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "assignees"
