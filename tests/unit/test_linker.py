"""Programs of several functions: what the linker takes out of a compiled unit runs."""

from __future__ import annotations

import pytest

from dtrace_py.codegen.layout import ProgramLayout, Unit
from dtrace_py.kernel import bpf
from dtrace_py.runtime.loader import LoadError, Module
from tests.conftest import can_load_programs

pytestmark = pytest.mark.skipif(not can_load_programs(), reason="loading BPF programs needs root")

HEAD = """
#include "linkage.h"

struct search {
    const char *text;
    s64 found;
};

BPF_TABLE("array", u32, u64, first, 1);
BPF_TABLE("array", u32, u64, second, 1);

CALLBACK long count(u64 round, u64 *sum)
{
    *sum += round;
    return 0;
}

CALLBACK long find(u64 round, struct search *search)
{
    if (search->text[round & 7] != 'x')
        return 0;
    search->found = round;
    return 1;
}

SUBPROGRAM u64 sum_below(u32 limit)
{
    u64 sum = 0;

    LOOP(limit, count, &sum);
    return sum;
}

SUBPROGRAM s64 position(const char *text)
{
    struct search search = {text, -1};

    LOOP(8, find, &search);
    return search.found;
}

SUBPROGRAM u64 both(u32 limit)
{
    u32 zero = 0;
    u64 *one = first.lookup(&zero), *two = second.lookup(&zero);

    if (!one || !two)
        return 0;
    *one += limit;
    *two += 1;
    return (*one << 8) + *two;
}
"""


def run(body: str, times: int = 1) -> int:
    """The result of a program, run so many times, that stands between two others of its unit."""
    text = f'{HEAD}PROGRAM int before(void *context)\n{{\n    asm volatile("");\n    return position("x");\n}}\n'
    text += f'PROGRAM int main_program(void *context)\n{{\n    asm volatile("");\n    {body}\n}}\n'
    text += "PROGRAM int after(void *context)\n{\n    return both(3);\n}\n"
    layout = ProgramLayout("main_program", 0, False)
    with Module(Unit(text, (layout,), {}, (), 0)) as module:
        program = module.load(layout)
        return [bpf.test_run(program) for _ in range(times)][-1]


@pytest.mark.parametrize(
    ("body", "result"),
    [
        ("return 7;", 7),
        ("return sum_below(100);", 4950),
        ("return sum_below(1000000) & 0xffff;", 499999500000 & 0xFFFF),
        ('char text[8] = "abcxyz"; return position(text);', 3),
        ('char text[8] = "abcyz"; return position(text) == -1;', 1),
        ('char text[8] = "abcx"; return sum_below(position(text)) * 10 + position(text);', 33),
    ],
)
def test_functions_and_loops(body: str, result: int) -> None:
    assert run(body) == result


def test_functions_find_their_own_maps() -> None:
    """A map's descriptor is written into a function that bcc does not know of."""
    assert run("return both(5);") == 5 << 8 | 1
    assert run("return both(5);", times=3) == 15 << 8 | 3


def test_a_refusal_says_what_the_verifier_said() -> None:
    with pytest.raises(LoadError, match=r"the kernel's verifier refused the program main_program: ."):
        run("return *(u64 *)sum_below(3);")


def test_names_are_the_kernels() -> None:
    """Functions beyond the first have names, so that profiles and stacks of the kernel show them."""
    with bpf.owned(bpf._load_btf(["main_program", "find"])) as descriptor:
        assert descriptor > 2
