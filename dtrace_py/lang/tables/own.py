"""The names that D has built in."""

from __future__ import annotations

from dtrace_py.lang.tables.actions import ACTIONS
from dtrace_py.lang.tables.aggregating import AGGREGATING
from dtrace_py.lang.tables.subroutines import SUBROUTINES
from dtrace_py.lang.tables.variables import BUILTINS, CONSTANTS

OWN: frozenset[str] = frozenset().union(BUILTINS, CONSTANTS, ACTIONS, SUBROUTINES, AGGREGATING)
