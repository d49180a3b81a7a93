"""Where kprobes go in a function, from its bytes."""

from __future__ import annotations

import pytest

from dtrace_py.kernel.text import points

AT = 0xFFFFFFFF81000000
THUNK = 0xFFFFFFFF81800000
OTHER = 0xFFFFFFFF81200000
NOP5 = bytes.fromhex("0f1f440000")
CALL = bytes.fromhex("e811223344")
ENDBR, SEALED = bytes.fromhex("f30f1efa"), bytes.fromhex("660f1f00")
RET = bytes.fromhex("c3cccccccc")


def jump(place: int, target: int) -> bytes:
    return b"\xe9" + (target - (AT + place + 5)).to_bytes(4, "little", signed=True)


@pytest.mark.parametrize(
    ("start", "offset"),
    [(NOP5, 5), (CALL, 5), (ENDBR + NOP5, 9), (SEALED + NOP5, 9), (b"\x55" * 5, 0), (ENDBR, 0)],
)
def test_entry_is_behind_the_patchable_call(start: bytes, offset: int) -> None:
    assert points(start + b"\x90" * 8, AT, frozenset(), lambda _: False).entry == AT + offset


@pytest.mark.parametrize(
    ("code", "thunks", "offsets"),
    [
        pytest.param(RET, {THUNK}, [5], id="padded ret"),
        pytest.param(b"\x48\x89\xc3\x90" + RET, {THUNK}, [9], id="a byte of another instruction"),
        pytest.param(b"\x90\xc3\x90", set(), [6], id="any ret, where they are not padded"),
        pytest.param(jump(5, THUNK), {THUNK}, [5], id="jump to the return thunk"),
        pytest.param(jump(5, OTHER), {THUNK}, [5], id="tail call"),
        pytest.param(jump(5, AT + 2), {THUNK}, [], id="loop"),
        pytest.param(jump(5, OTHER + 1), {THUNK}, [], id="into a function, as to the part that was cut off"),
        pytest.param(b"\xff\xe0\xcc", {THUNK}, [5], id="indirect tail call"),
        pytest.param(b"\x90\xcc\xcc\xcc\xcc\xcc\xcc", {THUNK}, [6], id="ret under a kprobe"),
        pytest.param(RET + b"\x90" + RET, {THUNK}, [5, 11], id="two returns"),
        pytest.param(b"\xe9\x00", {THUNK}, [], id="cut off"),
    ],
)
def test_leaving(code: bytes, thunks: set[int], offsets: list[int]) -> None:
    found = points(NOP5 + code, AT, frozenset(thunks), lambda address: address == OTHER)
    assert [place - AT for place in found.leaving] == offsets
