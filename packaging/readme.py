"""Fills the generated parts of README.md: the method table and the measured figures.

`python packaging/readme.py` rewrites the file; with `--check` it only says whether it is stale (exit code 1).
Generated parts stand between `<!-- name -->` and `<!-- /name -->`.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from studio.method import all_methods

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "tests" / "benchmarks" / "results"


def methods() -> str:
    lines = ["| method | what it does | settings |", "|---|---|---|"]
    for name, kind in all_methods().items():
        settings = ", ".join(f"`{one.option}`" for one in kind.settings()) or "none"
        lines.append(f"| `{name}` | {kind.summary().rstrip('.')} | {settings} |")
    return "\n".join(lines)


def number(value: float) -> str:
    """A figure with three digits that count."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def figures() -> str:
    lines = ["| benchmark | what | ours | peer | ratio | asked for |", "|---|---|---:|---:|---:|---|"]
    machines = set()
    for path in sorted(RESULTS.glob("*.json")):
        record = json.loads(path.read_text("utf-8"))
        about = record["machine"]
        machines.add(f"{about['processor']}, {about['logical cores']} cores, {record['date']}")
        link = f"[{path.stem}](tests/benchmarks/results/{path.stem}.md)"
        for row in record["rows"]:
            if not row["verdict"]:
                continue
            peer = "" if row["theirs"] is None else f"{number(row['theirs'])} {row['unit']} ({row['peer']})"
            ratio = "" if row["ratio"] is None else f"{row['ratio']:.2f}x"
            asked = [f"≥ {row['target']:.3g}x"] if row["target"] is not None else []
            asked += [f"≤ {number(row['limit'])} {row['unit']}"] if row["limit"] is not None else []
            asked += ["no worse within the paired interval"] if row.get("interval") is not None else []
            wanted = " and ".join(asked) + f": {row['verdict']}"
            lines.append(f"| {link} | {row['what']} | {number(row['ours'])} {row['unit']} | {peer} | {ratio} | {wanted} |")
    lines += ["", f"Measured on: {'; '.join(sorted(machines))}. Each table names its versions and conditions."]
    return "\n".join(lines)


def filled(text: str) -> str:
    """README text with its generated parts replaced."""
    for name, make in (("methods", methods), ("figures", figures)):
        pattern = re.compile(f"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        if not pattern.search(text):
            raise SystemExit(f"README.md has no part named {name}")
        text = pattern.sub(lambda match, body=make(): f"{match[1]}{body}\n{match[2]}", text)
    return text


if __name__ == "__main__":
    path = ROOT / "README.md"
    old = path.read_text("utf-8")
    new = filled(old)
    if "--check" in sys.argv:
        sys.exit(int(old != new))
    path.write_text(new, "utf-8")
