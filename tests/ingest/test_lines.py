"""`manage.py ingest`: lines of every kind, refused ones told by line, and a killed run goes on."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from ingest import intake, lines
from ingest.models import Feedback, Score, Trace

TRACES = [{"id": f"t{number}", "input": "hi", "output": "yo"} for number in range(7)]
SCORE = {"id": "s", "target": {"trace_id": "t0"}, "name": "quality", "value": 1}
FEEDBACK = {"id": "f", "target": {"trace_id": "later"}, "kind": "thumbs", "value": "down"}


@pytest.fixture(autouse=True)
def own_data(settings, tmp_path):
    settings.DATA_DIR = tmp_path / "data"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "traces.jsonl"
    path.write_text("\n".join(map(json.dumps, [*TRACES, SCORE, FEEDBACK])) + "\n")
    return path


def run(file, *arguments):
    out, err = io.StringIO(), io.StringIO()
    call_command("ingest", str(file), *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_lines_of_every_kind_are_taken(project, file):
    said, _ = run(file)
    assert said == "9 accepted into refunds, 1 of them pending, 0 refused.\n"
    assert (Trace.objects.count(), Score.objects.count(), Feedback.objects.count()) == (7, 1, 1)


def test_bad_lines_are_named_and_spoil_no_other(project, tmp_path, capsys):
    path = tmp_path / "mixed.jsonl"
    path.write_text(
        '{"id": "a", "input": "x"}\n\nnot json\n{"target": {}, "name": "n"}\n{"id": "b", "inptu": "x"}\n'
    )
    out, err = io.StringIO(), io.StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("ingest", str(path), stdout=out, stderr=err)
    assert ended.value.code == 1
    assert "line 3: refused: the line is not JSON" in err.getvalue()
    assert "line 4: refused:" in err.getvalue()
    assert "line 5: warning: inptu" in err.getvalue() and "did you mean input?" in err.getvalue()
    assert "2 accepted" in out.getvalue() and "2 refused" in out.getvalue()
    assert set(Trace.objects.values_list("trace_id", flat=True)) == {"a", "b"}


def test_a_stopped_run_goes_on_where_it_was(project, file, monkeypatch):
    monkeypatch.setattr(lines, "GROUP_LINES", 2)
    stored, store = [], intake.store

    def failing(project, batch):
        if len(stored) == 2:
            raise KeyboardInterrupt
        stored.append(batch)
        return store(project, batch)

    monkeypatch.setattr(intake, "store", failing)
    with pytest.raises(KeyboardInterrupt):
        run(file)
    assert Trace.objects.count() == 4
    monkeypatch.setattr(intake, "store", store)
    said, told = run(file)
    assert "Resuming after line 4" in told and said.startswith("5 accepted")
    assert run(file)[0].startswith("0 accepted")
    assert run(file, "--restart")[0].startswith("9 accepted")
    assert Trace.objects.count() == 7


def test_a_file_that_grew_is_taken_from_there_and_another_one_from_its_start(project, file):
    run(file)
    with file.open("a") as more:
        more.write(json.dumps({"id": "new", "input": "x"}) + "\n")
    assert run(file)[0].startswith("1 accepted")
    file.write_text(json.dumps({"id": "other", "input": "x"}) + "\n" * 5000)
    assert run(file)[0].startswith("1 accepted")


def test_standard_input(project, monkeypatch):
    class Piped:
        buffer = io.BytesIO(b'{"id": "piped", "input": "x"}\n')

    monkeypatch.setattr("sys.stdin", Piped)
    assert run("-")[0].startswith("1 accepted")


def test_the_project_must_be_clear(project, other_project, file):
    with pytest.raises(CommandError, match="--project"):
        run(file)
    assert run(file, "--project", "elsewhere")[0].startswith("9 accepted into elsewhere")
    assert not Trace.objects.filter(project=project).exists()


def test_a_file_that_is_not_there(project, tmp_path):
    with pytest.raises(CommandError, match="cannot be read"):
        run(tmp_path / "nothing.jsonl")


def test_what_was_refused_before_a_stop_is_told_at_the_end_and_again(project, tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "GROUP_LINES", 2)
    path = tmp_path / "traces.jsonl"
    path.write_text("\n".join(["not json", *map(json.dumps, TRACES)]) + "\n")
    store = intake.store

    def dies_in_the_end(project, batch):
        if any(body.trace_id == "t6" for body in batch.bodies):
            raise KeyboardInterrupt
        return store(project, batch)

    monkeypatch.setattr(intake, "store", dies_in_the_end)
    with pytest.raises(KeyboardInterrupt):
        run(path)
    monkeypatch.setattr(intake, "store", store)
    for accepted in (2, 0):
        out, err = io.StringIO(), io.StringIO()
        with pytest.raises(SystemExit):
            call_command("ingest", str(path), stdout=out, stderr=err)
        assert f"{accepted} accepted into refunds" in out.getvalue() and "1 refused" in out.getvalue()
        assert "line 1: refused" in err.getvalue()


def test_a_file_that_was_corrected_is_taken_again_however_far_from_its_beginning(project, tmp_path):
    path = tmp_path / "long.jsonl"
    many = [json.dumps({"id": f"n{number}", "input": "x" * 500}) for number in range(200)]
    path.write_text("\n".join([*many, '{"id": "last", "input": 1']) + "\n")
    with pytest.raises(SystemExit):
        run(path)
    path.write_text("\n".join([*many, '{"id": "last", "input": ""}']) + "\n")
    said, _ = run(path)
    assert "201 accepted" in said and "0 refused" in said
