"""D's actions (contract section 6): statements that record, or that act on the consumer or the system."""

from __future__ import annotations

from dtrace_py.lang.tables.prototypes import Prototype, prototypes
from dtrace_py.record import record

_TABLE = """
    A45  silent!     void breakpoint()
    A47  silent!     void chill(int)
    A26  records     void clear(@)
    A22  silent      void commit(int)
    A28  records     void denormalize(@)
    A23  silent      void discard(int)
    A24  records     void exit(int)
    A30  records!    void freopen(format, ...)
    A29  records     void ftruncate()
    A9   records     _symaddr func(uintptr_t)
    A8   records     stack jstack([uint32_t], [uint32_t])
    A10  records     _symaddr mod(uintptr_t)
    A28  records     void normalize(@, uint64_t)
    A46  silent!     void panic()
    A15  records     void pcap(void *, int)
    A2   records     void print(@)
    A4   records     void printa(@, ...)
    A3   records     void printf(format, ...)
    A14  records     void printm(size_t, uintptr_t *)
    A41  silent!     void raise(int)
    A25  records     void setopt(const char *, [const char *])
    A21  silent      void speculate(int)
    A6   records     stack stack([uint32_t])
    A40  silent!     void stop()
    A9   records     _symaddr sym(uintptr_t)
    A31  records!    void system(format, ...)
    A1   records     void trace(@)
    A5   records     void tracemem(@, size_t, [size_t])
    A27  records     void trunc(@, [int64_t])
    A13  records     _usymaddr uaddr(uintptr_t)
    A11  records     _usymaddr ufunc(uintptr_t)
    A12  records     _usymaddr umod(uintptr_t)
    A7   records     stack ustack([uint32_t], [uint32_t])
    A11  records     _usymaddr usym(uintptr_t)
"""
"""The contract's row, whether it leaves a record (P22) and with ``!`` needs -w (6.3), the prototype.

``@`` is checked by the action itself: anything, or an aggregation. ``format`` is a printf format.
"""

LATER = {"print": "1.9", **dict.fromkeys("func mod sym uaddr ufunc umod usym".split(), "1.2")}
"""The versions of the language that brought these; the others were always there."""

GENERATED = frozenset(
    """
    chill clear commit denormalize discard exit freopen ftruncate func jstack mod normalize panic pcap print printa printf printm
    raise setopt speculate stack stop sym system trace tracemem trunc uaddr ufunc umod ustack usym
    """.split()
)  # fmt: skip
"""The actions that this version of dtpy can run."""

ABSENT = {"A45": ("breakpoint",)}
"""Those that Linux has no use for, by row: there is no kernel debugger to enter. They are refused when it comes to tracing."""


@record
class Action:
    """An action: the contract's row, its prototype, whether it leaves a record (P22), whether it needs -w (6.3)."""

    row: str
    prototype: Prototype
    records: bool
    destructive: bool

    @property
    def name(self) -> str:
        return self.prototype.name

    @property
    def result(self) -> str:
        return self.prototype.result

    @property
    def version(self) -> str:
        return LATER.get(self.name, "1.0")

    @property
    def generated(self) -> bool:
        return self.name in GENERATED


ACTIONS = {
    prototype.name: Action(row, prototype, kind.startswith("records"), kind.endswith("!"))
    for row, kind, prototype in prototypes(_TABLE)
}
