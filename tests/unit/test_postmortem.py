"""After death: boxes and rings out of a synthetic dump, through the command; what is broken is told in a line."""

from __future__ import annotations

import functools
import io
import json
import operator
import random
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dtrace_py.codegen.layout import (
    Action,
    BytesField,
    ClauseLayout,
    ConstantField,
    IntField,
    NameField,
    StackField,
    TextField,
    Unit,
)
from dtrace_py.codegen.plan import Enabling, Plan
from dtrace_py.kernel.bpf import Array
from dtrace_py.lang import acts, typed
from dtrace_py.lang.formats import parse_format
from dtrace_py.lang.program import Aggregation, Clause
from dtrace_py.lang.source import Source, Span
from dtrace_py.lang.tables.actions import ACTIONS
from dtrace_py.lang.types import LONG
from dtrace_py.options import Options
from dtrace_py.output.sink import Sink
from dtrace_py.postmortem import box, show
from dtrace_py.postmortem.box import About, DamagedBox, decode, encode
from dtrace_py.postmortem.search import Found
from dtrace_py.providers.probe import Probe
from dtrace_py.record import changed
from dtrace_py.runtime.ring import DATA, DISCARDED, DROPPED, FAULT, HEAD, IDENTITY, PUBLISHED, TAIL
from tests.case import Outcome, run
from tests.unit.dead import HUGE, PAGE, DeadMachine

RING, SLACK = 8192, 64
STRIDE = 8 * DATA + RING + SLACK
SPAN = Span(0, 0, 0)
CLAUSE = Clause(1, (), None, (), SPAN, Source(""))
ZERO = typed.Const(LONG, SPAN, 0)

PROBES = [Probe(7, "fbt", "vmlinux", "vfs_read", "entry"), Probe(8, "fbt", "vmlinux", "vfs_read", "return")]
ABOUT = About(42, "dtpy -n\n'x'\x1b[2J", "6.12.0-test", True, False, 2, STRIDE, RING, "switch")

# Enabling 0: printf("%d %s %s\n", number, text, probefunc), at both probes; 1: trace(number), at the second one.
PRINTF = Action(
    acts.Printf(parse_format("%d %s %s\n", SPAN), (ZERO, ZERO, ZERO)),
    (IntField(8, 4, True), TextField(16, 16), NameField(2)),
)
AGGREGATION = Aggregation("calls", "count", ())
UNIT = Unit(
    "",
    (),
    {
        0: ClauseLayout(CLAUSE, 32, (PRINTF, Action(acts.Clear(AGGREGATION), ())), True),
        1: ClauseLayout(CLAUSE, 16, (Action(acts.Trace(ZERO), (IntField(8, 8, True),)),), False),
    },
    (),
    SLACK,
)
PLAN = Plan(PROBES, [Enabling(0, CLAUSE, frozenset({7, 8}), 1, (8, 7)), Enabling(1, CLAUSE, frozenset({8}), 3, (8,))])


def printed(number: int, text: str = "text") -> bytes:
    """A record of the first enabling."""
    return struct.pack("<Qi4x16s", PUBLISHED, number, text.encode())


def traced(number: int) -> bytes:
    """A record of the second one."""
    return struct.pack("<Qq", PUBLISHED | 1 << 32 | 1, number)


def unfinished(record: bytes) -> bytes:
    """A record that its producer did not come to publish."""
    return bytes(8) + record[8:]


def ring(identity: int, *records: bytes, tail: int = 0, dropped: int = 0) -> bytes:
    """A ring with these records from a position on."""
    content = bytearray(STRIDE)
    words = memoryview(content).cast("Q")
    at = tail
    for record in records:
        place = 8 * DATA + at % RING
        content[place : place + len(record)] = record
        at += len(record)
    words[HEAD], words[TAIL], words[DROPPED], words[IDENTITY] = at, tail, dropped, identity
    return bytes(content)


def a_box(identity: int, contents: bytes) -> bytes:
    return box.HEADER.pack(box.MAGIC, identity, len(contents)) + contents


def place(machine: DeadMachine, *rings: bytes, identity: int = 99, about: About = ABOUT) -> None:
    machine.place(a_box(identity, encode(about, UNIT, PLAN)))
    machine.place(b"".join(rings))


