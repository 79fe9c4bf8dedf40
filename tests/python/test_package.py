"""The package as a whole: what importing it needs, and what it exports."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import asap

CHECKOUT = Path(__file__).parents[2]
PACKAGE = Path(asap.__file__).parent
EXTRAS = ("typer", "rich", "tqdm", "safetensors", "sklearn", "matplotlib")

REFUSED = {
    "S102": "exec(text)",
    "S202": "import tarfile\n\ntarfile.open(text).extractall(text)",
    "S301": "import pickle\n\npickle.loads(text)",
    "S307": "eval(text)",
}
"""What the package must not do, by the linter's rule against it."""


def run_python(*arguments: str, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = os.environ if path is None else {**os.environ, "PYTHONPATH": str(path)}
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, env=environment)


def test_every_exported_name_is_there() -> None:
    assert sorted(asap.__all__) == asap.__all__
    assert [name for name in asap.__all__ if not hasattr(asap, name)] == []


def test_numpy_is_all_that_training_needs() -> None:
    script = f"""
import sys
sys.modules.update(dict.fromkeys({EXTRAS!r}))
import asap, numpy as np
x = np.eye(3, dtype=np.float32)
print(asap.train(asap.models.MLP(input_shape=3, classes=3), (x, np.arange(3)), epochs=2, progress=True).status)
"""
    done = run_python("-c", script)
    assert done.stdout == "completed\n", done.stderr
    assert len(done.stderr.splitlines()) == 2


def test_a_missing_compiled_module_is_explained(tmp_path: Path) -> None:
    left_out = shutil.ignore_patterns("_core*.so", "lib", "include", "__pycache__")
    shutil.copytree(PACKAGE, tmp_path / "asap", ignore=left_out)
    done = run_python("-S", "-c", "import asap", path=tmp_path)
    assert done.returncode == 1
    assert "the compiled module asap._core is missing or cannot be loaded" in done.stderr.splitlines()[-1]
    assert "pip install ." in done.stderr


def test_the_cmake_folder_is_found_without_extras() -> None:
    script = f"""
import sys
sys.modules.update(dict.fromkeys({EXTRAS!r}))
sys.argv[1:] = ["--cmake-dir"]
from asap import _paths, cli
cli.cmake_dir = lambda: "the folder"
cli.main()
"""
    done = run_python("-c", script)
    assert (done.stdout, done.stderr) == ("the folder\n", "")


def lint(*arguments: str, source: str | None = None) -> subprocess.CompletedProcess[str]:
    """What the linter says with the project's settings."""
    pytest.importorskip("ruff", reason="needs the linter")
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", *arguments]
    environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}  # no sanitizer in ruff
    return subprocess.run(command, capture_output=True, text=True, input=source, cwd=CHECKOUT, env=environment)


@pytest.mark.parametrize("rule", REFUSED)
def test_what_the_package_must_not_do_is_found(rule: str) -> None:
    source = f"def planted(text: str) -> None:\n    {REFUSED[rule].replace(chr(10), chr(10) + '    ')}\n"
    done = lint("--output-format=concise", "--stdin-filename=python/asap/planted.py", "-", source=source)
    assert (done.returncode, f": {rule} " in done.stdout) == (1, True), done.stdout + done.stderr


def test_the_package_does_none_of_it_even_where_the_linter_is_told_to_look_away() -> None:
    done = lint("--ignore-noqa", f"--select={','.join(REFUSED)}", "python/asap")
    assert done.returncode == 0, done.stdout + done.stderr
