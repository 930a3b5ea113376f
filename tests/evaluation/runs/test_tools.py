"""The result files of other tools, as they write them, and what is no such file."""

import contextlib
import io
import json
import zipfile
from pathlib import Path

import pytest

from evaluation.runs import archives, tools
from evaluation.runs.models import CaseResult
from ingest.models import Scope
from tests.evaluation.golden.entering import ROOT, post_cases, publish

RECORDED = Path(__file__).parent / "recorded"
READ = {
    "junit.xml": [("LF-0001", "pass", None), ("LF-0002", "fail", None), ("LF-0003", "skip", None),
                  ("LF-0004", "error", None), ("LF-0005", "pass", 2)],
    "promptfoo.json": [("LF-0001", "pass", None), ("LF-0002", "fail", None), ("LF-0003", "error", None)],
    "inspect.json": [("LF-0001", "pass", 1), ("LF-0001", "fail", 2), ("LF-0002", "error", 1)],
    "deepeval.json": [("LF-0001", "pass", None), ("test_case_1", "fail", None), ("LF-0003", "error", None)],
}  # fmt: skip


@pytest.mark.parametrize("name", READ)
def test_a_recorded_file_reads_as_results(name):
    found = tools.READERS[name.partition(".")[0]]((RECORDED / name).read_bytes())
    assert [(each.case_id, each.status, each.trial) for each in found] == READ[name]
    assert all(each.reason for each in found if each.status in ("fail", "error"))


# Written by the tools' versions of November 2026 over cases of ours, as `make interop` has them; shortened.
TODAY = {
    "promptfoo.json": [("LF-0001", "pass", None), ("LF-0002", "pass", None), ("LF-0009", "fail", None)],
    "deepeval.json": [("LF-0002", "pass", None), ("LF-0005", "pass", None), ("LF-0010", "fail", None)],
    "inspect.json": [("LF-0001", "pass", 1), ("LF-0002", "pass", 1), ("LF-0003", "error", 1),
                     ("LF-0001", "pass", 2), ("LF-0002", "fail", 2), ("LF-0003", "error", 2)],
    "inspect.eval": [("LF-0001", "pass", 1), ("LF-0001", "pass", 2), ("LF-0002", "pass", 1),
                     ("LF-0002", "fail", 2)],
}  # fmt: skip


@pytest.mark.parametrize("name", TODAY)
def test_a_file_of_todays_version_reads_as_results(name):
    found = tools.READERS[name.partition(".")[0]]((RECORDED / "today" / name).read_bytes())
    assert [(each.case_id, each.status, each.trial) for each in found] == TODAY[name]
    wrong = [each for each in found if each.status == "fail"]
    assert all(each.output == "something else" for each in wrong)
    assert any("order service" in each.reason for each in found) == (name == "inspect.json")


def test_junit_of_todays_pytest():
    found = tools.junit((RECORDED / "today" / "junit.xml").read_bytes())
    assert [each.case_id for each in found] == [f"LF-{n:04}" for n in range(1, 11)]
    assert [each.status for each in found] == ["pass"] * 9 + ["fail"] and "something else" in found[9].reason