def postmortem(dump: Path, *arguments: str) -> Outcome:
    return run(["--postmortem", str(dump), *arguments])


@pytest.mark.parametrize("levels", [4, 5])
def test_records_of_each_cpu_in_order(levels: int, tmp_path: Path) -> None:
    machine = DeadMachine(levels)
    machine.place(bytes(3 * PAGE))
    first = ring(99, printed(1), printed(-2, "more"), traced(5), tail=RING - 40, dropped=3)
    place(machine, first, ring(99, printed(3)))
    done = postmortem(machine.dump(tmp_path / "dump"))
    assert done.stdout == "1 text vfs_read\n-2 more vfs_read\n53 text vfs_read\n"
    assert done.stderr == (
        "dtpy: Linux 6.12.0-test, process 42: dtpy -n 'x'?[2J\n"
        "dtpy: 3 records on CPU 0\ndtpy: 3 drops on CPU 0\ndtpy: 1 record on CPU 1\n"
    )
    assert done.status == 0


def test_the_layout_is_that_of_the_tracing_or_as_flags_say(tmp_path: Path) -> None:
    machine = DeadMachine()
    place(machine, ring(99, traced(5)), ring(99), about=replace(ABOUT, quiet=False))
    dump = machine.dump(tmp_path / "dump")
    heading = "CPU     ID                    FUNCTION:NAME\n"
    assert postmortem(dump).stdout == f"{heading}  0      8                  vfs_read:return                 5\n"
    assert postmortem(dump, "-q").stdout == "5"
    assert postmortem(dump, "-x", "quiet").stdout == "5"
    assert postmortem(dump, "-F").stdout.startswith("CPU FUNCTION")
    assert postmortem(dump, "-q", "-o", str(tmp_path / "out")).stdout == ""
    assert (tmp_path / "out").read_text() == "5"


def test_faults_have_their_epid_and_discarded_records_are_nothing(tmp_path: Path) -> None:
    fault = struct.pack("<QIIQ", PUBLISHED | FAULT, 1, 4, 0)
    discarded = struct.pack("<Q24x", PUBLISHED | DISCARDED)
    machine = DeadMachine()
    place(machine, ring(99, discarded, fault, printed(1)), ring(99))
    done = postmortem(machine.dump(tmp_path / "dump"))
    assert done.stdout == "1 text vfs_read\n"
    message = "error on enabled probe ID 2 (ID 7: fbt:vmlinux:vfs_read:entry): divide-by-zero in action #1"
    assert f"dtpy: {message}\n" in done.stderr
    assert "dtpy: 1 record on CPU 0\n" in done.stderr


@pytest.mark.parametrize(
    ("records", "numbers", "lost"),
    [
        ([printed(1), unfinished(printed(2))], [1], 1),
        ([printed(1), unfinished(printed(2)), printed(3), printed(4)], [1, 3, 4], 1),
        ([unfinished(printed(1)), unfinished(printed(2)), printed(3)], [3], 2),
        # What it has written already may look like a record of its own.
        ([unfinished(bytes(8) + printed(9)[:8] + bytes(16)), printed(2)], [2], 1),
    ],
)
def test_unfinished_records_are_passed_over(
    records: list[bytes], numbers: list[int], lost: int, tmp_path: Path
) -> None:
    machine = DeadMachine()
    place(machine, ring(99), ring(99, *records, tail=RING * 5 - 48))
    done = postmortem(machine.dump(tmp_path / "dump"))
    assert done.stdout == "".join(f"{number} text vfs_read\n" for number in numbers)
    plural = "" if lost == 1 else "s"
    assert f"dtpy: {lost} record{plural} unfinished on CPU 1\n" in done.stderr


def test_what_is_no_record_is_told(tmp_path: Path) -> None:
    machine = DeadMachine()
    place(machine, ring(99, printed(1), b"nonsense" * 3, printed(2)), ring(99, printed(3)))
    done = postmortem(machine.dump(tmp_path / "dump"))
    assert done.stdout == "1 text vfs_read\n3 text vfs_read\n"
    assert "dtpy: 1 record on CPU 0\ndtpy: 56 bytes unreadable on CPU 0\n" in done.stderr


