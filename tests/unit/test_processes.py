"""What addresses of processes are called: living ones, dead ones, stripped programs, containers, runtimes that make code."""

from __future__ import annotations

import ctypes
import mmap
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dtrace_py.lang.facts import ProcessSymbol
from dtrace_py.output import users
from dtrace_py.process import maps
from dtrace_py.process.elf import Elf, NotElf
from dtrace_py.process.named import NamedSymbols
from dtrace_py.process.symbols import Processes
from dtrace_py.process.target import Target
from dtrace_py.process.targets import notice, targets
from tests.case import run
from tests.conftest import can_load_programs

LIBC = ctypes.CDLL(None)

PROGRAM = """
#include <stdio.h>
#include <unistd.h>

int shown = 1;
static void hidden(void) { }
void public(void) { }
void __attribute__((alias("public"))) _public(void);

int main(void)
{
    printf("%p %p %p %p\\n", main, hidden, public, &shown);
    fflush(stdout);
    pause();
}
"""


def address_of(name: str) -> int:
    found = ctypes.cast(getattr(LIBC, name), ctypes.c_void_p).value
    assert found
    return found


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program that tells where its functions are, and waits."""
    folder = tmp_path_factory.mktemp("program")
    (folder / "named.c").write_text(PROGRAM)
    subprocess.run(["cc", "-O0", "-rdynamic", "-o", folder / "named", folder / "named.c"], check=True)
    return folder / "named"


@contextmanager
def running(*command: str | Path) -> Iterator[tuple[int, list[int]]]:
    """A process, and the addresses that it tells."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout
    try:
        yield process.pid, [int(word, 16) for word in process.stdout.readline().split()]
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_names_offsets_and_gaps() -> None:
    processes, me = Processes(), os.getpid()
    getppid = address_of("getppid")
    assert users.address(me, getppid, processes).endswith("`getppid")
    assert users.address(me, getppid + 3, processes).endswith("`getppid+0x3")
    assert users.symbol(me, getppid + 3, "usym", processes).endswith("`getppid")
    assert users.symbol(me, getppid + 3, "ufunc", processes).endswith("`getppid")
    assert users.symbol(me, getppid + 3, "uaddr", processes).endswith("`getppid+0x3")
    assert users.symbol(me, getppid + 3, "umod", processes).startswith("libc.so")
    assert users.address(me, 8, processes) == users.symbol(me, 8, "umod", processes) == "0x8"
    assert users.address(4_194_304, getppid, processes) == f"{getppid:#x}", "nobody knows that process"
    assert users.address(2, getppid, processes) == f"{getppid:#x}", "a kernel thread has no memory"


def test_symbols_of_a_program_in_order_of_preference(program: Path) -> None:
    processes = Processes()
    with running(program) as (process, (main, hidden, public, shown)):
        assert users.address(process, main, processes) == "named`main"
        assert users.address(process, hidden + 1, processes) == "named`hidden+0x1"
        assert users.address(process, public, processes) == "named`public", "the name with fewer underscores"
        assert users.address(process, shown, processes) == "named`shown", "data has names too"


def test_processes_that_are_gone(program: Path) -> None:
    processes = Processes()
    with running(program) as (process, (main, *_)):
        processes.see(process)
    assert users.address(process, main + 4, processes) == "named`main+0x4"
    processes.new_pass()
    assert users.address(process, main + 4, processes) == "named`main+0x4"
    unseen = Processes()
    assert users.address(process, main, unseen) == f"{main:#x}"


def test_a_stripped_program_has_what_it_exports(program: Path, tmp_path: Path) -> None:
    stripped = tmp_path / "stripped"
    subprocess.run(["strip", "-o", stripped, program], check=True)
    with running(stripped) as (process, (main, hidden, public, _)):
        processes = Processes()
        assert users.address(process, public, processes) == "stripped`public"
        assert users.address(process, main + 1, processes) == "stripped`main+0x1", "exported by -rdynamic"
        found = users.address(process, hidden, processes)
        assert found == f"stripped`{hidden:#x}"
        assert users.symbol(process, hidden, "umod", processes) == "stripped"


