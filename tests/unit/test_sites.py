"""The tables that programs find functions in, read as bpf/functions.h reads them."""

from __future__ import annotations

import pytest

from dtrace_py.codegen.sites import FunctionSites, Site, function_sites

AT = 0xFFFFFFFF81000000


def look_up(made: FunctionSites, address: int) -> int:
    slot = (address - made.table.text_start) >> made.table.slot_shift
    return made.sites[made.leaves[slot >> 8] * 256 + (slot & 255)]


@pytest.mark.parametrize(
    "placed",
    [
        pytest.param([(AT + 64, AT + 64), (AT + 16, AT + 16)], id="at their starts"),
        pytest.param([(AT, AT + 9000), (AT + 9008, AT + 9100)], id="across leaves"),
        pytest.param([(AT + 3, AT + 7), (AT + 8, AT + 8), (AT + 9, AT + 30)], id="close together"),
    ],
)
def test_every_place_of_a_function(placed: list[tuple[int, int]]) -> None:
    sites = [Site(number + 1, 1, 0) for number in range(len(placed))]
    made = function_sites([(first, last, site) for (first, last), site in zip(placed, sites, strict=True)])
    for (first, last), site in zip(placed, sites, strict=True):
        assert {look_up(made, address) for address in range(first, last + 1)} == {site.word}


def test_nothing_elsewhere() -> None:
    made = function_sites([(AT + 256, AT + 256, Site(1, 1, 0)), (AT + 40_000, AT + 40_000, Site(2, 1, 0))])
    assert look_up(made, AT) == look_up(made, AT + 20_000) == 0


def test_overlap() -> None:
    with pytest.raises(ValueError, match="same address"):
        function_sites([(AT, AT + 8, Site(1, 1, 0)), (AT + 8, AT + 8, Site(2, 1, 0))])
