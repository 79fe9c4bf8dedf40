"""What the README shows runs as it is printed."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"


def example() -> str:
    (block,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    return block


def test_the_python_example_has_about_ten_lines() -> None:
    assert len([line for line in example().splitlines() if line]) <= 11


def test_the_python_example_runs_as_printed(tmp_path: Path, need_data: Callable[[str], None]) -> None:
    need_data("mnist")
    pytest.importorskip("safetensors", reason='the example saves its run: extra "io"')
    done = subprocess.run([sys.executable, "-c", example()], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Run(completed: ")
    assert {file.name for file in (tmp_path / "out").iterdir()} == {"run.json", "parameters.safetensors"}
