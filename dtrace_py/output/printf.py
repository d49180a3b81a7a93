"""printf: values through the conversions of a format, as C does it with DTrace's additions (contract 6.6)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dtrace_py.lang.formats import Conversion, Format
from dtrace_py.output import memory, network, values
from dtrace_py.record import record

Value = int | str | bytes | tuple[int, ...]

_MASK = (1 << 64) - 1
_WIDEST = 1 << 20
"""What is asked to be wider than this is wrong, and not worth the memory."""


@record
class Argument:
    """A value to print: integers with their size in bytes and sign; for symbols and stacks, what they are shown as."""

    value: Value
    size: int = 8
    signed: bool = True
    symbol: str = ""


OfValue = Callable[[Conversion, Iterator["Argument"]], str]
"""Renders a conversion that takes an aggregation's value; what its stars take is next among the arguments."""


def render(fmt: Format, arguments: Iterator[Argument], lookup: values.Lookup, value: OfValue | None = None) -> str:
    """The text of a format."""
    pieces = []
    for part in fmt.parts:
        if isinstance(part, str):
            pieces.append(part)
        elif part.of_value and value is not None:
            pieces.append(value(part, arguments))
        else:
            pieces.append(convert(part, arguments, lookup))
    return "".join(pieces)


def convert(conversion: Conversion, arguments: Iterator[Argument], lookup: values.Lookup) -> str:
    """One conversion; the arguments of its stars come before its value."""
    flags, width, precision = conversion.flags, conversion.width, conversion.precision
    if width == "*":
        width = values.as_signed(_number(next(arguments)), 4)
        if width < 0:
            flags, width = flags + "-", -width
    if precision == "*":
        precision = values.as_signed(_number(next(arguments)), 4)
    argument = next(arguments)
    # Of "-" and "0" the last one wins (PF1, PF2).
    flags = flags.replace("0" if flags.rfind("-") > flags.rfind("0") else "-", "")
    width = 16 if "?" in flags and width is None else int(width or 0)
    field = _Field(flags, min(width, _WIDEST), min(int(precision or 0), _WIDEST))
    wide = _WIDE_CONVERSIONS.get(conversion.size + conversion.letter)
    return (wide or _CONVERSIONS[conversion.letter])(argument, field, lookup)


@record
class _Field:
    """Flags, width and precision with the stars resolved. Precision 0 is none at all (PF8)."""

    flags: str
    width: int
    precision: int

    def text(self, text: str) -> str:
        return f"{text:<{self.width}}" if "-" in self.flags else f"{text:>{self.width}}"

    def number(self, digits: str, sign: str = "", prefix: str = "") -> str:
        """A number: its digits padded to the precision, then all of it to the width."""
        digits = digits.rjust(max(self.precision, 0), "0")
        if "0" in self.flags and self.precision <= 0:
            digits = digits.rjust(self.width - len(sign) - len(prefix), "0")
        return self.text(sign + prefix + digits)


def _number(argument: Argument) -> int:
    assert isinstance(argument.value, int)
    return argument.value


def _decimal(argument: Argument, field: _Field, _: values.Lookup) -> str:
    value = _number(argument)
    sign = "-" if value < 0 else "+" if "+" in field.flags and argument.signed else ""
    if not sign and " " in field.flags and argument.signed:
        sign = " "
    return field.number(str(abs(value)), sign)


def _unsigned(argument: Argument) -> int:
    return _number(argument) & (1 << argument.size * 8) - 1


def _octal(argument: Argument, field: _Field, _: values.Lookup) -> str:
    digits = f"{_unsigned(argument):o}".rjust(field.precision, "0")
    # The alternate form is only about the first digit: no more than it takes to make that a zero.
    return field.number(f"0{digits}" if "#" in field.flags and not digits.startswith("0") else digits)


def _hexadecimal(code: str) -> Callable[[Argument, _Field, values.Lookup], str]:
    def convert(argument: Argument, field: _Field, _: values.Lookup) -> str:
        value = _unsigned(argument)
        return field.number(f"{value:{code}}", prefix=f"0{code}" if "#" in field.flags and value else "")

    return convert


