"""Speculative records, kept aside until it is known what becomes of them (bpf/speculation.h)."""

from __future__ import annotations

from collections.abc import Iterator

_ID = (1 << 32) - 1


class Kept:
    """What has been read of every CPU's ring and waits for a commit().

    A speculation is told by its use and its id, ``use << 32 | id``. Where rings are read as they fill, a use is over when
    a record of the next one follows in the ring; where they are read at the end (``to_the_end``), only then.
    """

    def __init__(self, cpus: int, to_the_end: bool) -> None:
        self._records: list[dict[int, list[bytes]]] = [{} for _ in range(cpus)]
        self._to_the_end = to_the_end
        self._shared: set[int] = set()
        self._freed: dict[int, int] = {}

    def keep(self, cpu: int, speculation: int, record: bytes) -> None:
        """Put a record aside."""
        records = self._records[cpu]
        if speculation not in records and not self._to_the_end:
            for old in [each for each in records if each & _ID == speculation & _ID and each not in self._shared]:
                del records[old]
        records.setdefault(speculation, []).append(record)

    def commit(self, cpu: int, speculation: int, shared: bool) -> Iterator[tuple[int, list[bytes]]]:
        """A commit() on this CPU: its records, and if the speculation is ``shared`` before them what has been read of those
        of others; the rest of these is due when it turns up."""
        if shared:
            self._shared.add(speculation)
            for other, records in enumerate(self._records):
                if other != cpu and speculation in records:
                    yield other, records.pop(speculation)
        yield cpu, self._records[cpu].pop(speculation, [])

    def due(self, cpu: int) -> list[bytes]:
        """A CPU's records that were committed on another one, and not returned before."""
        records = self._records[cpu]
        return [record for each in [*records] if each in self._shared for record in records.pop(each)]

    def committed(self, speculation: int) -> bool:
        """Whether its commit(), on one of several CPUs, has been read."""
        return speculation in self._shared

    def free(self, speculation: int) -> None:
        """Its id may be used again: forget the use before this one, whose stragglers must be in by now."""
        self._shared.discard(self._freed.get(speculation & _ID, 0))
        self._freed[speculation & _ID] = speculation
