"""pandas and polars read the tables straight from the address: JSON lines, CSV and Parquet."""

import json

import fsspec
import pandas
import polars
import served

CASES = served.cases()
FORMULA = tuple("=+-@\t\r\n")


def plain(text):
    """In CSV what a spreadsheet would run as a formula is quoted."""
    return f"'{text}" if text.startswith(FORMULA) else text


def check(rows, expected_of):
    assert [row["id"] for row in rows] == list(CASES)
    for row in rows:
        case = CASES[row["id"]]
        assert row["expected"] == expected_of(served.expected(case)), row
        assert row["input"] == served.asked(case)
        assert row["split"] == case["split"]
        tags = row["tags"]
        assert list(json.loads(tags) if isinstance(tags, str) else tags) == case["tags"], row
        assert json.loads(row["messages"]) == case["input"]["messages"]


def same(text):
    return text


def read(reader, name, **options):
    return reader(f"{served.VERSION}/{name}", storage_options=served.HEADERS, **options).to_dict("records")


texts = {"expected": str, "input": str}
check(read(pandas.read_csv, "flat.csv", dtype=texts, keep_default_na=False), plain)
check(read(pandas.read_json, "flat.jsonl", lines=True, dtype=texts), same)
check(read(pandas.read_parquet, "flat.parquet"), same)


def opened(name):
    """By HEAD and ranges; polars' own reader of addresses takes no header for the token."""
    return fsspec.open(f"{served.VERSION}/{name}", "rb", client_kwargs={"headers": served.HEADERS})


with opened("flat.parquet") as file:
    check(polars.read_parquet(file).to_dicts(), same)
with opened("flat.jsonl") as file:
    check(polars.read_ndjson(file).to_dicts(), same)
with opened("flat.csv") as file:
    check(polars.read_csv(file, infer_schema=False).to_dicts(), plain)
