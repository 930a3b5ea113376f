"""On which line of a file does each case stand? What is refused is looked for there."""

import pytest

from evaluation.golden.content import files


@pytest.mark.parametrize(
    ("name", "text", "lines"),
    [
        ("x.jsonl", '\n{"input":"a"}\n\n  \r\n{"input":"b"}\r\n{"input":\n', [2, 5, 6]),
        ("x.csv", "input,expected\na,b\n\nc,d\n", [2, 4]),
        ("x.csv", '\ufeffinput,expected\r\n"a\r\nb","1\r\n2"\r\n\r\nc,d\r\n"e\nf",g', [2, 6, 7]),
        ("x.csv", "input,expected\na,b,too many\nc\n", [2, 3]),
        ("x.yaml", "# ours\n- input: a\n\n-\n  input: |\n    b\n    c\n- {input: d}\n", [2, 5, 8]),
        ("x.yml", "name: x\ncases:\n  - input: a\n  - input: b\n", [3, 4]),
        ("x.yaml", "input: a\n", []),
        ("x.json", '[\n{"input": "a"},\n{"input": "b"}]', []),
    ],
)
def test_a_case_stands_where_it_begins(name, text, lines):
    assert files.read(text.encode(), name).lines == lines


def test_lines_are_told_only_where_each_holds_one_value():
    assert files.lines_of(b'\n{"a":1}\n\n{"b":2}', 2) == [2, 4]
    assert files.lines_of(b'[\n{"a":1},\n{"b":2}\n]', 2) == []


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [1, 1]\nb: [*a, *a]\n",
        "- " * 5000 + "x",
        "[" * 100_000,
        "{a: " * 100_000,
        "!!python/object/apply:os.system ['id']",
        "a: !!binary aGk=\n--- \nb: 1\n",
        "a: [1, 2",
        "? [a, b]\n: c\n",
        "input: 2026-01-01\n? {}\n: x",
    ],
)
def test_yaml_that_no_case_needs_is_refused(text):
    with pytest.raises(files.Unreadable):
        files.read(text.encode(), "x.yaml")
