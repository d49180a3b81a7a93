"""The options, their kinds and limits (contract section 10)."""

from __future__ import annotations

import pytest

from dtrace_py.options import OPTIONS, Options, Phase

BAD = "Invalid value for specified option"

ACCEPTED = {
    # X4: sizes
    ("bufsize", "4096"): 4096,
    ("bufsize", "0x10"): 16,
    ("bufsize", "010"): 8,
    ("bufsize", "4k"): 4 << 10,
    ("bufsize", "1M"): 1 << 20,
    ("bufsize", "0x1g"): 1 << 30,
    ("bufsize", None): 0,
    # X5: rates
    ("aggrate", "97"): 97,
    ("aggrate", "10us"): 10_000,
    ("aggrate", "10USEC"): 10_000,
    ("aggrate", "2msec"): 2_000_000,
    ("aggrate", "3s"): 3 * 10**9,
    ("aggrate", "1m"): 60 * 10**9,
    ("aggrate", "1hour"): 3600 * 10**9,
    ("aggrate", "2d"): 2 * 86400 * 10**9,
    ("aggrate", "3hz"): 10**9 // 3,
    ("aggrate", "0hz"): 0,
    ("aggrate", None): 0,
    # X6: numbers and flags of the run
    ("quiet", None): 0,
    ("quiet", "0"): 0,
    ("quiet", "set"): 1,
    ("quiet", "YES"): 1,
    ("quiet", "unset"): None,
    ("quiet", ""): None,
    ("stackframes", "0x11"): 17,
    ("cpu", "all"): None,
    ("cpu", "3"): 3,
    # X3: flags of the compiler, words, versions, attributes
    ("errtags", None): 1,
    ("bufpolicy", "ring"): "ring",
    ("stdc", "t"): "t",
    ("version", "1.2.1"): 1 << 24 | 2 << 12 | 1,
    ("amin", "Evolving/Evolving/Common"): "Evolving/Evolving/Common",
    ("define", "X=1"): "X=1",
}

REFUSED = {
    ("bufsize", "4q"): BAD,
    ("bufsize", "4kk"): BAD,
    ("bufsize", "-1"): BAD,
    ("bufsize", "1.5m"): BAD,
    ("bufsize", "09"): BAD,
    ("bufsize", ""): BAD,
    ("bufsize", "0x8000000000000000"): BAD,
    ("bufsize", "9999999t"): BAD,
    ("aggrate", "1 s"): BAD,
    ("aggrate", "1parsec"): BAD,
    ("aggrate", "hz"): BAD,
    ("quiet", "maybe"): BAD,
    ("quiet", "-1"): BAD,
    ("strsize", "1"): BAD,
    ("stackframes", "0"): BAD,
    ("errtags", "1"): BAD,
    ("errtags", ""): BAD,
    ("bufpolicy", "round"): BAD,
    ("bufpolicy", None): BAD,
    ("version", "1.99"): BAD,
    ("version", "one"): BAD,
    ("amin", "Evolving/Common"): BAD,
    ("amin", "Evolving/Evolving/Sometimes"): BAD,
    ("define", None): BAD,
    ("nosuch", None): "Invalid option name",
    ("Quiet", None): "Invalid option name",
}


def show(pair: tuple[str, str | None]) -> str:
    return pair[0] if pair[1] is None else f"{pair[0]}={pair[1]}"


@pytest.mark.parametrize("pair", ACCEPTED, ids=show)
def test_accepted(pair: tuple[str, str | None]) -> None:
    assert OPTIONS[pair[0]].parse(pair[1]) == ACCEPTED[pair]
    options = Options()
    options.set(*pair)
    assert options.given == {pair[0]}


@pytest.mark.parametrize("pair", REFUSED, ids=show)
def test_refused(pair: tuple[str, str | None]) -> None:
    options = Options()
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the text is compared
        options.set(*pair)
    assert str(caught.value) == REFUSED[pair]
    assert not options.given


def test_the_last_one_wins() -> None:
    options = Options()
    assert options.number("strsize") == 256
    options.set("strsize", "100")
    options.set("strsize", "64")
    assert options.number("strsize") == 64


def test_unset_is_the_default_again() -> None:
    options = Options()
    options.set("stackindent", "3")
    options.set("stackindent", "off")
    assert options.number("stackindent") == 14
    assert not options.flag("quiet")
    options.set("quiet", "0")
    assert options.flag("quiet"), "0 counts as set"


def test_when_an_option_may_be_set() -> None:
    """X7 X8."""
    options = Options()
    for name in "cpphdrs cpppath define incdir undef ldpath objcopypath setenv unsetenv stdc".split():
        with pytest.raises(ValueError, match=r"^Option cannot be used from within a D program$"):
            options.set(name, "x", pragma=True)
    options.active = True
    for name, row in OPTIONS.items():
        if row.phase is not Phase.DYNAMIC:
            with pytest.raises(ValueError, match=r"^Operation illegal when tracing is active$"):
                options.set(name, "x")
    options.set("quiet", None)


def test_what_this_version_cannot_do() -> None:
    options = Options()
    options.set("ctypes", "/tmp/types")
    options.set("procfspath", "/proc")  # as it is anyway
    assert list(options.unbuilt) == ["ctypes"]
    options.active = True
    with pytest.raises(ValueError, match=r"^a value of stackindent above 65536 is not implemented \(yet\)$"):
        options.set("stackindent", "65537")


def test_environment() -> None:
    """X9: options of the environment, those that make no sense passed over."""
    options = Options()
    options.set_from(
        {"DTRACE_OPT_STRSIZE": "64", "DTRACE_OPT_QUIET": "", "DTRACE_OPT_BUFSIZE": "much", "DTRACE_OPT_X": "1"}
    )
    assert options.number("strsize") == 64
    assert options.given == {"strsize", "quiet"}


def test_hint() -> None:
    with pytest.raises(ValueError, match="Invalid option name") as caught:
        Options().set("quite", None)
    assert caught.value.__notes__ == ["did you mean quiet?"]