def test_a_broken_zstandard_archive_is_refused():
    sent = (RECORDED / "today" / "inspect.eval").read_bytes()
    assert len(tools.inspect(sent)) == 4
    for cut in (len(sent) // 2, len(sent) - 40):
        with pytest.raises(tools.Unreadable):
            tools.inspect(sent[:cut])
    for place in range(0, len(sent), 997):
        odd = sent[:place] + bytes([sent[place] ^ 0xFF]) + sent[place + 1 :]
        with contextlib.suppress(tools.Unreadable):
            tools.inspect(odd)


def test_a_member_that_inflates_beyond_its_size_is_cut(monkeypatch):
    monkeypatch.setattr(archives, "MOST_INFLATED", 1000)
    with pytest.raises(tools.Unreadable, match="too large"):
        tools.inspect((RECORDED / "today" / "inspect.eval").read_bytes())


def test_what_a_file_says_beside_the_status():
    first = tools.promptfoo((RECORDED / "promptfoo.json").read_bytes())[0]
    assert (first.output, first.latency_ms, first.cost_usd) == ("within one working day", 212, 0.0001)
    second = tools.junit((RECORDED / "junit.xml").read_bytes())[1]
    assert second.latency_ms == pytest.approx(211) and "working day" in second.reason


def test_an_inspect_archive_reads_like_its_json():
    samples = json.loads((RECORDED / "inspect.json").read_text())["samples"]
    sent = io.BytesIO()
    with zipfile.ZipFile(sent, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.json", "{}")
        for sample in samples:
            archive.writestr(f"samples/{sample['id']}_epoch_{sample['epoch']}.json", json.dumps(sample))
    found = tools.inspect(sent.getvalue())
    assert [(each.case_id, each.status, each.trial) for each in found] == READ["inspect.json"]


def _archived(members):
    sent = io.BytesIO()
    with zipfile.ZipFile(sent, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, value in members.items():
            archive.writestr(name, json.dumps(value))
    return sent.getvalue()


@pytest.mark.parametrize("ended", ["error", "cancelled", "started"])
def test_nothing_passes_of_an_evaluation_that_was_broken_off(ended):
    log = json.loads((RECORDED / "inspect.json").read_text()) | {"status": ended}
    header = {"_journal/start.json": {}} | ({} if ended == "started" else {"header.json": {"status": ended}})
    samples = {f"samples/{each['id']}_epoch_{each['epoch']}.json": each for each in log["samples"]}
    for sent in (json.dumps(log).encode(), _archived(samples | header)):
        found = tools.inspect(sent)
        assert [each.status for each in found] == ["error", "fail", "error"]
        assert ended in found[0].reason


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        ("junit", b"<a/>"),
        ("junit", b"<testsuite>"),
        ("junit", b'<!DOCTYPE x [<!ENTITY a "aa">]><testsuite><testcase name="&a;"/></testsuite>'),
        ("junit", "<?xml version='1.0' encoding='utf-16'?><!DOCTYPE x><testsuite/>".encode("utf-16")),
        ("junit", b"\xff\xfe"),
        ("promptfoo", b"{}"),
        ("promptfoo", b"[]"),
        ("promptfoo", b"[" * 100_000),
        ("inspect", b'{"samples": 5}'),
        ("inspect", b"PK\x03\x04 broken"),
        ("deepeval", b'{"testCases": {}}'),
        ("deepeval", b"\xff"),
    ],
)
def test_what_is_no_such_file_is_refused(kind, sent):
    with pytest.raises(tools.Unreadable):
        tools.READERS[kind](sent)


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        ("promptfoo", {"results": {"results": [None, 5, {}, {"vars": [], "score": 1e999, "testCase": "x"}]}}),
        ("inspect", {"samples": [None, {}, {"scores": {"a": {"value": [1]}}, "epoch": -1, "output": []}]}),
        ("deepeval", {"testCases": [{}, {"metricsData": 5, "success": "yes"}, {"metricsData": [1]}]}),
    ],
)
def test_odd_rows_never_pass(kind, sent):
    assert all(each.status != "pass" for each in tools.READERS[kind](json.dumps(sent).encode()))


@pytest.mark.parametrize("trial", ["9" * 5000, "1001", "0", "٣", "x", ""])
def test_an_odd_trial_is_the_next_one(trial):
    properties = f'<properties><property name="trial" value="{trial}"/></properties>'
    sent = f'<testsuite><testcase name="a">{properties}</testcase></testsuite>'.encode()
    assert tools.junit(sent)[0].trial is None


@pytest.mark.parametrize("name", READ)
def test_a_file_is_uploaded_as_it_is(api, name):
    cases = [{"id": f"LF-000{n}", "input": "Can I return it?" if n == 2 else f"q{n}"} for n in range(1, 6)]
    post_cases(api(Scope.GOLDEN_WRITE), *cases)
    publish(api(Scope.GOLDEN_WRITE))
    tool = name.partition(".")[0]
    answer = api(Scope.RUNS_WRITE).post(
        f"{ROOT}/support/versions/1/runs?format={tool}&run_key=k&branch=pr-1&commit=abc&model=m",
        (RECORDED / name).read_bytes(),
        content_type="application/xml" if tool == "junit" else "application/json",
    )
    assert answer.status_code == 201, answer.content
    got = answer.json()
    assert got["decision"] == "inconclusive" and got["branch"] == "pr-1" and got["system"] == {"model": "m"}
    assert CaseResult.objects.count() == len(READ[name])
    if tool == "deepeval":  # the case without an id is told by its input
        assert got["coverage"]["unknown"] == []
