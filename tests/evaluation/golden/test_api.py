"""The contract of the golden dataset over HTTP: cases in, versions out, with every header and refusal."""

import base64
import hashlib
import json

import pytest

from evaluation.golden.content import formats
from ingest.models import Scope
from tests.evaluation.golden.entering import ROOT, ndjson, post_cases, publish

LINES = [
    {"id": "b", "input": {"messages": [{"role": "user", "content": "2+2?"}]}, "expected": {"text": "4"},
     "assertions": [{"type": "exact", "value": "4"}], "tags": ["maths"], "split": "test", "critical": True},
    {"id": "a", "input": {"messages": [{"role": "user", "content": "Größe \u2028 😀?"}]},
     "assertions": [{"type": "contains", "value": "ja"}], "split": "dev"},
]  # fmt: skip


@pytest.fixture
def writer(api):
    return api(Scope.GOLDEN_WRITE)


@pytest.fixture
def reader(api):
    return api(Scope.GOLDEN_READ)


@pytest.fixture
def published(writer):
    assert post_cases(writer, *LINES).status_code == 200
    answer = publish(writer, changelog="first")
    assert answer.status_code == 201
    return answer.json()


def test_the_canonical_lines_and_their_headers(reader, published):
    answer = reader.get(f"{ROOT}/support/versions/1")
    body = answer.content
    lines = body.decode().split("\n")
    assert lines[-1] == "" and [json.loads(line)["id"] for line in lines[:-1]] == ["a", "b"]
    assert lines[1] == (
        '{"assertions":[{"type":"exact","value":"4"}],"critical":true,"expected":{"text":"4"},"id":"b",'
        '"input":{"messages":[{"content":"2+2?","role":"user"}]},"metadata":{"case_revision":1,'
        '"failure_modes":[],"source":"representative","trace_id":null},"split":"test","tags":["maths"]}'
    )
    digest = hashlib.sha256(body).hexdigest()
    assert answer["ETag"] == f'"{digest}"'
    assert answer["X-Golden-Digest"] == f"sha256:{digest}" == published["digest"]
    assert answer["Repr-Digest"] == f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"
    assert answer["X-Golden-Version"] == "1" and answer["X-Golden-Items"] == "2"
    assert answer["Content-Length"] == str(len(body)) and answer["Accept-Ranges"] == "bytes"
    assert answer["Cache-Control"] == "private, max-age=31536000, immutable"
    assert "Content-Location" not in answer


@pytest.mark.parametrize("name", formats.FORMATS)
def test_every_format_has_its_own_bytes_and_the_one_digest(reader, published, name):
    answer = reader.get(f"{ROOT}/support/versions/1/{name}")
    assert answer.status_code == 200
    sha256 = hashlib.sha256(answer.content).hexdigest()
    assert answer["ETag"] == f'"{sha256}"'
    assert published["formats"][name] == {"sha256": sha256, "size": len(answer.content)}
    assert answer["X-Golden-Digest"] == published["digest"]
    head = reader.head(f"{ROOT}/support/versions/1/{name}")
    assert head.content == b"" and head["Content-Length"] == answer["Content-Length"]
    assert head["ETag"] == answer["ETag"] and head["Repr-Digest"] == answer["Repr-Digest"]
    latest = reader.get(f"{ROOT}/support/versions/latest/{name}")
    assert latest.content == answer.content
    assert latest["Cache-Control"] == "no-cache"
    assert latest["Content-Location"] == f"{ROOT}/support/versions/1/{name}"


