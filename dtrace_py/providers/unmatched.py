"""Why a description matches nothing: what of the kernel it names that has no probe, or what it may have meant."""

from __future__ import annotations

from dtrace_py.lang.describe import Description
from dtrace_py.lang.errors import CompileError
from dtrace_py.lang.source import Span
from dtrace_py.providers.registry import Registry


def unmatched(description: Description, span: Span, providers: Registry) -> CompileError:
    """D_PDESC_ZERO (P24)."""
    text = f"probe description {description} does not match any probes"
    return CompileError("D_PDESC_ZERO", text, span)
