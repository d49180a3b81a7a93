"""D's subroutines (contract section 7): what may be called inside an expression."""

from __future__ import annotations

import re

from dtrace_py.record import record

_PROTOTYPES = {
    "1.0": """
        void *alloca(size_t)
        string basename(const char *)
        void bcopy(void *, void *, size_t)
        string cleanpath(const char *)
        void *copyin(uintptr_t, size_t)
        string copyinstr(uintptr_t, [size_t])
        void copyinto(uintptr_t, size_t, void *)
        string d_path(struct path *)
        string ddi_pathname(void *, int64_t)
        string dirname(const char *)
        dev_t getmajor(dev_t)
        dev_t getminor(dev_t)
        string lltostr(int64_t, [int])
        int mutex_owned(struct mutex *)
        struct task_struct *mutex_owner(struct mutex *)
        int mutex_type_adaptive(struct mutex *)
        int mutex_type_spin(struct mutex *)
        int progenyof(pid_t)
        int rand()
        int rw_iswriter(rwlock_t *)
        int rw_read_held(rwlock_t *)
        int rw_write_held(rwlock_t *)
        int speculation()
        string strjoin(const char *, const char *)
        size_t strlen(const char *)
        """,
    "1.1": """
        int index(const char *, const char *, [int])
        int rindex(const char *, const char *, [int])
        string strchr(const char *, char)
        string strrchr(const char *, char)
        string strstr(const char *, const char *)
        string strtok(const char *, const char *)
        string substr(const char *, int, [int])
        """,
    "1.3": """
        uint16_t htons(uint16_t)
        uint32_t htonl(uint32_t)
        uint64_t htonll(uint64_t)
        uint16_t ntohs(uint16_t)
        uint32_t ntohl(uint32_t)
        uint64_t ntohll(uint64_t)
        """,
    "1.5": """
        string inet_ntoa(ipaddr_t *)
        string inet_ntoa6(struct in6_addr *, [int])
        string inet_ntop(int, void *)
        string link_ntop(int, void *)
        """,
    "1.8": """
        string tolower(const char *)
        string toupper(const char *)
        """,
    "1.11": """
        string json(const char *, const char *)
        int64_t strtoll(const char *, [int])
        """,
}
"""By the language version that brought them; a parameter in brackets is optional."""

BUILT: frozenset[str] = frozenset()
"""The subroutines that this version of dtpy can run."""


@record
class Subroutine:
    """A subroutine: its result and its parameters as D types; parameters in brackets are optional."""

    name: str
    result: str
    parameters: tuple[str, ...]
    version: str

    @property
    def built(self) -> bool:
        return self.name in BUILT


def _subroutine(version: str, prototype: str) -> Subroutine:
    match = re.fullmatch(r"\s*(.*?)\s*(\w+)\((.*)\)", prototype)
    assert match, prototype
    return Subroutine(match[2], match[1], tuple(filter(None, match[3].split(", "))), version)


SUBROUTINES = {
    row.name: row
    for version, prototypes in _PROTOTYPES.items()
    for row in (_subroutine(version, line) for line in prototypes.strip().splitlines())
}