def test_a_record_that_goes_on_behind_the_head(tmp_path: Path) -> None:
    machine = DeadMachine()
    place(machine, ring(99, printed(1), printed(2)[:16]), ring(99))
    done = postmortem(machine.dump(tmp_path / "dump"))
    assert done.stdout == "1 text vfs_read\n"
    assert "dtpy: 1 record on CPU 0\ndtpy: 16 bytes unreadable on CPU 0\n" in done.stderr


def test_a_ring_whose_positions_make_no_sense(tmp_path: Path) -> None:
    broken = bytearray(ring(99, printed(1)))
    struct.pack_into("<Q", broken, 8 * TAIL, 1 << 40)
    machine = DeadMachine()
    place(machine, bytes(broken), ring(99, printed(3)))
    done = postmortem(machine.dump(tmp_path / "dump"))
    assert done.stdout == "3 text vfs_read\n"
    assert f"dtpy: {RING} bytes unreadable on CPU 0\n" in done.stderr


def test_a_flight_recorder(tmp_path: Path) -> None:
    """Newest first in memory; a record that was not published holds its size in place of a header."""
    content = bytearray(STRIDE)
    words = memoryview(content).cast("Q")
    newest = 8 * DATA + RING - 32 * 3
    for number, record in enumerate([printed(3), struct.pack("<Q24x", 32), printed(1)]):
        content[newest + 32 * number : newest + 32 * number + 32] = record
    words[HEAD], words[2], words[IDENTITY] = 96 + 1, 32, 99
    machine = DeadMachine()
    place(machine, bytes(content), ring(99), about=replace(ABOUT, bufpolicy="ring"))
    done = postmortem(machine.dump(tmp_path / "dump"))
    assert done.stdout == "1 text vfs_read\n3 text vfs_read\n"
    assert "dtpy: 2 records on CPU 0\ndtpy: 1 record unfinished on CPU 0\n" in done.stderr


def test_several_tracings_each_with_its_heading(tmp_path: Path) -> None:
    machine = DeadMachine()
    place(machine, ring(98, printed(2)), ring(98), identity=98, about=replace(ABOUT, pid=200))
    place(machine, ring(99, printed(1)), ring(99), about=replace(ABOUT, pid=100))
    done = postmortem(machine.dump(tmp_path / "dump"))
    assert done.stdout == "1 text vfs_read\n2 text vfs_read\n"
    assert done.stderr.index("process 100") < done.stderr.index("process 200")


