"""Serve a directory to the guest over virtio-fs, read-only by the kernel's own hand.

Run as ``python -m dtrace_py.lab.fileserver FD ro|rw DIRECTORY``: it moves into a mount namespace of its own, clones
the directory's mounts there, makes the clone read-only, and becomes virtiofsd. A guest that remounts its side writable
still meets EROFS, because the mount that virtiofsd itself writes to is read-only.

This needs root: QEMU 7.2's virtiofsd refuses to start in a user namespace of one user (it calls setgroups).
"""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from dtrace_py.lab.errors import LabError

# Linux 5.2 and 5.12 system calls that libc does not wrap; the numbers are the same on x86-64 and arm64.
_OPEN_TREE, _MOVE_MOUNT, _MOUNT_SETATTR = 428, 429, 442
_AT_FDCWD, _AT_EMPTY_PATH, _AT_RECURSIVE = -100, 0x1000, 0x8000
_OPEN_TREE_CLONE, _MOVE_MOUNT_F_EMPTY_PATH = 1, 4
_CLONE_NEWNS = 0x00020000
_MS_REC, _MS_PRIVATE = 0x4000, 1 << 18
_MOUNT_ATTR_RDONLY = 1

_STAGE = "/mnt"
"""Where the clone is put: any directory will do, since only this process sees it there."""

_SERVERS = ("/usr/lib/qemu/virtiofsd", "/usr/libexec/virtiofsd", "/usr/lib/virtiofsd")

_libc = ctypes.CDLL(None, use_errno=True)


def find() -> str:
    """The path of virtiofsd; LabError where there is none."""
    for path in (*_SERVERS, shutil.which("virtiofsd")):
        if path and os.access(path, os.X_OK):
            return path
    raise LabError("no virtiofsd: install qemu-system-common (Debian 12) or virtiofsd (Debian 13)")


def command(python: str, listener: int, directory: Path, read_only: bool) -> list[str]:
    """The command line that serves ``directory`` to whoever connects to the listening socket ``listener``."""
    return [python, "-m", __name__, str(listener), "ro" if read_only else "rw", str(directory)]


def main(arguments: Sequence[str]) -> None:
    """Prepare the mounts and become virtiofsd; returns only by raising OSError."""
    listener, mode, directory = arguments
    server = find()
    _check(_libc.unshare(_CLONE_NEWNS))
    _check(_libc.mount(None, b"/", None, ctypes.c_ulong(_MS_REC | _MS_PRIVATE), None))
    tree = _call(_OPEN_TREE, _AT_FDCWD, directory.encode(), _OPEN_TREE_CLONE | _AT_RECURSIVE)
    if mode == "ro":
        attributes = (ctypes.c_uint64 * 4)(_MOUNT_ATTR_RDONLY, 0, 0, 0)
        size = ctypes.c_size_t(ctypes.sizeof(attributes))
        _call(_MOUNT_SETATTR, tree, b"", _AT_EMPTY_PATH | _AT_RECURSIVE, ctypes.byref(attributes), size)
    _call(_MOVE_MOUNT, tree, b"", _AT_FDCWD, _STAGE.encode(), _MOVE_MOUNT_F_EMPTY_PATH)
    os.close(tree)
    # The host's files hardly change during a guest's life, so its root may be cached; a share is read afresh.
    cache = "always" if mode == "ro" else "auto"
    options = f"source={_STAGE},sandbox=chroot,cache={cache},log_level=err"
    os.execv(server, [server, f"--fd={listener}", "-o", options])


def _call(number: int, *arguments: object) -> int:
    return _check(_libc.syscall(number, *arguments))


def _check(result: int) -> int:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result


if __name__ == "__main__":
    main(sys.argv[1:])
