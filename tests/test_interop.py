"""`make interop` collects its own tests, not the programs beside them: those need a server's address."""

from pathlib import Path

INTEROP = Path(__file__).resolve().parent.parent / "interop"


def test_no_program_that_a_tool_runs_is_collected_as_a_test():
    found = {str(path.relative_to(INTEROP)) for path in INTEROP.rglob("*.py") if _is_collected(path)}
    assert found == {"test_exporters.py", "test_readers.py"}


def _is_collected(path):
    return path.match("test_*.py") or path.match("*_test.py")
