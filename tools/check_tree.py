"""Is anything in git that must not be? Addresses of package registries, and data marked safe for HTML."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOSTS = (
    "pypi" + r"\.org",
    "pythonhosted" + r"\.org",
    "npmjs" + r"\.(?:org|com)",
    "--(?:extra-)?index" + "-url",
)
REGISTRY = re.compile("|".join(HOSTS))
UNSAFE = re.compile(r"\|\s*safe\b|\bmark_safe\b|\{%\s*autoescape off")
# The one module that makes HTML from cleaned text, and this one, which names what it looks for.
MAKES_HTML = {"reviewapp/rendering.py", "tools/check_tree.py"}
TEMPLATES_AND_CODE = (".html", ".py")


def findings(name: str, text: str) -> list[str]:
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if REGISTRY.search(line):
            found.append(f"{name}:{number}: names a package registry")
        if name.endswith(TEMPLATES_AND_CODE) and name not in MAKES_HTML and UNSAFE.search(line):
            found.append(f"{name}:{number}: marks data as safe HTML")
    return found


def main() -> int:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    found = []
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path.is_file():
            found += findings(name, path.read_text(errors="replace"))
    print("\n".join(found), file=sys.stderr, end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
