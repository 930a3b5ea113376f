"""When settings or the database are wrong, the command line says so in words, without a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Nobody listens on the first port of a machine.
NOWHERE = "postgres://nobody@127.0.0.1:1/nothing"
OWN = ("DATABASE_URL", "SECRET_KEY", "DJANGO_SETTINGS_MODULE")
LONG_KEY = "".join(map(chr, range(48, 123)))


@pytest.mark.parametrize("command", ["serve", "create_project"])
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"DATABASE_URL": NOWHERE}, "SECRET_KEY is required together with DATABASE_URL"),
        (
            {"DATABASE_URL": NOWHERE, "SECRET_KEY": LONG_KEY},
            "No connection to the database",
        ),
    ],
)
def test_settings_that_cannot_serve_are_explained(command, settings, words, tmp_path):
    kept = {name: value for name, value in os.environ.items() if name not in OWN}
    arguments = ["--port", "1"] if command == "serve" else ["refunds"]
    done = subprocess.run(
        [sys.executable, "manage.py", command, *arguments], cwd=ROOT, capture_output=True, text=True,
        env=kept | settings | {"DATA_DIR": str(tmp_path)}, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert words in done.stderr and "Traceback" not in done.stderr
    assert done.stdout == ""