def test_conditions_and_ranges(reader, published):
    address = f"{ROOT}/support/versions/1"
    whole = reader.get(address)
    etag = whole["ETag"]
    for given in (etag, f"W/{etag}", "*", f'"x", {etag}'):
        known = reader.get(address, headers={"If-None-Match": given})
        assert known.status_code == 304 and known.content == b"" and known["ETag"] == etag
        assert known["Cache-Control"] == whole["Cache-Control"]
    assert reader.get(address, headers={"If-None-Match": '"x"'}).status_code == 200
    assert reader.get(address, headers={"If-Match": '"x"'}).status_code == 412
    size = len(whole.content)
    for asked, start, end in (
        ("bytes=0-9", 0, 10),
        ("bytes=10-", 10, size),
        ("bytes=-5", size - 5, size),
        (f"bytes=5-{size * 2}", 5, size),
    ):
        part = reader.get(address, headers={"Range": asked})
        assert part.status_code == 206 and part.content == whole.content[start:end]
        assert part["Content-Range"] == f"bytes {start}-{end - 1}/{size}"
        assert part["Content-Length"] == str(end - start) and part["Repr-Digest"] == whole["Repr-Digest"]
    for asked in ("bytes=0-1,4-5", "lines=1-2", "bytes=9-1", "bytes=x"):
        assert reader.get(address, headers={"Range": asked}).status_code == 200
    for asked in (f"bytes={size}-", "bytes=-0"):
        beyond = reader.get(address, headers={"Range": asked})
        assert beyond.status_code == 416 and beyond["Content-Range"] == f"bytes */{size}"
    assert reader.get(address, headers={"Range": "bytes=0-1", "If-Range": etag}).status_code == 206
    assert reader.get(address, headers={"Range": "bytes=0-1", "If-Range": '"x"'}).status_code == 200
    assert reader.head(address, headers={"Range": "bytes=0-1"}).status_code == 200


def test_what_is_unknown_a_draft_or_withdrawn(reader, writer, published, project):
    assert reader.get(f"{ROOT}/other/versions/1").status_code == 404
    for number in ("2", "0", "-1", "01", "x", "1e3", "9" * 30):
        assert reader.get(f"{ROOT}/support/versions/{number}").status_code == 404, number
    assert reader.get(f"{ROOT}/support/versions/1/flat.xml").status_code == 404
    post_cases(writer, {"id": "c", "input": "new"})
    draft = reader.get(f"{ROOT}/support/versions/2")
    assert draft.status_code == 409 and draft["Content-Type"] == "application/problem+json"
    from evaluation.golden.models import GoldenVersion
    from evaluation.golden.published import versions

    versions.withdraw(GoldenVersion.objects.get(), "a customer asked", "lead")
    for address in ("1", "1/flat.csv", "latest", "1/manifest.json"):
        gone = reader.get(f"{ROOT}/support/versions/{address}")
        assert gone.status_code == 410 and "a customer asked" in gone.json()["detail"]
    assert publish(writer).json()["version"] == 2
    assert reader.get(f"{ROOT}/support/versions/latest")["X-Golden-Version"] == "2"


def test_a_part_has_an_etag_of_its_own(reader, published):
    part = reader.get(f"{ROOT}/support/versions/1?split=test&tag=maths")
    assert part["X-Golden-Items"] == "1" and part["X-Golden-Digest"] == published["digest"]
    assert part["ETag"] == f'"{hashlib.sha256(part.content).hexdigest()}"' != published["digest"]
    assert [json.loads(line)["id"] for line in part.content.splitlines()] == ["b"]
    again = reader.get(
        f"{ROOT}/support/versions/1?split=test&tag=maths", headers={"If-None-Match": part["ETag"]}
    )
    assert again.status_code == 304
    nothing = reader.get(f"{ROOT}/support/versions/latest/flat.csv?split=none")
    assert nothing["X-Golden-Items"] == "0"
    assert nothing["Content-Location"] == f"{ROOT}/support/versions/1/flat.csv?split=none"


def test_publishing_again_changes_nothing(writer, published):
    again = publish(writer)
    assert again.status_code == 409 and "Nothing changed" in again.json()["detail"]
    assert post_cases(writer, LINES[0]).json()["unchanged"] == 1
    assert publish(writer).status_code == 409


