"""Memory shown: as text if it looks like that, else as a hex dump; floating-point and wide characters (contract 9.3, 9.5)."""

from __future__ import annotations

import math
import struct
from decimal import Decimal, localcontext

_TEXT = frozenset(range(32, 127)) | frozenset(b"\a\b\t\n\v\f\r")
_DIGITS = "0123456789abcdef"


def traced(raw: bytes, quiet: bool, rawbytes: bool) -> str:
    """Memory as trace() shows it: text that fills it, or is followed by nothing but zeroes, as such (U25, U26)."""
    shown = None if rawbytes else text(raw)
    if shown is None:
        return dump(raw)
    return shown if quiet else f"  {shown:<33}"


def text(raw: bytes) -> str | None:
    """The text that memory looks like, if it does."""
    given = raw.rstrip(b"\0")
    return given.decode("latin-1") if given and _TEXT.issuperset(given) else None


def dump(raw: bytes) -> str:
    """A hex dump (U35)."""
    lines = ["", " " * 11 + "".join(f"  {digit}" for digit in _DIGITS) + f"  {_DIGITS}"]
    for at in range(0, len(raw), 16):
        row = raw[at : at + 16]
        digits = "".join(f" {byte:02x}" for byte in row)
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        lines.append(f"     {at:>5x}:{digits:<48}  {text}")
    return "\n".join([*lines, ""])


def floating(raw: bytes) -> float | Decimal:
    """The number that 4, 8 or 16 bytes are: float, double, long double (x87's 80 bits)."""
    if len(raw) < 16:
        return float(struct.unpack("<f" if len(raw) == 4 else "<d", raw[:8])[0])
    mantissa, rest = struct.unpack("<QH", raw[:10])
    sign, exponent = rest >> 15, rest & 0x7FFF
    if exponent == 0x7FFF:
        special = math.nan if mantissa << 1 & (1 << 64) - 1 else math.inf
        return math.copysign(special, -1 if sign else 1)
    if not mantissa:
        return -0.0 if sign else 0.0
    with localcontext() as context:
        context.prec, context.Emax, context.Emin = 64, 999_999, -999_999
        number: Decimal = Decimal(mantissa) * Decimal(2) ** (max(exponent, 1) - 16383 - 63)
        return -number if sign else +number


def floating_text(raw: bytes, letter: str, flags: str, precision: int) -> tuple[str, str]:
    """Sign and digits of a floating-point number under %e, %f or %g and their kin, as C writes them."""
    number = floating(raw)
    negative = math.copysign(1, number) < 0
    sign = "-" if negative else "+" if "+" in flags else " " if " " in flags else ""
    number = -number if negative else number
    if not math.isfinite(number):
        return sign, str(float(number)).upper() if letter.isupper() else str(float(number))
    alternate = "#" if "#" in flags else ""
    if isinstance(number, Decimal) and letter in "efE":
        text = format(number, f".{precision}{letter}")
        mantissa, e, exponent = text.partition(letter if letter != "f" else "\0")
        return sign, f"{mantissa}{e}{int(exponent):+03d}" if e else text
    return sign, format(float(number), f"{alternate}.{precision}{letter}")


def wide(codes: bytes | int) -> str:
    """A wide character, or a string of them up to the first 0, as the bytes that a terminal wants (PF35, PF36)."""
    numbers = [codes & 0xFFFFFFFF] if isinstance(codes, int) else struct.unpack(f"<{len(codes) // 4}I", codes)
    text = ""
    for number in numbers:
        if number == 0 and not isinstance(codes, int):
            break
        text += chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else "\ufffd"
    return text.encode().decode("latin-1")


def whole(text: str) -> str:
    """The beginning of a wide string, without a character that has been cut (a precision counts bytes, as in C)."""
    return text.encode("latin-1").decode(errors="ignore").encode().decode("latin-1")
