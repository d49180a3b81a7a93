"""What a process changed in the kernel is taken back, also when it is killed."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from dtrace_py.runtime.guardian import Guardian


def test_settings_are_put_back(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("0\n")
    two.write_text("1\n")
    with Guardian(lambda owner: None) as guardian:
        with guardian.changed({one: "1", two: "1", tmp_path / "missing": "1"}):
            assert one.read_text() == "1"
            two.write_text("2")  # by somebody else: it was as wanted, and so is not ours to put back
        assert one.read_text() == "0"
        assert two.read_text() == "2"
    assert not (tmp_path / "missing").exists()


def test_after_an_error(tmp_path: Path) -> None:
    setting = tmp_path / "setting"
    setting.write_text("0")
    with pytest.raises(ZeroDivisionError), Guardian(lambda owner: None) as guardian, guardian.changed({setting: "1"}):
        raise ZeroDivisionError
    assert setting.read_text() == "0"


@pytest.mark.parametrize("inside", [True, False], ids=["changed", "changed back already"])
def test_killed(tmp_path: Path, inside: bool) -> None:
    setting, cleaned, ready = tmp_path / "setting", tmp_path / "cleaned", tmp_path / "ready"
    setting.write_text("0")
    owner = os.fork()
    if owner == 0:
        with Guardian(lambda owner: cleaned.write_text(str(owner))) as guardian:
            with guardian.changed({setting: "1"}):
                if inside:
                    ready.touch()
                    signal.pause()
            setting.write_text("5")
            ready.touch()
            signal.pause()
    _wait_for(ready)
    os.kill(owner, signal.SIGKILL)
    os.waitpid(owner, 0)
    _wait_for(cleaned)
    assert cleaned.read_text() == str(owner)
    assert setting.read_text() == ("0" if inside else "5"), "what was put back before is not touched again"


def _wait_for(path: Path) -> None:
    deadline = time.monotonic() + 10
    while not (path.exists() and (path.name == "ready" or path.read_text())):
        assert time.monotonic() < deadline
        time.sleep(0.01)
