"""How records are printed, as the options say at the moment."""

from __future__ import annotations

from dtrace_py.options import Options
from dtrace_py.record import record


@record
class Style:
    """The options that concern every record."""

    quiet: bool
    flowindent: bool
    stackindent: int
    rawbytes: bool


def style_of(options: Options) -> Style:
    """What these options say."""
    flag = options.flag
    return Style(flag("quiet"), flag("flowindent"), options.number("stackindent"), flag("rawbytes"))
