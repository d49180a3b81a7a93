"""D's subroutines (contract section 7): what may be called inside an expression."""

from __future__ import annotations

from dtrace_py.lang.tables.prototypes import Prototype, prototypes
from dtrace_py.record import record

_TABLE = """
    R1   1.0   void *alloca(size_t)
    R2   1.0   string basename(const char *)
    R3   1.0   void bcopy(void *, void *, size_t)
    R4   1.0   string cleanpath(const char *)
    R5   1.0   void *copyin(uintptr_t, size_t)
    R6   1.0   string copyinstr(uintptr_t, [size_t])
    R7   1.0   void copyinto(uintptr_t, size_t, void *)
    A42  1.0   void copyout(void *, uintptr_t, size_t)
    A43  1.0   void copyoutstr(char *, uintptr_t, size_t)
    R9   1.0   string d_path(struct path *)
    R11  1.0   string dirname(const char *)
    R12  1.0   dev_t getmajor(dev_t)
    R12  1.0   dev_t getminor(dev_t)
    R14  1.3   uint32_t htonl(uint32_t)
    R14  1.3   uint64_t htonll(uint64_t)
    R14  1.3   uint16_t htons(uint16_t)
    R15  1.1   int index(const char *, const char *, [int])
    R17  1.5   string inet_ntoa(ipaddr_t *)
    R18  1.5   string inet_ntoa6(struct in6_addr *, [int])
    R19  1.5   string inet_ntop(int, void *)
    R20  1.11  string json(const char *, const char *)
    R21  1.5   string link_ntop(int, void *)
    R22  1.0   string lltostr(int64_t, [int])
    R23  1.1   uintptr_t *memref(void *, size_t)
    R23  1.1   string memstr(void *, char, size_t)
    R25  1.0   int mutex_owned(struct mutex *)
    R25  1.0   struct task_struct *mutex_owner(struct mutex *)
    R25  1.0   int mutex_type_adaptive(struct mutex *)
    R25  1.0   int mutex_type_spin(struct mutex *)
    R14  1.3   uint32_t ntohl(uint32_t)
    R14  1.3   uint64_t ntohll(uint64_t)
    R14  1.3   uint16_t ntohs(uint16_t)
    R27  1.0   int progenyof(pid_t)
    R28  1.0   int rand()
    R16  1.1   int rindex(const char *, const char *, [int])
    R26  1.0   int rw_iswriter(rwlock_t *)
    R26  1.0   int rw_read_held(rwlock_t *)
    R26  1.0   int rw_write_held(rwlock_t *)
    A20  1.0   int speculation()
    R29  1.1   string strchr(const char *, char)
    R30  1.0   string strjoin(const char *, const char *)
    R31  1.0   size_t strlen(const char *)
    R29  1.1   string strrchr(const char *, char)
    R32  1.1   string strstr(const char *, const char *)
    R33  1.1   string strtok(const char *, const char *)
    R34  1.11  int64_t strtoll(const char *, [int])
    R35  1.1   string substr(const char *, int, [int])
    R36  1.8   string tolower(const char *)
    R36  1.8   string toupper(const char *)
"""
"""The contract's row, the language version that brought it, the prototype."""

DESTRUCTIVE = frozenset({"copyout", "copyoutstr"})
"""Those that need -w (6.3)."""

SCRATCH = frozenset({"alloca", "copyin"})
"""Those that return memory of the clause's own, which may be written (V11)."""

ABSENT = {
    "R10": ("ddi_pathname",),
    "R13": ("getf",),
    "R24": ("msgdsize", "msgsize"),
    "R37": ("sx_isexclusive", "sx_shared_held", "sx_exclusive_held"),
}
"""Those that make no sense on Linux, by row: no such function (D_FUNC_UNDEF)."""


@record
class Subroutine:
    """A subroutine: the contract's row, the language version that brought it, its prototype."""

    row: str
    version: str
    prototype: Prototype

    @property
    def name(self) -> str:
        return self.prototype.name


SUBROUTINES = {prototype.name: Subroutine(row, version, prototype) for row, version, prototype in prototypes(_TABLE)}