def test_each_line_is_taken_or_refused_by_itself(writer):
    answer = writer.post(
        f"{ROOT}/support/cases",
        "\n"
        + ndjson({"input": "x"}, {"id": "k", "input": {}})
        + "\n{broken\n"
        + ndjson({"id": "z", "input": "y"}),
        content_type="application/x-ndjson",
    )
    assert answer.status_code == 207
    report = answer.json()
    assert report["accepted"] == 2 and report["created"] == 2
    assert [(each["index"], each["line"]) for each in report["rejected"]] == [(1, 3), (2, 5)]
    assert [each["id"] for each in report["cases"]] == ["case-0001", "k", "", "z"]
    assert report["draft"] == {"version": 1, "added": 2, "changed": 0, "removed": 0}


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ({"id": 5, "input": "x"}, "id"),
        ({"id": "a\u0007", "input": "x"}, "id"),
        ({"id": "x" * 129, "input": "x"}, "id"),
        ({"input": "x", "assertions": [{"type": "regex", "value": "("}]}, "assertions[0]"),
        ({"input": "x", "assertions": [{"type": "regex", "value": "(?=a)"}]}, "assertions[0]"),
        ({"input": "x", "assertions": [{"type": "magic", "value": "a"}]}, "assertions[0]"),
        ({"input": "x", "assertions": [{"type": "numeric", "value": "many"}]}, "assertions[0]"),
        (
            {"input": "x", "assertions": [{"type": "json_schema", "value": {"$ref": "http://x/y"}}]},
            "assertions[0]",
        ),
        ({"input": "x", "critical": "yes"}, "critical"),
        ({"input": "x", "tags": "a"}, "tags"),
        ({"input": "x", "expekted": "a"}, "expekted"),
        ({"input": "x", "metadata": {"failure_modes": [1]}}, "metadata.failure_modes"),
        ({"input": {"messages": []}}, "input"),
        ({"input": {"x": 2**60}}, ""),
    ],
)
def test_a_case_that_cannot_be_taken_says_why(writer, line, field):
    answer = post_cases(writer, line)
    assert answer.status_code == 400
    error = answer.json()["errors"][0]
    assert error["field"] == field and "b'" not in error["error"]
    assert writer.post(f"{ROOT}/support/versions").status_code == 404


def test_text_is_kept_to_the_byte(reader, writer):
    text = "e\u0301 \u00e9 \u0000 \u202e \t <b> \\ \" '=1 \U0001f600 \ufeff"
    assert post_cases(writer, {"id": "t", "input": text, "expected": text}).status_code == 200
    publish(writer)
    line = json.loads(reader.get(f"{ROOT}/support/versions/1").content)
    assert line["input"]["messages"][0]["content"] == text and line["expected"] == {"text": text}


def test_revisions_and_differences(reader, writer, published):
    post_cases(writer, {**LINES[0], "expected": {"text": "four"}}, {"id": "c", "input": "new"})
    second = publish(writer).json()
    assert second["version"] == 2 and second["parent"] == 1
    diff = reader.get(f"{ROOT}/support/versions/1...2").json()
    assert (diff["added"], diff["changed"], diff["removed"]) == (["c"], ["b"], [])
    assert diff["revisions"] == {"b": {"from": 1, "to": 2}}
    back = reader.get(f"{ROOT}/support/versions/2...1").json()
    assert (back["added"], back["removed"]) == ([], ["c"])
    assert reader.get(f"{ROOT}/support/versions/1...9").status_code == 404
    first = reader.get(f"{ROOT}/support/versions/1")
    assert first["X-Golden-Digest"] == published["digest"]


def test_lists(reader, writer, published):
    assert [each["name"] for each in reader.get(ROOT).json()["datasets"]] == ["support"]
    found = reader.get(f"{ROOT}/support").json()
    assert found["latest"] == 1 and found["draft"] is None
    assert [each["state"] for each in found["versions"]] == ["published"]
    manifest = reader.get(f"{ROOT}/support/versions/1/manifest.json").json()
    assert manifest == published
    assert manifest["changelog"] == "first" and manifest["parent"] is None and manifest["items"] == 2


def test_another_project_sees_nothing(api, published, other_project):
    other = api(of=other_project)
    assert other.get(ROOT).json() == {"datasets": []}
    for address in ("", "/versions/1", "/versions/1/manifest.json", "/versions/1...1"):
        assert other.get(f"{ROOT}/support{address}").status_code == 404
    assert publish(other).status_code == 404


def test_golden_read_reads_golden_versions_and_nothing_else(reader, published):
    for address in ("/api/v1/traces", "/api/v1/judges"):
        assert reader.get(address).status_code in (403, 404)
    assert post_cases(reader, LINES[0]).status_code == 403
    assert publish(reader).status_code == 403
