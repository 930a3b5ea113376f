"""Hugging Face datasets: JSON lines, CSV and Parquet from the address, with the token in the headers."""

import json

import served
from datasets import load_dataset

CASES = served.cases()
options = {"storage_options": {"client_kwargs": {"headers": served.HEADERS}}}
for builder, name in (("json", "flat.jsonl"), ("parquet", "flat.parquet")):
    read = load_dataset(builder, data_files=f"{served.VERSION}/{name}", split="train", **options)
    assert read["id"] == list(CASES) or list(read["id"]) == list(CASES)
    for row in read:
        case = CASES[row["id"]]
        assert row["expected"] == served.expected(case) and row["input"] == served.asked(case), row
        assert list(row["tags"]) == case["tags"]
        assert json.loads(row["messages"]) == case["input"]["messages"]
