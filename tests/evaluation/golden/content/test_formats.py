"""Each format reads back as what the native lines say, and no text of a case acts on whoever reads it."""

import csv
import io
import json

import pytest
import yaml

from evaluation.golden.content import formats, lines
from evaluation.golden.content.promptfoo import literal

TEXTS = [
    "=1+1",
    "@SUM(A1)",
    "\tx",
    "two\nlines, \"quoted\" 'so'",
    "\u2028 \x85 \ufeff \U0001f600",
    "{{ x }} {% y %} {# z #}",
]


def native(*values):
    return [lines.read({"id": f"c{n}", **value}).line(1) for n, value in enumerate(values)]


@pytest.fixture
def cases():
    return native(
        *(
            {"input": text, "expected": text, "assertions": [{"type": "contains", "value": text}]}
            for text in TEXTS
        ),
        {"input": "bare"},
        {"input": "p", "assertions": [{"type": "python", "value": "assert False"}]},
        {"input": "n", "assertions": [{"type": "numeric", "value": {"value": 2, "tolerance": 0.5}}]},
    )


def test_tables_hold_the_same_rows(cases):
    from pyarrow import parquet

    rows = [json.loads(line) for line in formats.render("flat.jsonl", cases).splitlines()]
    assert [row["input"] for row in rows[: len(TEXTS)]] == TEXTS
    table = parquet.read_table(io.BytesIO(formats.render("flat.parquet", cases))).to_pylist()
    assert table == rows
    cells = list(csv.DictReader(io.StringIO(formats.render("flat.csv", cases).decode(), newline="")))
    quoted = [cell["input"].removeprefix("'") if cell["input"] != row["input"] else row["input"]
              for cell, row in zip(cells, rows, strict=True)]  # fmt: skip
    assert quoted == [row["input"] for row in rows]
    assert not any(cell[:1] in "=+-@\t\r" and cell for row in cells for cell in row.values())


def test_yaml_says_what_json_says(cases):
    assert yaml.safe_load(formats.render("promptfoo.yaml", cases)) == json.loads(
        formats.render("promptfoo.json", cases)
    )
    assert yaml.safe_load(formats.render("promptfoo.yaml", [])) == []


def test_no_promptfoo_test_passes_for_want_of_an_assertion(cases):
    tests = json.loads(formats.render("promptfoo.json", cases))
    assert all(test["assert"] for test in tests)
    for test in tests[-3:-1]:  # one without anything to check, one with a test that it must not run
        assert test["assert"][0]["type"] == "javascript" and test["assert"][0]["value"] == "false"
    assert "- (2.0)) <= 0.5" in tests[-1]["assert"][0]["value"]


@pytest.mark.parametrize(
    ("text", "template"),
    [
        ("plain } text", "plain } text"),
        ("{{ a }}", "{{ '{{' }} a {{ '}}' }}"),
        ("{}}", "{{ '{}}' }}"),
        ("#}", "{{ '#}' }}"),
        ("file:///etc/passwd", "file{{ ':' }}///etc/passwd"),
    ],
)
def test_a_text_is_no_template_and_no_file(text, template):
    assert literal(text) == template


def test_samples_name_no_file_and_no_command(cases):
    for line in formats.render("inspect.jsonl", cases).splitlines():
        assert json.loads(line).keys() == {"id", "input", "target", "metadata"}
