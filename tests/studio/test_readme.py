import subprocess
import sys
from pathlib import Path

from studio.method import all_methods

ROOT = Path(__file__).resolve().parents[2]


def test_generated_parts_of_the_readme_are_fresh():
    done = subprocess.run([sys.executable, "packaging/readme.py", "--check"], cwd=ROOT, check=False)
    assert done.returncode == 0, "Run `python packaging/readme.py`"


def test_the_readme_names_every_method_and_command():
    import typer

    from studio import cli

    text = (ROOT / "README.md").read_text("utf-8")
    assert all(f"`{name}`" in text for name in all_methods())
    assert all(f"compression-studio {name}" in text for name in typer.main.get_command(cli.app).commands)
