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
        ("x.json", '[\n{"input": "a"},\n{"input": "b"}]', []),
    ],
)
def test_a_case_stands_where_it_begins(name, text, lines):
    assert files.read(text.encode(), name).lines == lines


def test_lines_are_told_only_where_each_holds_one_value():
    assert files.lines_of(b'\n{"a":1}\n\n{"b":2}', 2) == [2, 4]
    assert files.lines_of(b'[\n{"a":1},\n{"b":2}\n]', 2) == []
