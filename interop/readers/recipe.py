"""The recipe of docs/ci.md for pytest: one test a case, known by the id in its brackets."""

import pytest
import served

CASES = list(served.cases().values())


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_golden(case):
    said = served.answer(served.asked(case))
    for check in case["assertions"]:
        assert check["type"] == "exact" and check["value"] == said
