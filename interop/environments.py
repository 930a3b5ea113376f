"""Environments of their own for exporters and other tools, made on demand below var/interop and kept."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / "var" / "interop"
EXPORTERS = Path(__file__).resolve().parent / "exporters"
INSTALL_SECONDS, RUN_SECONDS = 600, 120
OTEL = ("opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http")


@dataclass(frozen=True)
class Exporter:
    """A script and the packages it needs, newest of each unless one is named with a version."""

    name: str
    script: str
    packages: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    folder: Path = EXPORTERS

    @property
    def place(self) -> Path:
        told = "\n".join((sys.version.split()[0], *self.packages)).encode()
        return HOME / f"{self.name}-{hashlib.sha256(told).hexdigest()[:8]}"

    @property
    def is_node(self) -> bool:
        return self.script.endswith(".mjs")

    def missing(self) -> str:
        """What the machine lacks for it, or nothing."""
        lacking = [tool for tool in ("node", "npm") if self.is_node and shutil.which(tool) is None]
        return f"{' and '.join(lacking)} not found" if lacking else ""

    def prepare(self) -> None:
        """Install what is not there yet; a broken installation is thrown away, not used again."""
        if (self.place / "ready").exists():
            return
        shutil.rmtree(self.place, ignore_errors=True)
        self.place.mkdir(parents=True)
        if self.is_node:
            (self.place / "package.json").write_text('{"type": "module", "private": true}')
            _run(["npm", "install", "--silent", *self.packages], self.place, dict(os.environ))
        else:
            _run([sys.executable, "-m", "venv", str(self.place / "venv")], self.place, dict(os.environ))
            pip = [str(self.python), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
            _run(
                [*pip, *self.packages, *(OTEL if self.folder == EXPORTERS else ())],
                self.place,
                dict(os.environ),
            )
        (self.place / "ready").touch()

    @property
    def python(self) -> Path:
        return self.place / "venv" / "bin" / "python"

    def run(self, environment: dict[str, str], at: Path | None = None) -> None:
        """`at`: where it may write; Node looks for packages beside the script, so it stays there."""
        script = self.folder / self.script
        if self.is_node:
            shutil.copy(script, self.place / self.script)
            _run(["node", self.script], self.place, environment | self.environment, RUN_SECONDS)
        else:
            command = [str(self.python), str(script)]
            _run(command, at or self.place, environment | self.environment, RUN_SECONDS)


def _run(
    command: list[str], place: Path, environment: dict[str, str], seconds: int = INSTALL_SECONDS
) -> None:
    done = subprocess.run(
        command, cwd=place, env=environment, capture_output=True, text=True, timeout=seconds
    )
    if done.returncode:
        raise AssertionError(f"{command} failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
