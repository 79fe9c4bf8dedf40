"""The package as others meet it: an installed tree, the wheel, and a C++ project that uses either of them.

Both are built from this checkout into `build/`, so that a second run compiles only what has changed.
"""

import importlib.metadata
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import pytest

from asap import _core
from asap._paths import cmake_dir

ROOT = Path(__file__).resolve().parents[2]
TREE_BUILD = ROOT / "build" / "tree"


def run(*command: object, **options: object) -> str:
    """Run a command and return its output; a failure shows it."""
    done = subprocess.run([str(part) for part in command], text=True, capture_output=True, **options)
    assert done.returncode == 0, f"{command} returned {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def tool(name: str) -> str:
    """The tool beside this Python or on PATH."""
    found = shutil.which(name, path=sysconfig.get_path("scripts") + os.pathsep + os.environ["PATH"])
    if found is None:
        pytest.skip(f"needs {name}, which is neither beside {sys.executable} nor on PATH")
    return found


def configure(source: Path, build: Path, *options: str) -> None:
    ninja = tool("ninja")
    run(tool("cmake"), "-S", source, "-B", build, "-G", "Ninja", f"-DCMAKE_MAKE_PROGRAM={ninja}", *options)


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The prefix of a `cmake --install` of the C++ core alone."""
    prefix = tmp_path_factory.mktemp("prefix")
    configure(ROOT, TREE_BUILD)
    run(tool("cmake"), "--build", TREE_BUILD)
    run(tool("cmake"), "--install", TREE_BUILD, "--prefix", prefix)
    return prefix


@pytest.fixture(scope="session")
def wheel_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has the wheel of this checkout, and NumPy from the Python that runs the tests."""
    for module in ("pip", "scikit_build_core", "pybind11"):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"needs {module} to build a wheel")
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip"]
    run(*pip, "wheel", ROOT, "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", folder)
    run(sys.executable, "-m", "venv", "--without-pip", folder / "venv")
    python = folder / "venv" / "bin" / "python"
    run(*pip, "--python", python, "install", "--quiet", "--no-deps", *folder.glob("asap-*.whl"))
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    (site / "numpy.pth").write_text(f"{Path(np.__file__).parents[1]}\n")
    return python


@pytest.fixture(params=["tree", "wheel"])
def package(request: pytest.FixtureRequest) -> Path:
    """The folder of asapConfig.cmake, in the installed tree and in the installed wheel."""
    if request.param == "tree":
        (config,) = request.getfixturevalue("tree").rglob("asapConfig.cmake")
        return config.parent
    return Path(run(request.getfixturevalue("wheel_python"), "-m", "asap", "--cmake-dir").strip())


def test_package_carries_every_header_and_nothing_of_this_checkout(package: Path) -> None:
    include = next(folder for folder in (parent / "include" for parent in package.parents) if folder.is_dir())
    headers = {path.relative_to(include) for path in include.rglob("*.h")}
    source = ROOT / "src" / "cpp"
    assert headers == {path.relative_to(source) for path in (source / "asap").rglob("*.h")}
    for file in package.glob("*.cmake"):
        text = file.read_text()
        assert str(ROOT) not in text
        assert "asap_kernels" not in text
        assert "asap_options" not in text


def test_versions_agree(package: Path) -> None:
    version = importlib.metadata.version("asap")
    assert _core.__version__ == version
    assert f'PACKAGE_VERSION "{version}"' in (package / "asapConfigVersion.cmake").read_text()


def test_example_trains_its_own_objective(package: Path, tmp_path: Path) -> None:
    configure(ROOT / "examples" / "cpp", tmp_path, f"-Dasap_DIR={package}")
    run(tool("cmake"), "--build", tmp_path)
    assert len(run(tmp_path / "quadratic").splitlines()) == 2
    too_small_a_rate = subprocess.run([tmp_path / "quadratic", "1e-6"], capture_output=True)
    assert too_small_a_rate.returncode == 1


def test_cmake_dir_is_the_package_of_this_installation() -> None:
    assert (cmake_dir() / "asapConfig.cmake").is_file()


def test_cmake_dir_without_an_installation_names_the_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(_core, "__file__", str(tmp_path / "_core.so"))
    with pytest.raises(FileNotFoundError, match=re.escape(str(tmp_path))):
        cmake_dir()


def test_only_kernel_objects_are_compiled_for_special_processors(tree: Path) -> None:
    commands = json.loads((TREE_BUILD / "compile_commands.json").read_text())
    flags = {entry["output"]: set(entry["command"].split()) for entry in commands}
    special = {output for output, words in flags.items() if any(word.startswith("-m") for word in words)}
    assert all("asap_kernels_" in output for output in special)
    assert not any("-Werror" in words for words in flags.values())


def exported_symbols(objects: Path) -> dict[str, list[str]]:
    """The symbols that each object of a library offers to the linker, by `nm`: "V asap::f()", one list per object."""
    symbols: dict[str, list[str]] = {}
    for line in run(tool("nm"), "--defined-only", "--extern-only", "--demangle", objects).splitlines():
        if line.endswith(".o:"):
            current = symbols.setdefault(f"{line[:-1]} {len(symbols)}", [])  # archives may hold objects of one name
        elif line:
            current.append(line.split(maxsplit=1)[1])
    return symbols


def test_isa_objects_export_only_their_table(tree: Path) -> None:
    """Of a function compiled in two objects the linker keeps either, and so AVX-512 code for every processor."""
    (library,) = tree.rglob("libasap.a")
    objects = [names for name, names in exported_symbols(library).items() if name.startswith("table.cpp.o")]
    assert objects
    for names in objects:
        (name,) = names
        assert re.fullmatch(r"[RD] asap::kernels::\w+::table", name)


def test_exported_symbols_sees_inline_functions(tmp_path: Path) -> None:
    (tmp_path / "inline.cpp").write_text("inline int twice(int x) { return 2 * x; }\nint (*function)(int) = twice;\n")
    run(os.environ.get("CXX", "c++"), "-O2", "-c", "inline.cpp", cwd=tmp_path)
    run(tool("ar"), "rcs", "inline.a", "inline.o", cwd=tmp_path)
    (names,) = exported_symbols(tmp_path / "inline.a").values()
    assert set(names) == {"D function", "W twice(int)"}
