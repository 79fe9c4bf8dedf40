"""The package as a whole: what importing it needs, and what it exports."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import asap

PACKAGE = Path(asap.__file__).parent
EXTRAS = ("typer", "rich", "tqdm", "safetensors", "sklearn", "matplotlib")


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
