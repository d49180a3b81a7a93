"""Probes that come while tracing (contract P25): who waits for them, what is new, and a unit that joins another."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from dtrace_py import later, prepare
from dtrace_py.codegen.layout import AggregationLayout, KeyField
from dtrace_py.codegen.plan import Plan, make_plan
from dtrace_py.codegen.sites import Site, function_sites
from dtrace_py.consumer.store import Store
from dtrace_py.kernel import features, modules, tracefs
from dtrace_py.kernel.features import FunctionLinks
from dtrace_py.kernel.ksyms import Symbols
from dtrace_py.kernel.tracefs import NO_FUNCTION, Traceable
from dtrace_py.lang.describe import parse_description
from dtrace_py.lang.program import Aggregation, Clause, Program
from dtrace_py.lang.source import Field, Source, Span
from dtrace_py.lang.types import STRING
from dtrace_py.output.aggregations import Order
from dtrace_py.output.values import Lookup
from dtrace_py.programs import Compiled, Matched
from dtrace_py.providers.fbt import FIRST, FbtProvider, Function
from dtrace_py.providers.probe import Probe
from dtrace_py.runtime import attach
from dtrace_py.runtime.aggregations import KernelAggregation, Key, Words
from dtrace_py.runtime.attach import Attached
from dtrace_py.runtime.ring import IDENTITY
from dtrace_py.runtime.tracer import Tracer
from tests.case import run
from tests.conftest import can_load_programs

CORE: list[Function] = [("vfs_read", "vmlinux"), ("vfs_write", "vmlinux")]
EXT: list[Function] = [("ext_open", "ext"), ("ext_close", "ext"), ("rcu_read_ext", "ext")]


def fbt(functions: Sequence[Function] = CORE) -> FbtProvider:
    return FbtProvider(lambda: functions, frozenset, lambda name: True)


@pytest.mark.parametrize(
    ("text", "waits"),
    [
        ("fbt:ext:ext_open:entry", True),
        ("fbt:::entry", True),
        ("fbt::vfs_read:return", True),
        ("fb[st]:e*::", True),
        (":::", True),
        ("ext_open:entry", True),
        ("fbt:vmlinux:vfs_read:entry", False),
        ("fbt:ext:ext_open:begin", False),
        ("syscall:::entry", False),
        ("BEGIN", False),
        ("tick-1s", False),
        (str(FIRST), False),
    ],
)
def test_which_descriptions_wait(text: str, waits: bool) -> None:
    assert fbt().may_match_later(parse_description(text, Field.NAME)) == waits


def clause(number: int, *texts: str, asks: bool = False) -> Clause:
    return Clause(number, texts, None, (), Span(0, 0, 0), Source(""), asks=asks)


def compiled(provider: FbtProvider, *clauses: Clause) -> Compiled:
    matched = []
    for each in clauses:
        descriptions = tuple(parse_description(text, Field.NAME) for text in each.descriptions)
        probes = tuple([provider.numbered(family[0]) for family in provider.matching(one)] for one in descriptions)
        matched.append(Matched(each, descriptions, probes))  # type: ignore[arg-type]
    return Compiled(Program(), [(Source(""), matched)])


def since(made: Compiled, provider: FbtProvider) -> list[list[list[str]]]:
    def unexpected(text: str) -> None:
        raise AssertionError(text)

    found = later.matched_since(made, provider, len(CORE), lambda probe: (), unexpected)
    return [[[probe.function for probe in probes] for probes in matched.probes] for matched in found.clauses]


def test_only_what_is_new_is_matched() -> None:
    """By name, by module and by pattern, without what must not be traced, and with ids behind those there were."""
    provider = fbt()
    made = compiled(
        provider,
        clause(1, "fbt:::entry"),
        clause(2, "fbt:ext::entry", "fbt::ext_close:entry"),
        clause(3, "fbt:vmlinux::entry"),
        clause(4, "fbt::vfs_*:entry"),
    )
    assert later.waiting(made, provider) == {1, 2, 4}
    assert since(made, provider) == [[[]], [[], []], [[]], [[]]]
    assert "rcu_read_ext" not in provider.denied
    provider.relist([*CORE, *EXT])
    assert since(made, provider) == [
        [["ext_open", "ext_close"]],
        [["ext_open", "ext_close"], ["ext_close"]],
        [[]],
        [[]],
    ]
    assert provider.numbered(FIRST + 4) == Probe(FIRST + 4, "fbt", "ext", "ext_open", "entry")
    assert provider.numbered(FIRST + 8) is None, "denied"


def test_p28_forms() -> None:
    """A clause that asks for args[] is enabled where they are as at some probe that it was compiled for."""
    first, second = Probe(FIRST, "fbt", "vmlinux", "vfs_read", "entry"), Probe(FIRST + 2, "fbt", "v", "vfs_w", "entry")
    other = clause(1, "fbt::*_*:entry", asks=True)._replace(form=1, probes=(second,))
    whole = clause(1, "fbt::*_*:entry", asks=True)._replace(others=(other,))
    description = parse_description("fbt::*_*:entry", Field.NAME)
    made = Compiled(Program(), [(Source(""), [Matched(whole, (description,), ([first, second],))])])
    arguments = {"vfs_read": "a", "vfs_w": "b", "ext_open": "b", "ext_close": "c"}
    provider, said = fbt([*CORE, *EXT]), list[str]()
    found = later.matched_since(made, provider, len(CORE), lambda probe: arguments[probe.function], said.append)  # type: ignore[arg-type, return-value]
    (matched,) = found.clauses
    assert [probe.function for probe in matched.probes[0]] == ["ext_open"]
    plan = make_plan([(matched.clause, matched.probes)], before=make_plan([(whole, ([first, second],))]))
    assert [(each.clause.form, len(each.probes)) for each in plan.enablings] == [(0, 1), (1, 1), (1, 1)]
    assert said == ["left out 1 probe, where args[ ] is what no probe had before: fbt:ext:ext_close:entry"]


def test_a_plan_that_goes_on() -> None:
    one, two = clause(1, "a"), clause(2, "b")
    probes = [Probe(number, "fbt", "m", f"f{number}", "entry") for number in range(10, 16)]
    first = make_plan([(one, (probes[:3], probes[1:2])), (two, (probes[:1],))])
    plan = make_plan([(one, (probes[3:5],)), (two, (probes[4:],))], frozenset({1, 2}), first)
    assert plan.probes == probes
    assert plan.own == plan.of_provider("fbt") == probes[3:]
    assert [plan.places[probe.id] for probe in plan.own] == [3, 4, 5]
    assert plan.enablings[:3] == first.enablings
    assert [(each.number, each.clause, each.first_epid) for each in plan.enablings[3:]] == [(3, one, 6), (4, two, 8)]
    assert [each.number for each in plan.at(probes[4])] == [3, 4]
    assert [plan.epid(4, place) for place in (4, 5)] == [8, 9]
    third = make_plan([(one, (probes[:0],))], before=plan)
    assert (third.own, third.since, third.enablings) == ([], 6, plan.enablings)
    assert make_plan([(one, (probes,))], before=Plan()).enablings == make_plan([(one, (probes,))]).enablings


def test_modules_that_are_there(tmp_path: Path) -> None:
    path = tmp_path / "modules"
    path.write_text(
        "ext 16384 1 other,- Live 0xffffffffc0001000 (OE)\n"
        "coming 16384 0 - Loading 0xffffffffc0002000\n"
        "going 16384 0 - Unloading 0xffffffffc0003000\n"
        "other 20480 0 - Live 0xffffffffc0004000\n"
    )
    assert modules.loaded(path) == {"ext": "0xffffffffc0001000", "other": "0xffffffffc0004000"}
    assert modules.loaded(tmp_path / "nothing") == {}


class _Machine:
    """What Watch needs of one."""

    def __init__(self, provider: FbtProvider, there: dict[str, str]) -> None:
        self.fbt = provider
        self.modules = there


def test_what_is_new(monkeypatch: pytest.MonkeyPatch) -> None:
    there = {"old": "1", "ext": "2"}
    monkeypatch.setattr(modules, "loaded", lambda: dict(there))
    provider = fbt()
    machine = _Machine(provider, dict(there))
    watch = later.Watch(compiled(provider, clause(1, "fbt:e*::entry")), machine)  # type: ignore[arg-type]
    assert watch.look() == ([], [])
    there.update(extra="3", unwanted="4")
    del there["old"]
    assert watch.look() == (["old"], ["extra"])
    there["ext"] = "5"
    assert watch.look() == (["ext"], ["ext"]), "it came back at another place"
    assert watch.look() == ([], [])
    idle = later.Watch(compiled(provider, clause(1, "fbt:vmlinux::entry")), machine)  # type: ignore[arg-type]
    there["another"] = "6"
    assert idle.look() == ((), ())


def test_the_kernel_s_list_grows() -> None:
    """A module that came back: its functions as they were lose their names, and nothing else its place."""
    old = Traceable([*CORE, *EXT], array("Q", range(5)))
    now = Traceable([CORE[0], ("new", "new"), *EXT, CORE[1]], array("Q", range(10, 16)))
    grown = old.with_modules({"ext"}, now)
    assert grown.functions == [*CORE, NO_FUNCTION, NO_FUNCTION, NO_FUNCTION, *EXT]
    assert [*(grown.sites or ())] == [0, 1, 2, 3, 4, 12, 13, 14]
    assert Traceable(CORE, None).with_modules({"ext"}, Traceable(EXT, None)) == Traceable([*CORE, *EXT], None)


def test_symbols_of_modules_that_came(tmp_path: Path) -> None:
    path = tmp_path / "kallsyms"
    core = "ffffffff81000000 T _text\nffffffff81000100 T vfs_read\n"
    path.write_text(f"{core}ffffffffc0001000 t gone\t[gone]\nffffffffc0002000 t ext_open\t[ext]\n")
    symbols = Symbols(path)
    assert symbols.find(0xFFFFFFFFC0002001) == ("ext", "ext_open", 1)
    path.write_text(f"{core}ffffffffc0003000 t ext_open\t[ext]\nffffffffc0004000 t unasked\t[unasked]\n")
    symbols.learn({"ext"})
    assert symbols.functions("ext_open", "ext") == [0xFFFFFFFFC0003000]
    assert symbols.find(0xFFFFFFFFC0001002) == ("gone", "gone", 2)
    assert not symbols.has_function("unasked")


def test_where_a_function_is_in_the_tables() -> None:
    at, site = 0xFFFFFFFFC0001000, Site(1, 1, 0)
    made = function_sites([(at, at + 40, site), (at + 9000, at + 9000, Site(2, 1, 0))])
    for place in made.places(at, at + 40):
        assert made.sites[place] == site.word
        made.sites[place] = 0
    assert [word for word in made.sites if word] == [Site(2, 1, 0).word]


class _Maps(KernelAggregation):
    """Maps of an aggregation with these keys, each seen once."""

    def __init__(self, size: int, *keys: str) -> None:
        key = KeyField(0, size, "text")
        self.layout = AggregationLayout(Aggregation("", "count", (STRING,)), "agg_", (key,), size, 1, True)
        self._keys = keys

    def drain(self) -> Iterator[tuple[Key, Sequence[Words]]]:
        for key in self._keys:
            yield (key,), [[1]]


def test_aggregations_of_both_units_add_up() -> None:
    store = Store([_Maps(8, "read", "open")], Lookup(lambda at: None), lambda: Order(False, False, 0, 0), lambda: 0)
    store.learn([_Maps(24, "open", "a_longer_name")])
    store.learn([_Maps(24, "open")])
    lines = store.remaining().split()
    assert dict(zip(lines[::2], lines[1::2], strict=True)) == {"read": "1", "open": "3", "a_longer_name": "1"}


PROGRAM = """
int n; self int t; string s[int];
BEGIN { n = 5; s[1] = "kept"; self->t = 1; }
fbt:ext::entry { @[probefunc] = count(); n++; self->t = n; s[n] = probefunc; printf("%s %d", s[n], self->t); }
fbt:ext::return / self->t / { @[probefunc] = count(); stack(); printf("%d", arg1); self->t = 0; }
ERROR { printf("%d", arg4); }
END { printf("%d %s", n, s[1]); }
"""
SPECULATING = """
fbt:ext::entry { self->s = speculation(); }
fbt:ext::return / self->s / { speculate(self->s); printf("%s %d", probefunc, vtimestamp > 0); }
fbt:ext::return / self->s / { commit(self->s); self->s = 0; self->a[1] = 2; *(int *)0 == 1 ? 1 : 0; }
END { printf("5 kept"); }
"""


class _Text:
    """Of a kernel all of whose functions return at once."""

    def read(self, address: int, size: int) -> bytes:
        return b"\x0f\x1f\x44\x00\x00\xc3\xcc"

    def close(self) -> None:
        pass


@pytest.mark.skipif(not can_load_programs(), reason="loading BPF programs needs root")
@pytest.mark.parametrize("text", [PROGRAM, SPECULATING, f"BEGIN {{ }} {PROGRAM}" + "fbt:ext::entry { }" * 9])
@pytest.mark.parametrize("links", [FunctionLinks(True, True), FunctionLinks(False, False)])
def test_a_unit_that_joins(text: str, links: FunctionLinks, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It loads, with the same rings and variables; nothing is attached here."""
    start = Symbols().address("_text") or 0
    core = Traceable(CORE, array("Q", [start + 4096, start + 8192]))
    whole = Traceable([*CORE, *EXT], array("Q", [*(core.sites or ()), *(start + (4 << 20) + n for n in (0, 64, 128))]))
    lists, looks = iter([core, whole]), iter([{"m": "1"}, {"m": "1"}, {"m": "1", "ext": "2"}])
    monkeypatch.setattr(tracefs, "traceable", lambda: next(lists))
    monkeypatch.setattr(modules, "loaded", lambda: next(looks, {}))
    monkeypatch.setattr(features, "function_links", lambda address: links)
    monkeypatch.setattr(attach, "_attach_tracepoints", lambda *_: None)
    monkeypatch.setattr(prepare, "Text", _Text)
    seen: list[tuple[list[str], Tracer]] = []
    boxes: list[int] = []

    def attached(_: object, made: Attached, plan: Plan, tracer: Tracer, *__: object) -> None:
        seen.append(([probe.function for probe in plan.own if probe.provider == "fbt"], tracer))
        boxes.append(tracer.rings.word(8 * IDENTITY))
        if len(seen) == 2:
            for name in ("control", "rings", *(["globals_map"] if "int n" in text else [])):
                assert identity(seen[0][1], name) == identity(tracer, name)
            assert identity(seen[0][1], "frames") != identity(tracer, "frames")
            assert 0 != tracer.rings.word(8 * IDENTITY) != boxes[0], "another black box"
            assert not {"vtime", "thread_end", "begin", "end"} & set(tracer.programs)
            tracer.control.end()
        made.links += 1

    monkeypatch.setattr(attach, "_attach_functions", attached)
    script, report = tmp_path / "script.d", tmp_path / "report"
    script.write_text(f'fbt:vmlinux:vfs_read:entry {{ @["x"] = count(); }} {text}')
    outcome = run(["-Zqs", str(script), "-x", "statusrate=100ms", "-b", "64k", "--report", str(report)])
    assert (outcome.status, outcome.stderr) == (0, "")
    assert outcome.stdout.startswith("5 kept")
    assert [functions for functions, _ in seen] == [["vfs_read"], ["ext_open", "ext_open", "ext_close", "ext_close"]]
    assert '"probes": 5' in report.read_text()
    assert '"links": 2' in report.read_text()


def identity(tracer: Tracer, name: str) -> str:
    """The kernel's number of a map."""
    text = Path(f"/proc/self/fdinfo/{tracer.module.map_fd(name)}").read_text()
    return text.partition("map_id:")[2].split()[0]
