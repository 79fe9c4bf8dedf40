"""Where the installed package keeps its C++ part: headers, library and CMake package."""

from pathlib import Path

from asap import _core

__all__ = ["cmake_dir"]


def cmake_dir() -> Path:
    """Return the folder that holds ``asapConfig.cmake``.

    C++ projects find the library with ``find_package(asap CONFIG)`` when CMake is told this folder::

        cmake -S . -B build -Dasap_DIR="$(python -m asap --cmake-dir)"

    Raises:
        FileNotFoundError: the compiled module comes from a build folder, not from an installation.
    """
    # The C++ part is installed beside the compiled module; the Python sources of an editable installation are not.
    folder = Path(_core.__file__).parent / "lib" / "cmake" / "asap"
    if not (folder / "asapConfig.cmake").is_file():
        raise FileNotFoundError(f"no asapConfig.cmake in {folder}: install the package with pip to get its C++ part")
    return folder
