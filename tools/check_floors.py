"""Does any lock hold a version with a known hole? Compares the locks with security/floors.toml."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
PINNED = re.compile(r"^([a-z0-9._-]+)==([^ ;\\]+)", re.MULTILINE)


def below_floor(lock: str, floors: list[dict[str, str]]) -> list[str]:
    pinned = dict(PINNED.findall(lock))
    return [
        f"{floor['package']} {pinned[floor['package']]} is below {floor['lowest']} ({floor['cve']})"
        for floor in floors
        if floor["package"] in pinned and Version(pinned[floor["package"]]) < Version(floor["lowest"])
    ]


def main() -> int:
    floors = tomllib.loads((ROOT / "security" / "floors.toml").read_text())["floor"]
    found = [
        f"{path.name}: {line}"
        for path in sorted(ROOT.glob("requirements*.txt"))
        for line in below_floor(path.read_text(), floors)
    ]
    print("\n".join(found), file=sys.stderr, end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
