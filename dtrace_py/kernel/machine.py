"""The running kernel as one object: facts, each read when it is first asked for."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from dtrace_py.errors import Unlisted
from dtrace_py.kernel import cpus, memory, modules, tracefs
from dtrace_py.lang.types import StructType
from dtrace_py.providers.dtrace import DtraceProvider
from dtrace_py.providers.fbt import FbtProvider, Function
from dtrace_py.providers.profile import ProfileProvider
from dtrace_py.providers.registry import Registry
from dtrace_py.providers.syscall import SyscallProvider

if TYPE_CHECKING:
    from dtrace_py.kernel.addresses import Addresses
    from dtrace_py.kernel.ksyms import Symbols
    from dtrace_py.kernel.tracefs import Traceable
    from dtrace_py.kernel.types import KernelTypes
    from dtrace_py.process.symbols import Processes


class Machine:
    """Facts about this machine, and the providers that stand on them. Most runs need only some of it."""

    def __init__(self) -> None:
        self.fbt = FbtProvider(self._functions, tracefs.blacklist, lambda name: self.symbols.has_function(name))
        calls = SyscallProvider(self._system_calls, self._call_parameters)
        self.modules: dict[str, str] = {}
        """The modules that there were when the list of functions was read, and where."""
        self.providers = Registry((DtraceProvider(), ProfileProvider(), calls, self.fbt))

    # Where the kernel does not tell what can be traced, a run that only compiles makes do with what there is at all.

    def _functions(self) -> Sequence[Function]:
        try:
            return self._traceable.functions
        except Unlisted as error:
            self.providers.pass_over("fbt", error)
            return self.symbols.all_functions()

    def _system_calls(self) -> dict[int, str]:
        try:
            return tracefs.system_calls()
        except Unlisted:
            if not self.providers.lenient:
                raise
            return tracefs.numbered_calls()

    def _call_parameters(self, name: str) -> list[str]:
        told = tracefs.call_parameters(name)
        if told is None:
            return ["long"] * 6 if self.providers.lenient else []
        return told

    @cached_property
    def _traceable(self) -> Traceable:
        self.modules = modules.loaded()  # first: of what is loaded meanwhile the list tells
        return tracefs.traceable()

    def learn(self, names: Collection[str]) -> int:
        """Take in the functions and symbols of modules that have been loaded since the list of functions was read. Returns how
        many functions there were before."""
        known = self._traceable
        self._traceable = known.with_modules(names, tracefs.traceable())
        self.fbt.relist(self._traceable.functions)
        self.symbols.learn(names)
        self.__dict__.pop("addresses", None)
        return len(known.functions)

    @cached_property
    def types(self) -> KernelTypes:
        """Kernel types."""
        from dtrace_py.kernel.types import KernelTypes

        return KernelTypes(lambda: self.symbols)

    @cached_property
    def symbols(self) -> Symbols:
        """Kernel symbols."""
        from dtrace_py.kernel.ksyms import Symbols

        return Symbols()

    @cached_property
    def processes(self) -> Processes:
        """Symbols of processes."""
        from dtrace_py.process.symbols import Processes

        return Processes()

    @property
    def release(self) -> str:
        return os.uname().release

    @cached_property
    def online(self) -> list[int]:
        return cpus.online()

    @cached_property
    def possible(self) -> int:
        return cpus.possible()

    def available_memory(self) -> int:
        """Bytes that can be had without swapping."""
        return memory.available()

    @cached_property
    def addresses(self) -> Addresses:
        """Where functions begin."""
        from dtrace_py.kernel.addresses import Addresses

        return Addresses(self._traceable, self.symbols)

    def compat_status(self) -> int | None:
        """Offset in struct task_struct of the word that marks 32-bit system calls; None where there are none."""
        if os.uname().machine != "x86_64":
            return None
        try:
            return self.types.offset("struct task_struct", "thread_info") + self.types.offset(
                "struct thread_info", "status"
            )
        except KeyError:
            return None

    def places(self) -> tuple[tuple[int, int], ...]:
        """Chip and NUMA node of each CPU."""
        return cpus.places()

    def per_cpu_offsets(self) -> int | None:
        """The address of the table of per-CPU offsets."""
        return self.symbols.address("__per_cpu_offset")

    def preempt_count(self) -> tuple[int, int] | None:
        """Per-CPU address of the preemption count, and address of the table of per-CPU offsets."""
        table = self.per_cpu_offsets()
        count = self.symbols.address("__preempt_count")
        if count is None and (hot := self.symbols.address("pcpu_hot")) is not None:
            try:
                count = hot + self.types.offset("struct pcpu_hot", "preempt_count")
            except KeyError:
                count = None
        return None if table is None or count is None else (count, table)

    def pages(self) -> tuple[int, int, int] | None:
        """Where the kernel keeps the addresses of all memory and of the descriptions of its pages, and the size of one of those;
        None where they are no variables."""
        memory, descriptions = self.symbols.address("page_offset_base"), self.symbols.address("vmemmap_base")
        size = self.types.size(StructType("struct page"))
        return None if memory is None or descriptions is None or size is None else (memory, descriptions, size)