def test_memory_that_was_freed_is_not_mistaken(tmp_path: Path) -> None:
    """It lies in one piece in the direct map, but nowhere else."""
    machine = DeadMachine()
    pages = a_box(99, encode(ABOUT, UNIT, PLAN)).ljust(PAGE, b"\0") + ring(99, printed(1)) + ring(99)
    machine.memory[HUGE // 2 : HUGE // 2 + len(pages)] = pages
    machine.place(a_box(98, encode(ABOUT, UNIT, PLAN)), mapped=False)
    done = postmortem(machine.dump(tmp_path / "dump"))
    assert done.status == 1
    assert "holds no ring of dtpy" in done.stderr


def test_tables_of_user_mode_lie_behind_the_kernels(tmp_path: Path) -> None:
    """With page table isolation a CPU in user mode points to tables that have next to nothing of the kernel."""
    machine = DeadMachine()
    place(machine, ring(99, printed(1)), ring(99))
    kernel = HUGE // 2
    machine.memory[kernel : kernel + PAGE] = machine.memory[machine.root : machine.root + PAGE]
    assert postmortem(machine.dump(tmp_path / "dump", cr3=(kernel + PAGE) | 0x805)).stdout == "1 text vfs_read\n"


def test_tables_that_lead_in_circles(tmp_path: Path) -> None:
    machine = DeadMachine()
    place(machine, ring(99, printed(1)), ring(99))
    struct.pack_into("<Q", machine.memory, machine.root + 8 * 511, machine.root | 0x63)
    assert postmortem(machine.dump(tmp_path / "dump")).stdout == "1 text vfs_read\n"


def test_aggregations_are_said_not_to_be_there(tmp_path: Path) -> None:
    made = decode(encode(ABOUT, UNIT, PLAN))
    contents = encode(ABOUT, UNIT, PLAN).replace(b'"aggregations": []', b'"aggregations": ["a", "b"]')
    assert made.aggregations == ()
    machine = DeadMachine()
    machine.place(a_box(99, contents))
    machine.place(ring(99) + ring(99))
    done = postmortem(machine.dump(tmp_path / "dump"))
    assert "dtpy: 2 aggregations not in the rings, and so not printed\n" in done.stderr


# The box


def test_a_box_read_back_is_what_was_written() -> None:
    plan = changed(PLAN, probes=[Probe(1, "dtrace", "", "", "BEGIN"), *PROBES])
    made = decode(encode(ABOUT, UNIT, plan))
    assert made.about == ABOUT
    assert made.plan.probes == plan.probes
    assert [made.plan.epid(0, place) for place in (1, 2)] == [2, 1]
    layout = made.unit.clauses[0]
    assert (layout.size, layout.can_fault, made.unit.clauses[1].can_fault) == (32, True, False)
    (action,) = layout.actions
    assert action.fields == PRINTF.fields
    assert isinstance(action.statement, acts.Printf)
    assert isinstance(PRINTF.statement, acts.Printf)
    assert action.statement.format == PRINTF.statement.format


def altered(change: Callable[[dict[str, object]], object]) -> bytes:
    first, *rest = encode(ABOUT, UNIT, PLAN).split(b"\0")
    contents = json.loads(first)
    change(contents)
    return b"\0".join([json.dumps(contents).encode(), *rest])


def with_field(field: object) -> Callable[[dict[str, object]], object]:
    action = ["trace", None, [field]]
    return lambda c: c.update(enablings=[{"size": 32, "epid": 1, "places": [], "actions": [action]}])


@pytest.mark.parametrize(
    "contents",
    [
        b"",
        b"no JSON\0\0\0\0",
        b"[" * 100_000,
        encode(ABOUT, UNIT, PLAN)[:-8],
        altered(lambda c: c.pop("ids")),
        altered(lambda c: c.update(ids=[1])),
        altered(lambda c: c.update(about={"pid": 1})),
        altered(lambda c: c.update(about={**json.loads(json.dumps(c["about"])), "stride": "much"})),
        altered(with_field(["IntField", 8, 3, True])),
        altered(with_field(["IntField", 28, 8, True])),
        altered(with_field(["TextField", -8, 16])),
        altered(with_field(["StackField", 8, 1 << 40])),
        altered(with_field(["os.system", "true"])),
        altered(with_field(["Box", 8, 8])),
    ],
)
def test_a_box_that_is_not_ours(contents: bytes) -> None:
    with pytest.raises(DamagedBox, match="makes no sense"):
        decode(contents)


def test_a_box_of_another_version() -> None:
    with pytest.raises(DamagedBox, match="another version"):
        decode(altered(lambda c: c.update(version=0)))


def test_fields_of_every_kind() -> None:
    fields = (ConstantField("text"), ConstantField(3, 4, True), NameField(1), StackField(8, 2), TextField(24, 8))
    unit = changed(UNIT, clauses={0: ClauseLayout(CLAUSE, 32, (Action(acts.Trace(ZERO), fields),), False)})
    plan = Plan(PROBES, PLAN.enablings[:1])
    assert decode(encode(ABOUT, unit, plan)).unit.clauses[0].actions[0].fields == fields


def test_a_packet_is_what_was_captured_of_it() -> None:
    """As a hex dump: the time, the length and the link type are not for that."""
    captured = (BytesField(24, 8), IntField(20, 4, False))
    pcap = Action(
        acts.Perform(ACTIONS["pcap"], (ZERO, ZERO)),
        (*captured, IntField(16, 4, False), IntField(8, 8, False), ConstantField(12, 4)),
    )
    unit = changed(UNIT, clauses={0: ClauseLayout(CLAUSE, 32, (pcap,), False)})
    made = decode(encode(ABOUT, unit, Plan(PROBES, PLAN.enablings[:1]))).unit.clauses[0].actions[0]
    assert made == Action(acts.Perform(ACTIONS["tracemem"], ()), captured)


def test_a_damaged_box_does_not_hide_the_others(tmp_path: Path) -> None:
    machine = DeadMachine()
    machine.place(a_box(98, b"{}"))
    place(machine, ring(99, printed(1)), ring(99))
    done = postmortem(machine.dump(tmp_path / "dump"))
    assert (done.status, done.stdout) == (0, "1 text vfs_read\n")
    assert "dtpy: a tracing cannot be read: what it says makes no sense\n" in done.stderr


def test_a_box_without_its_rings(tmp_path: Path) -> None:
    machine = DeadMachine()
    machine.place(a_box(99, encode(ABOUT, UNIT, PLAN)))
    machine.place(ring(99) + ring(98))
    done = postmortem(machine.dump(tmp_path / "dump"))
    assert done.status == 1
    assert done.stderr == "dtpy: a tracing cannot be read: its rings are not in the dump (process 42)\n"


# Files


def test_what_is_no_dump(tmp_path: Path) -> None:
    whole = DeadMachine().dump(tmp_path / "whole").read_bytes()

    def told(content: bytes) -> str:
        path = tmp_path / "file"
        path.write_bytes(content)
        done = postmortem(path)
        assert (done.status, done.stdout, done.stderr.count("\n")) == (1, "", 1)
        return done.stderr.replace(str(path), "FILE")

    assert told(b"") == "dtpy: FILE is not a memory dump: it is empty\n"
    assert told(b"text\n" * 100) == "dtpy: FILE is not a memory dump\n"
    assert told(b"KDUMP   " + bytes(100)).startswith("dtpy: FILE is a compressed memory dump")
    assert told(Path("/bin/true").read_bytes()) == "dtpy: FILE is not a memory dump of an x86-64 machine\n"
    assert told(whole[:100]) == "dtpy: FILE is truncated: it ends within its headers\n"
    assert told(whole[:-1]).startswith("dtpy: FILE is truncated: it has ")
    assert told(whole.replace(b"QEMU\0", b"QEMX\0")).startswith("dtpy: FILE is a core file, but not ")
    assert told(whole).startswith("dtpy: FILE holds no ring of dtpy: ")


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    done = postmortem(tmp_path / "nowhere")
    assert (done.status, done.stderr) == (1, f"dtpy: failed to open {tmp_path}/nowhere: No such file or directory\n")
    done = postmortem(tmp_path)
    assert (done.status, done.stderr) == (1, f"dtpy: failed to open {tmp_path}: Is a directory\n")


def test_bcc_is_not_needed() -> None:
    program = "import sys; from dtrace_py.postmortem import show; sys.exit('bcc' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


@pytest.mark.parametrize("arguments", [["-n", "BEGIN"], ["-l"], ["-e"], ["operand"], ["-V"], ["--report", "file"]])
def test_it_traces_nothing(arguments: list[str], tmp_path: Path) -> None:
    done = postmortem(tmp_path / "dump", *arguments)
    assert done.status == 2
    assert done.stderr.startswith("dtpy: --postmortem traces nothing: it goes with ")


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where everything in it is."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in items:
        yield (*path, key)
        yield from _paths(each, (*path, key))


def test_whatever_a_box_says_there_is_an_end_to_it() -> None:
    odd = [-1, 0, 1, 7, 1 << 40, 1 << 70, 1.5, "x", "", None, True, [], {}, [1], "ring", "IntField", "printf"]
    rings = ring(99, printed(1), printed(-2, "more"), traced(5)) + ring(99, printed(3))
    first, *columns = encode(ABOUT, UNIT, PLAN).split(b"\0")
    chance, told = random.Random(3), set()
    for _ in range(2000):
        contents = json.loads(first)
        *place, last = chance.choice([*_paths(contents)])
        functools.reduce(operator.getitem, place, contents)[last] = chance.choice(odd)
        try:
            read = decode(b"\0".join([json.dumps(contents).encode(), *columns]))
        except DamagedBox:
            continue
        found: list[Found | DamagedBox] = [Found(read, Array(2, STRIDE, bytearray(rings)))]
        if (read.about.cpus, read.about.stride, read.about.ring_bytes) == (2, STRIDE, RING):
            told.add(show.show(found, Options(), Sink(io.BytesIO(), "output"), lambda _: None))
    assert told == {0, 1}, "some can be read, and some cannot"