def _character(argument: Argument, field: _Field, _: values.Lookup) -> str:
    return field.text(chr(_number(argument) & 0xFF))


def _escaped_character(argument: Argument, field: _Field, _: values.Lookup) -> str:
    return field.text(values.escaped(chr(_number(argument) & 0xFF), quotes=False))


def _text(argument: Argument) -> str:
    """A string, or an array of characters up to the first 0."""
    value = argument.value
    return value.split(b"\0", 1)[0].decode("latin-1") if isinstance(value, bytes) else str(value)


def _string(argument: Argument, field: _Field, _: values.Lookup) -> str:
    text = _text(argument)
    return field.text(text[: field.precision] if field.precision > 0 else text)


def _escaped_string(argument: Argument, field: _Field, _: values.Lookup) -> str:
    return field.text(values.escaped(_text(argument)))


def _symbol(argument: Argument, field: _Field, lookup: values.Lookup) -> str:
    at = _number(argument) & _MASK
    return field.text(values.symbol(at, "mod", lookup) if argument.symbol == "mod" else values.address(at, lookup))


def _stack(argument: Argument, field: _Field, lookup: values.Lookup) -> str:
    assert isinstance(argument.value, tuple)
    return values.stack(argument.value, argument.symbol, field.width if "-" in field.flags else 0, lookup)


def _user_symbol(argument: Argument, field: _Field, lookup: values.Lookup) -> str:
    at, what = argument.value, argument.symbol
    if isinstance(at, int):  # of the process that -c or -p named
        at, what = (lookup.users.target, at & _MASK), "uaddr"
    assert isinstance(at, tuple)
    return field.text(values.symbol(at, "umod" if what == "umod" else "uaddr", lookup))


def _calendar(argument: Argument, field: _Field, _: values.Lookup) -> str:
    return field.text(values.calendar(_number(argument)))


def _mail_date(argument: Argument, field: _Field, _: values.Lookup) -> str:
    return field.text(values.mail_date(_number(argument)))


def _floating(letter: str) -> Callable[[Argument, _Field, values.Lookup], str]:
    def convert(argument: Argument, field: _Field, _: values.Lookup) -> str:
        assert isinstance(argument.value, bytes)
        precision = field.precision if field.precision > 0 else 6
        sign, digits = memory.floating_text(argument.value, letter, field.flags, precision)
        if "0" in field.flags and digits[0].isdigit():
            digits = digits.rjust(field.width - len(sign), "0")
        return field.text(sign + digits)

    return convert


def _wide_character(argument: Argument, field: _Field, _: values.Lookup) -> str:
    return field.text(memory.wide(_number(argument)))


def _wide_string(argument: Argument, field: _Field, _: values.Lookup) -> str:
    assert isinstance(argument.value, bytes)
    text = memory.wide(argument.value)
    return field.text(memory.whole(text[: field.precision]) if field.precision > 0 else text)


def _port(argument: Argument, field: _Field, _: values.Lookup) -> str:
    return field.text(network.service(_number(argument)))


def _host(argument: Argument, field: _Field, _: values.Lookup) -> str:
    return field.text(network.host(_text(argument)))


_CONVERSIONS: dict[str, Callable[[Argument, _Field, values.Lookup], str]] = {
    "d": _decimal,
    "i": _decimal,
    "u": lambda argument, field, _: field.number(str(_unsigned(argument))),
    "o": _octal,
    "x": _hexadecimal("x"),
    "X": _hexadecimal("X"),
    "c": _character,
    "C": _escaped_character,
    "s": _string,
    "S": _escaped_string,
    "p": _hexadecimal("x"),
    "a": _symbol,
    "A": _user_symbol,
    "k": _stack,
    "Y": _calendar,
    "T": _mail_date,
    "P": _port,
    "I": _host,
    **{letter: _floating(letter) for letter in "eEfgG"},
}

_WIDE_CONVERSIONS = dict.fromkeys(("wc", "lc"), _wide_character) | dict.fromkeys(("ws", "ls"), _wide_string)
