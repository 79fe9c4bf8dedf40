"""A killed process leaves a checkpoint that loads; ASAP_KILLS chooses more kills, ASAP_KILLS_SEED others."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("safetensors", reason="needs the extra io")


@pytest.mark.not_sanitized("thread", reason="it ends a process that forks while threads are alive")
def test_whenever_a_process_is_killed_its_checkpoint_loads(tmp_path: Path) -> None:
    kills, seed = os.environ.get("ASAP_KILLS", "20"), os.environ.get("ASAP_KILLS_SEED", "1")
    script = Path(__file__).with_name("checkpoint_kills.py")
    done = subprocess.run([sys.executable, script, kills, seed, tmp_path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    print(f"\n  seed {seed}: {found}")
    assert found["kills"] == found["several"]["kills"] == int(kills)
    assert found["steps"] >= 10
    assert set(found["left"]) <= {"run.checkpoint", "run.checkpoint.previous"}
