"""Leaving a black box in kernel memory, beside the rings that it is about."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager

from dtrace_py.job import Job
from dtrace_py.kernel import bpf
from dtrace_py.kernel.bpf import MappedArray
from dtrace_py.postmortem import box
from dtrace_py.prepare import Prepared
from dtrace_py.runtime.ring import Rings


@contextmanager
def black_box(job: Job, prepared: Prepared, rings: Rings, release: str) -> Iterator[None]:
    """The box is there inside, and its rings carry its identity. Raises OSError where the kernel has no memory for it."""
    about = box.About(
        pid=os.getpid(),
        command=shlex.join([job.command, *sys.argv[1:]]),
        release=release,
        quiet=job.options.flag("quiet"),
        flowindent=job.options.flag("flowindent"),
        cpus=rings.cpus,
        stride=rings.stride,
        ring_bytes=prepared.ring_bytes,
        bufpolicy=prepared.unit.bufpolicy,
    )
    contents = box.encode(about, prepared.unit, prepared.plan)
    identity = int.from_bytes(os.urandom(8), "little") | 1  # never 0
    content = box.HEADER.pack(box.MAGIC, identity, len(contents)) + contents
    descriptor = bpf.create_array("dtpy_black_box", len(content))
    with bpf.owned(descriptor), closing(MappedArray(descriptor)) as memory:
        memory.view[: len(content)] = content
        rings.identify(identity)
        try:
            yield
        finally:
            # The kernel frees a map some time after it was closed.
            memory.view[: len(box.MAGIC)] = bytes(len(box.MAGIC))
