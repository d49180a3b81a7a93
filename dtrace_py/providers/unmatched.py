"""Why a description matches nothing: what of the kernel it names that has no probe, or what it may have meant."""

from __future__ import annotations

import re

from dtrace_py.lang.describe import Description, is_glob
from dtrace_py.lang.errors import CompileError
from dtrace_py.lang.hints import did_you_mean, similar
from dtrace_py.lang.source import Span
from dtrace_py.providers.registry import Registry

LATER = frozenset("cpc fasttrap io ip lockstat mib pid proc rawtp sched sdt sysinfo tcp udp vminfo".split())
"""Providers that DTrace has and dtpy has not yet; a process's own have names that end in its number (P26)."""

_FUNCTION = 2
_PLACES = (0, 1, 3, _FUNCTION)
"""The fields, those first that are more easily the wrong one."""


_FEW = 3
"""So many possibilities are all named, though none is like what was written."""


def unmatched(description: Description, span: Span, providers: Registry) -> CompileError:
    """D_PDESC_ZERO (P24)."""
    text = f"probe description {description} does not match any probes"
    return CompileError("D_PDESC_ZERO", text, span, lambda: hint(description, providers))


def hint(description: Description, providers: Registry) -> str | None:
    """What may help who wrote the description."""
    provider = description.provider
    if re.fullmatch(r"pid\d+", provider):
        return "no process has such a number"
    if provider in LATER or re.fullmatch(r".*\D\d+", provider):
        return f"the provider {provider} is not implemented (yet)"
    for function, reason in providers.left_out(description):
        return f"{function} exists but cannot be traced: {reason}"
    if meant := did_you_mean(_meant(description, providers)):
        return meant
    if (
        provider == "fbt"
        and providers.tells(description)
        and description.function
        and not is_glob(description.function)
    ):
        return f"this kernel has no function {description.function}: it may be inlined wherever it is called"
    return None


def _meant(description: Description, providers: Registry) -> list[str]:
    """Descriptions that match something, and differ in one field."""
    for place in _PLACES:
        fields = list(description.fields)
        written, fields[place] = fields[place], ""
        if not written or is_glob(written):
            continue
        provider, module, function, name = fields
        known = _values(Description(provider, module, function, name), place, providers)
        close = similar(written, known) or (sorted(known) if place != _FUNCTION and len(known) <= _FEW else [])
        if close:
            return [":".join((*fields[:place], value, *fields[place + 1 :])) for value in close]
    return []


def _values(description: Description, place: int, providers: Registry) -> set[str]:
    """What stands in a field of the probes that a description matches."""
    found: set[str] = set()
    for _, provider, module, function, names in providers.families(description):
        found.update(((provider,), (module,), (function,), names)[place])
    return found
