from __future__ import annotations

import getpass
import json
import platform
import subprocess
import sys
from pathlib import Path

from studio.measure.machine import Machine, this_machine
from studio.plain import from_plain, to_plain


def test_the_machine_is_described_without_naming_anyone():
    machine = this_machine()
    text = json.dumps(to_plain(machine))
    assert from_plain(Machine, json.loads(text)) == machine
    assert machine.processor
    assert machine.threads >= 1
    assert machine.memory > 100_000_000
    assert machine.versions["python"] == platform.python_version()
    assert any(name.startswith("onnxruntime") for name in machine.versions)
    assert str(Path.home()) not in text
    assert platform.node() not in text or len(platform.node()) < 4
    assert f'"{getpass.getuser()}"' not in text
    assert machine.processor in str(machine)


def test_nothing_heavy_is_imported_to_describe_it():
    code = (
        "import sys; from studio import processor; processor.describe()\n"
        "assert not {'torch', 'onnxruntime', 'numpy', 'onnx'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
