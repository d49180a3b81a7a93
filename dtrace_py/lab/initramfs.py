"""The first file system of the guest: a static busybox, the modules that reach the shared root, and one script."""

from __future__ import annotations

import lzma
import re
import shutil
from importlib.resources import files
from pathlib import Path

from dtrace_py.lab.errors import LabError
from dtrace_py.lab.kernels import Kernel

_WANTED = ("virtio_pci", "virtio_console", "virtiofs", "overlay")
"""What the script in init.sh needs. A kernel that has one built in simply has no file for it."""

_DIRECTORY, _FILE, _CHAR_DEVICE = 0o040755, 0o100755, 0o020600


def build(kernel: Kernel, config: str) -> bytes:
    """The uncompressed cpio archive ("newc" format) that boots ``kernel`` into init.sh, which reads ``config``."""
    modules = [
        _entry(f"modules/{order:02}-{name}.ko", _FILE, data)
        for order, (name, data) in enumerate(_modules(kernel).items())
    ]
    return _archive("init.sh", *modules, _entry("config", _FILE, config.encode()))


def probe() -> bytes:
    """An archive that only says that it was reached, and powers off."""
    return _archive("probe.sh")


def _archive(script: str, *entries: bytes) -> bytes:
    folders = [_entry(name, _DIRECTORY) for name in ("dev", "proc", "sys", "bin", "modules")]
    init = files("dtrace_py.lab").joinpath(script).read_bytes()
    return b"".join(
        [
            *folders,
            _entry("bin/busybox", _FILE, _busybox()),
            _entry("dev/console", _CHAR_DEVICE, device=(5, 1)),
            *entries,
            _entry("init", _FILE, init),
            _entry("TRAILER!!!", 0),
        ]
    )


def _entry(name: str, mode: int, data: bytes = b"", device: tuple[int, int] = (0, 0)) -> bytes:
    fields = (0, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
    return _padded(head) + _padded(data)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)


def _busybox() -> bytes:
    found = shutil.which("busybox", path="/bin:/usr/bin:/usr/sbin:/sbin")
    data = Path(found).read_bytes() if found else b""
    if not data or b"/ld-linux" in data:
        raise LabError("the lab needs a static busybox: install the package busybox-static")
    return data


def _modules(kernel: Kernel) -> dict[str, bytes]:
    """Name and contents of each module to load, every module after those it depends on."""
    paths = {_plain(p.name): p for p in kernel.modules.rglob("*.ko*")} if kernel.modules else {}
    loaded: dict[str, bytes] = {}

    def load(name: str) -> None:
        if name in loaded or name not in paths:
            return
        data = paths[name].read_bytes()
        data = lzma.decompress(data) if paths[name].suffix == ".xz" else data
        depends = re.search(rb"\0depends=([^\0]*)\0", data)
        for needed in filter(None, depends[1].decode().split(",") if depends else ()):
            load(needed.replace("-", "_"))
        loaded[name] = data

    for name in _WANTED:
        load(name)
    return loaded


def _plain(file: str) -> str:
    return file.split(".ko")[0].replace("-", "_")
