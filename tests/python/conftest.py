"""Fixtures that several test files share."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def private_places(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No ASAP_DATA_DIR, and an empty cache of the test's own, which is returned."""
    cache = tmp_path_factory.mktemp("cache")
    monkeypatch.delenv("ASAP_DATA_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    return cache


@pytest.fixture
def need_data() -> Callable[[str], None]:
    """Skip the test, with the reason, unless ASAP_DATA_DIR has the set that it is called with."""

    def check(name: str) -> None:
        folder = os.environ.get("ASAP_DATA_DIR")
        if not folder:
            pytest.skip(f"needs the real {name}: ASAP_DATA_DIR is not set")
        if not any((Path(folder) / name).glob("*")):
            pytest.skip(f"needs the real {name}: {folder} (ASAP_DATA_DIR) does not have it")

    return check