def test_a_program_whose_file_is_deleted_or_replaced(program: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copy(program, copy)
    with running(copy) as (process, (main, *_)):
        copy.unlink()
        copy.write_text("something else")
        assert users.address(process, main, Processes()) == "copy`main"


def test_a_container_s_files(program: Path, tmp_path: Path) -> None:
    """A process in a mount namespace and a root of its own, where the program's path means nothing out here."""
    inside = tmp_path / "inside"
    command = f"mount -t tmpfs none {tmp_path} && mkdir {inside} && cp {program} {inside}/ours && exec {inside}/ours"
    with running("unshare", "-m", "sh", "-c", command) as (process, found):
        if not found:
            pytest.fail("no mount namespace can be made here")
        assert not inside.exists()
        assert users.address(process, found[0], Processes()) == "ours`main"


def test_another_program_under_the_same_number(program: Path, tmp_path: Path) -> None:
    """exec() is noticed with the next pass; what was there before is still known."""
    processes = Processes()
    copy = tmp_path / "second"
    shutil.copy(program, copy)
    script = tmp_path / "first.py"
    script.write_text(f"import os\ninput()\nos.execv({str(copy)!r}, [{str(copy)!r}])\n")
    process = subprocess.Popen([sys.executable, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin
    assert process.stdout
    try:
        while not any(mapping.name.startswith("libc.so") for mapping in maps.read(process.pid)):
            time.sleep(0.01)
        (libc,) = [each for each in maps.read(process.pid) if each.name.startswith("libc.so") and each.offset == 0]
        processes.see(process.pid)
        process.stdin.write(b"\n")
        process.stdin.flush()
        main = int(process.stdout.readline().split()[0], 16)
        processes.new_pass()
        assert users.address(process.pid, main, processes) == "second`main"
        assert users.symbol(process.pid, libc.start, "umod", processes).startswith("libc.so")
    finally:
        process.kill()
        process.communicate()


def test_the_vdso() -> None:
    (vdso,) = [mapping for mapping in maps.read(os.getpid()) if mapping.path == "[vdso]"]
    elf = Elf(lambda offset, size: ctypes.string_at(vdso.start + offset, size))
    (at,) = elf.named("__vdso_clock_gettime")
    assert users.address(os.getpid(), vdso.start + at + 1, Processes()) == "[vdso]`clock_gettime+0x1"


def test_libraries_that_are_loaded_later(tmp_path: Path) -> None:
    (tmp_path / "late.c").write_text("int late(void) { return 1; }\n")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", tmp_path / "late.so", tmp_path / "late.c"], check=True)
    processes, me = Processes(), os.getpid()
    processes.see(me)
    function = ctypes.CDLL(str(tmp_path / "late.so")).late
    at = ctypes.cast(function, ctypes.c_void_p).value
    assert at
    assert users.address(me, at, processes) == "late.so`late"


def test_a_jit_s_names() -> None:
    """jstack() has room for them, ustack() by itself has none (A7, A8, U41, U60)."""
    me, path = os.getpid(), Path(f"/tmp/perf-{os.getpid()}.map")
    page = mmap.mmap(-1, mmap.PAGESIZE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, mmap.PROT_READ | mmap.PROT_WRITE)
    start = ctypes.addressof(ctypes.c_char.from_buffer(page))
    libc = address_of("getppid")
    path.write_text(f"{start:x} 10 py::old:/x.py\nnonsense\n{start:x} 10 py::main:/x.py\n{libc:x} 4 @annotated\n")
    try:
        processes = Processes()

        def shown(room: int, *addresses: int) -> list[str]:
            return users.stack((room << users.STRINGS | me, *addresses), 2, processes).splitlines()[1:]

        assert shown(512, start + 5, start + 16) == ["  py::main:/x.py", f"  {start + 16:#x}"]
        assert shown(0, start + 5) == [f"  {start + 5:#x}"]
        plain, note = shown(512, libc + 1)
        assert plain.endswith("`getppid+0x1")
        assert note == "    [ annotated ]"
        with path.open("a") as file:
            file.write(f"{start + 16:x} 10 a new one\n")
        assert shown(512, start + 16) == ["  a new one"]
        assert processes.overflows == 0
        assert shown(20, start, start + 16, start) == ["  py::main:/x.py", f"  {start + 16:#x}", f"  {start:#x}"]
        assert processes.overflows == 1
    finally:
        path.unlink()


def test_keys_in_the_same_symbol_or_object_are_one() -> None:
    processes, me, at = Processes(), os.getpid(), address_of("getppid")
    assert users.normalized(me, at + 2, "usym", processes) == (me, at)
    assert users.normalized(me, at + 2, "uaddr", processes) == (me, at + 2)
    first = users.normalized(me, at, "umod", processes)
    assert first == users.normalized(me, address_of("qsort"), "umod", processes)
    assert first != (me, at)
    assert users.normalized(me, 8, "usym", processes) == (me, 8)


def test_what_is_no_elf() -> None:
    for text in (b"", b"#!/bin/sh\n" + bytes(100), b"\x7fELF" + bytes(100), b"\x7fELF\2\1" + bytes(10)):
        with pytest.raises(NotElf):
            Elf(lambda offset, size, text=text: text[offset : offset + size])  # type: ignore[misc]


# Targets

HELD = """
#include <unistd.h>
__attribute__((constructor)) static void begin(void) { write(1, "constructor\\n", 12); }
int main(void) { write(1, "main\\n", 5); return 3; }
"""


@pytest.mark.parametrize("kind", ["", "-static", "-no-pie", "-s", "-static -s"])
@pytest.mark.parametrize("when", ["exec", "preinit", "postinit", "main"])
def test_where_a_command_is_held(when: str, kind: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Option evaltime, as far as a program's symbols tell: a static one without any is held behind exec()."""
    (tmp_path / "held.c").write_text(HELD)
    subprocess.run(["cc", *kind.split(), "-o", tmp_path / "held", tmp_path / "held.c"], check=True)
    with targets([("c", str(tmp_path / "held"))], when) as held:
        before = capfd.readouterr().out
        late = when in ("postinit", "main") and kind != "-static -s"
        assert before == ("constructor\n" if late else "")
        assert held.first
        held.release(lambda process: None)
        said: list[str] = []
        while not held.ended(said.append):
            time.sleep(0.01)
        assert before + capfd.readouterr().out == "constructor\nmain\n"
        assert said == [f"pid {held.first} exited with status 3"]


@pytest.mark.skipif(not can_load_programs(), reason="loading BPF programs needs root")
def test_the_environment_of_a_command(capfd: pytest.CaptureFixture[str]) -> None:
    """Options setenv and unsetenv, in order."""
    settings = "setenv=DT_A=1 setenv=DT_B=x=y setenv=DT_A= setenv=DT_C=2 unsetenv=DT_C unsetenv=DT_NONE".split()
    options = [word for setting in settings for word in ("-x", setting)]
    outcome = run([*options, "-qn", "BEGIN", "-c", "printenv DT_A DT_B DT_C"])
    assert (outcome.stderr, outcome.status) == ("", 0)
    assert capfd.readouterr().out == "\nx=y\n"


def test_signals_reach_a_target_and_a_stopped_one_stays_so(program: Path) -> None:
    with running(program) as (process, _), targets([("p", str(process))], "") as grabbed:
        grabbed.release(lambda process: None)
        os.kill(process, signal.SIGSTOP)
        deadline = time.monotonic() + 10
        while _state(process) not in "tT" and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.1)
        assert _state(process) in "tT"
        os.kill(process, signal.SIGCONT)
        while _state(process) != "S" and time.monotonic() < deadline:
            time.sleep(0.01)
        assert _state(process) == "S"
        os.kill(process, signal.SIGUSR1)
        said: list[str] = []
        while not grabbed.ended(said.append) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert said == [f"pid {process} terminated by SIGUSR1"]


def _state(process: int) -> str:
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]


def test_a_grabbed_process_goes_on(program: Path) -> None:
    with running(program) as (process, _):
        for _again in range(3):
            assert run(["-p", str(process), "-qn", "BEGIN { exit(0); }"]).status == 0
        assert _state(process) == "S"
        assert "TracerPid:\t0\n" in Path(f"/proc/{process}/status").read_text()


def test_a_process_that_another_tracer_has(program: Path) -> None:
    with running(program) as (process, _), targets([("p", str(process))], ""):
        outcome = run(["-p", str(process), "-n", "BEGIN"])
    assert outcome.stderr == f"dtpy: failed to grab pid {process}: Operation not permitted\n"
    assert outcome.status == 1


def test_an_interrupt_ends_the_tracing_and_the_command() -> None:
    command = [
        sys.executable,
        "-m",
        "dtrace_py",
        "-c",
        "sleep 1000",
        "-n",
        "BEGIN { trace($target); } END { trace(1); }",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout
    process.stdout.readline()
    child = int(process.stdout.readline().split()[-1])
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    assert b":END" in process.stdout.read()
    process.stdout.close()
    assert not Path(f"/proc/{child}").exists()


def test_what_is_said_of_an_end() -> None:
    target = Target(7, created=False)
    for status, text in {
        None: "has exited",
        0: "has exited",
        0x300: "exited with status 3",
        9: "terminated by SIGKILL",
        0x80 | 11: "terminated by SIGSEGV",
        40: "terminated by SIG#40",
    }.items():
        target.status = status
        assert notice(target) == f"pid 7 {text}"


def test_names_of_processes(program: Path) -> None:
    """L58: where the names of D programs are, in a program that is loaded anywhere."""
    with running(program) as (process, (main, hidden, public, shown)):
        symbols = NamedSymbols(process)
        assert symbols.symbol("main") == symbols.symbol("main", "named")
        for name, address in (("main", main), ("hidden", hidden), ("public", public)):
            found = symbols.symbol(name)
            assert found
            assert (found.object, found.address, found.code, found.wide) == ("named", address, True, True)
        assert symbols.symbol("shown") == ProcessSymbol("named", shown, 4, code=False, wide=True)
        assert symbols.symbol("shown", "libc") is symbols.symbol("nosuch") is None
        found = symbols.symbol("getppid")
        assert found
        assert found.object.startswith("libc.so")
    assert NamedSymbols(process).symbol("main") is None, "it is gone"


@pytest.mark.parametrize("flags", [["-no-pie"], ["-static"], ["-static-pie"]], ids=" ".join)
def test_names_of_programs_that_are_loaded_otherwise(tmp_path: Path, flags: list[str]) -> None:
    (tmp_path / "other.c").write_text(PROGRAM)
    subprocess.run(["cc", *flags, "-o", tmp_path / "other", tmp_path / "other.c"], check=True)
    with running(tmp_path / "other") as (process, (main, *_, shown)):
        symbols = NamedSymbols(process)
        assert [found and found.address for found in map(symbols.symbol, ("main", "shown"))] == [main, shown]


def test_of_several_versions_of_a_name_the_one_that_programs_get() -> None:
    """libc has two pthread_cond_wait(), one of them for programs of long ago."""
    found = NamedSymbols(os.getpid()).symbol("pthread_cond_wait", "libc")
    assert found
    assert found.address == address_of("pthread_cond_wait")


def test_symbols_of_another_width(tmp_path: Path) -> None:
    """D_SYM_MODEL (L59): D programs are of 64 bits."""
    (tmp_path / "narrow.s").write_text(".globl _start, number\n_start: pause; jmp _start\n.data\nnumber: .long 3\n")
    narrow = tmp_path / "narrow"
    subprocess.run(["cc", "-m32", "-nostdlib", "-static", "-o", narrow, tmp_path / "narrow.s"], check=True)
    outcome = run(["-x", "errtags", "-c", str(narrow), "-n", "BEGIN { trace(``number); }"])
    assert (
        "[D_SYM_MODEL] in action list: cannot use 32-bit symbol narrow``number in a 64-bit D program" in outcome.stderr
    )
    assert outcome.status == 1
