"""Statements of a clause: actions, aggregating assignments, plain expressions (contract sections 6 and 8)."""

from __future__ import annotations

from collections.abc import Callable

from dtrace_py.lang import ast, typed
from dtrace_py.lang.check_conversions import convert, string
from dtrace_py.lang.check_errors import wrong_argument, wrong_count
from dtrace_py.lang.check_expressions import ExpressionChecker
from dtrace_py.lang.check_formats import check_printa, check_printf
from dtrace_py.lang.check_memory import key_type
from dtrace_py.lang.errors import CompileError, not_built
from dtrace_py.lang.formats import parse_format
from dtrace_py.lang.program import Aggregation, Linear
from dtrace_py.lang.source import Span
from dtrace_py.lang.tables.actions import ACTIONS, Action
from dtrace_py.lang.tables.aggregating import AGGREGATING
from dtrace_py.lang.tables.subroutines import SUBROUTINES
from dtrace_py.lang.types import (
    INT64,
    UINTPTR,
    ArrayType,
    DynamicType,
    IntType,
    StackType,
    StructType,
    SymbolType,
    VoidType,
    compatible,
    is_scalar,
    is_string_like,
)

_KEY_ACTIONS = frozenset({"stack", "sym", "func", "mod"})

_MOST_FRAMES = 127
"""What the kernel records of a stack (sysctl kernel.perf_event_max_stack); asking for more is no error."""


class StatementChecker:
    """Types the statements of one clause. ``frames`` is the depth of stack() where it is not told."""

    def __init__(self, expressions: ExpressionChecker, frames: int) -> None:
        self.expressions = expressions
        self.scope = expressions.scope
        self.frames = frames

    def statement(self, node: ast.Expr) -> list[typed.Statement]:
        """The typed statements that one statement stands for: one, but for a comma expression of several."""
        if isinstance(node, ast.Assign) and isinstance(node.target, ast.Aggregation):
            return [self._aggregate(node.target, node)]
        if isinstance(node, ast.Aggregation):
            raise CompileError("D_AGG_NULL", f"@{node.name} must be assigned an aggregating function", node.span)
        if isinstance(node, ast.Call) and node.function.name in ACTIONS:
            return [self._action(ACTIONS[node.function.name], node)]
        value = self.expressions.check(node)
        if isinstance(value.type, DynamicType):
            raise CompileError("D_AGG_FUNC", "an aggregating function must be assigned to an aggregation", node.span)
        if isinstance(value.type, StructType | ArrayType):
            raise not_built(f"an expression of type {value.type} as a statement", node.span)
        return [typed.Evaluate(value)]

    # Actions

    def _action(self, action: Action, node: ast.Call) -> typed.Statement:
        name, given = action.name, len(node.arguments)
        if given < action.least or (action.most is not None and given > action.most):
            least = action.most is None or (given < action.least and action.least != action.most)
            expected = action.least if given < action.least or action.most is None else action.most
            raise wrong_count(f"{name}( )", given, expected, node.span, least=least)
        if not action.built:
            raise not_built(f"{name}( )", node.span)
        if name in _KEY_ACTIONS:
            return typed.Record(self._recorded(name, node))
        handlers: dict[str, Callable[[ast.Call], typed.Statement]] = {
            "trace": self._trace,
            "printf": self._printf,
            "printa": self._printa,
            "exit": self._exit,
            "clear": self._clear,
            "trunc": self._trunc,
            "normalize": self._normalize,
            "denormalize": self._normalize,
        }
        return handlers[name](node)

    def _trace(self, node: ast.Call) -> typed.Statement:
        argument = node.arguments[0]
        if isinstance(argument, ast.Aggregation):
            raise CompileError("D_TRACE_AGG", "trace( ) may not be applied to an aggregation", node.span)
        name = _called(argument)
        if name in ACTIONS and ACTIONS[name].result == "void":
            raise CompileError("D_TRACE_VOID", "trace( ) may not be applied to a void expression", node.span)
        if name in AGGREGATING:
            raise CompileError("D_TRACE_DYN", "trace( ) may not be applied to a dynamic expression", node.span)
        value = self.expressions.check(argument)
        match value.type:
            case VoidType():
                raise CompileError("D_TRACE_VOID", "trace( ) may not be applied to a void expression", node.span)
            case DynamicType():
                raise CompileError("D_TRACE_DYN", "trace( ) may not be applied to a dynamic expression", node.span)
            case StructType() | ArrayType() if not is_string_like(value.type):
                raise not_built(f"trace( ) of type {value.type}", node.span)
            case ArrayType():
                return typed.Trace(string(value))
        return typed.Trace(value)

    def _printf(self, node: ast.Call) -> typed.Statement:
        text = node.arguments[0]
        if not isinstance(text, ast.String):
            raise CompileError("D_PRINTF_ARG_FMT", "printf( ) argument #1 must be a string constant", text.span)
        parsed = parse_format(text.value, text.span)
        arguments = tuple(self._printable(argument) for argument in node.arguments[1:])
        return typed.Printf(parsed, check_printf(parsed, arguments, node.span))

    def _printable(self, node: ast.Expr) -> typed.Expr:
        name = _called(node)
        if (name in ACTIONS and ACTIONS[name].result == "void") or name in AGGREGATING:
            text = f"printf( ) argument is incompatible with its conversion: {name}( ) has no value"
            raise CompileError("D_PRINTF_ARG_TYPE", text, node.span)
        value = self.expressions.check(node)
        return string(value) if isinstance(value.type, ArrayType) and is_string_like(value.type) else value

    def _exit(self, node: ast.Call) -> typed.Statement:
        status = self.expressions.value(node.arguments[0])
        if not isinstance(status.type, IntType):
            raise wrong_argument("exit( )", "argument", 1, "int", status.type, node.arguments[0].span)
        return typed.Exit(status)

    # Aggregations as arguments

    def _printa(self, node: ast.Call) -> typed.Statement:
        arguments, parsed = list(node.arguments), None
        if isinstance(arguments[0], ast.String):
            parsed = parse_format(arguments[0].value, arguments[0].span)
            arguments.pop(0)
            if not arguments:
                raise CompileError("D_PRINTA_PROTO", "printa( ) prototype mismatch: aggregation expected", node.span)
        aggregations = tuple(self._named(argument, "PRINTA", "printa") for argument in arguments)
        first = aggregations[0]
        for other in aggregations[1:]:
            if len(other.keys) != len(first.keys):
                text = f"printa( ) @{other.name} has {len(other.keys)} keys, @{first.name} has {len(first.keys)}"
                raise CompileError("D_PRINTA_AGGKEY", text, node.span)
            if not all(map(compatible, first.keys, other.keys)):
                text = f"printa( ) @{other.name} keys are incompatible with those of @{first.name}"
                raise CompileError("D_PRINTA_AGGPROTO", text, node.span)
        if parsed:
            check_printa(parsed, aggregations, node.span)
        return typed.Printa(parsed, aggregations)

    def _clear(self, node: ast.Call) -> typed.Statement:
        return typed.Clear(self._named(node.arguments[0], "CLEAR", "clear"))

    def _trunc(self, node: ast.Call) -> typed.Statement:
        aggregation = self._named(node.arguments[0], "TRUNC", "trunc")
        if len(node.arguments) == 1:
            return typed.Trunc(aggregation, None)
        return typed.Trunc(aggregation, self._scalar(node.arguments[1], "D_TRUNC_SCALAR", "trunc( ) limit"))

    def _normalize(self, node: ast.Call) -> typed.Statement:
        aggregation = self._named(node.arguments[0], "NORMALIZE", node.function.name)
        if len(node.arguments) == 1:
            return typed.Normalize(aggregation, None)
        factor = self._scalar(node.arguments[1], "D_NORMALIZE_SCALAR", "normalize( ) factor")
        return typed.Normalize(aggregation, factor)

    def _scalar(self, node: ast.Expr, tag: str, what: str) -> typed.Expr:
        value = self.expressions.value(node)
        if not is_scalar(value.type):
            raise CompileError(tag, f"{what} must be of scalar type", node.span)
        return value

    def _named(self, node: ast.Expr, tag: str, action: str) -> Aggregation:
        """The aggregation that an argument names (G74)."""
        if not isinstance(node, ast.Aggregation):
            raise CompileError(f"D_{tag}_AGGARG", f"{action}( ) argument must be an aggregation", node.span)
        if found := self.scope.aggregations.get(node.name):
            return found
        if node.keys is None:
            raise CompileError("D_IDENT_UNDEF", f"failed to resolve @{node.name}: Unknown aggregation name", node.span)
        raise CompileError(f"D_{tag}_AGGBAD", f"undefined aggregation: @{node.name}", node.span)

    # Aggregating assignments

    def _aggregate(self, target: ast.Aggregation, node: ast.Assign) -> typed.Statement:
        call = node.value
        if node.op is not None:
            raise CompileError("D_OP_INCOMPAT", f"operator {node.op}= may not be applied to an aggregation", node.span)
        function = _called(call)
        if not isinstance(call, ast.Call) or function not in AGGREGATING:
            self._refuse_arithmetic(call)
            if function is not None and function not in ACTIONS and function not in SUBROUTINES:
                self.expressions.check(call)  # there is no such function
            text = f"@{target.name} must be assigned the result of an aggregating function"
            raise CompileError("D_AGG_FUNC", text, node.span)
        row = AGGREGATING[function]
        keys = [self._key(key) for key in target.keys or ()]
        if not row.least <= len(call.arguments) <= row.most:
            expected = row.least if len(call.arguments) < row.least else row.most
            least = row.least != row.most and expected == row.least
            raise wrong_count(f"{function}( )", len(call.arguments), expected, call.span, least=least)
        if not row.built:
            raise not_built(f"{function}( )", call.span)
        arguments = tuple(self.expressions.value(argument) for argument in call.arguments)
        if arguments and not is_scalar(arguments[0].type):
            text = f"{function}( ) argument #1 must be of scalar type"
            raise CompileError("D_AGG_SCALAR", text, call.arguments[0].span)
        linear = _linear(arguments, call.span) if function == "lquantize" else None
        increment = _increment(function, arguments)
        aggregation = self._declared(target, function, keys, linear, node.span)
        converted = self._converted(aggregation, keys, target.span)
        values = (*arguments[:1], *increment)
        return typed.Aggregate(aggregation, converted, tuple(convert(v, INT64) for v in values))

    def _refuse_arithmetic(self, node: ast.Expr) -> None:
        """``@a = count() + 1`` is an error of its own (G3)."""
        if isinstance(node, ast.Binary):
            for side in (node.left, node.right):
                if _called(side) in AGGREGATING:
                    text = f'operands have incompatible types: "<DYN>" {node.op} "int"'
                    raise CompileError("D_OP_INCOMPAT", text, node.span)

    def _key(self, node: ast.Expr) -> typed.Key:
        if isinstance(node, ast.Call):
            name = node.function.name
            if name in _KEY_ACTIONS:
                return self._recorded(name, node)
            if name in ACTIONS and ACTIONS[name].result != "void":
                raise not_built(f"{name}( ) as a key", node.span)
        value = self.expressions.check(node)
        return string(value) if isinstance(value.type, ArrayType) else value

    def _recorded(self, name: str, node: ast.Call) -> typed.StackKey | typed.SymbolKey:
        """stack(), sym(), func() or mod(), as a statement or as a key (A16)."""
        most = ACTIONS[name].most
        if most is not None and len(node.arguments) > most:
            raise wrong_count(f"{name}( )", len(node.arguments), most, node.span)
        if name == "stack":
            return typed.StackKey(self._frame_count(node), StackType(), node.span)
        if not node.arguments:
            raise wrong_count(f"{name}( )", 0, 1, node.span)
        address = self.expressions.value(node.arguments[0])
        if not is_scalar(address.type):
            raise wrong_argument(f"{name}( )", "argument", 1, "uintptr_t", address.type, node.span)
        return typed.SymbolKey(name, convert(address, UINTPTR), SymbolType(name), node.span)

    def _frame_count(self, node: ast.Call) -> int:
        if not node.arguments:
            return min(self.frames, _MOST_FRAMES)
        count = self.expressions.value(node.arguments[0])
        if not isinstance(count, typed.Const) or count.value <= 0:
            raise CompileError("D_STACK_SIZE", "stack( ) size must be a non-zero positive constant", node.span)
        return min(count.value, _MOST_FRAMES)

    def _declared(
        self, target: ast.Aggregation, function: str, keys: list[typed.Key], linear: Linear | None, span: Span
    ) -> Aggregation:
        """The aggregation of that name, made at its first use; later uses must agree with it (G2)."""
        name = target.name
        known = self.scope.aggregations.get(name)
        if known is None:
            what = "aggregation"
            kinds = tuple(
                key.type if isinstance(key, typed.StackKey | typed.SymbolKey)
                else key_type(key, f"@{name}", number, what)
                for number, key in enumerate(keys, start=1)
            )  # fmt: skip
            made = Aggregation(name, function, kinds, linear)
            self.scope.aggregations[name] = made
            return made
        if known.function != function:
            text = f"aggregation redefined: @{name} = {function}( ) was @{name} = {known.function}( )"
            raise CompileError("D_AGG_REDEF", text, span)
        if linear and known.linear:
            _match_linear(known.linear, linear, span)
        return known

    def _converted(self, aggregation: Aggregation, keys: list[typed.Key], span: Span) -> tuple[typed.Key, ...]:
        name = f"@{aggregation.name}[ ]"
        if len(keys) != len(aggregation.keys):
            raise wrong_count(name, len(keys), len(aggregation.keys), span, "key")
        converted: list[typed.Key] = []
        for number, (key, kind) in enumerate(zip(keys, aggregation.keys, strict=True), start=1):
            if not compatible(kind, key.type):
                raise wrong_argument(name, "key", number, kind, key.type, key.span)
            if isinstance(key, typed.StackKey | typed.SymbolKey):
                converted.append(key)
            else:
                converted.append(convert(key, kind))
        return tuple(converted)


def _called(node: ast.Expr) -> str | None:
    """The name of the function that is called here, if one is."""
    return node.function.name if isinstance(node, ast.Call) and isinstance(node.function, ast.Name) else None


def _constant(value: typed.Expr, tag: str, what: str, span: Span) -> int:
    if not isinstance(value, typed.Const) or not isinstance(value.type, IntType):
        raise CompileError(tag, f"lquantize( ) {what} must be an integer constant", span)
    return value.value


def _linear(arguments: tuple[typed.Expr, ...], span: Span) -> Linear:
    """The checked constants of lquantize() (G16, 13.10)."""
    base = _constant(arguments[1], "D_LQUANT_BASETYPE", "argument #2 (base)", span)
    limit = _constant(arguments[2], "D_LQUANT_LIMTYPE", "argument #3 (limit)", span)
    step = _constant(arguments[3], "D_LQUANT_STEPTYPE", "argument #4 (step)", span) if len(arguments) > 3 else 1
    if not -(1 << 31) <= base < 1 << 31:
        raise CompileError("D_LQUANT_BASEVAL", "lquantize( ) base must be a 32-bit quantity", span)
    if not -(1 << 31) <= limit < 1 << 31:
        raise CompileError("D_LQUANT_LIMVAL", "lquantize( ) limit must be a 32-bit quantity", span)
    if step <= 0:
        raise CompileError("D_LQUANT_STEPTYPE", "lquantize( ) step must be a non-zero positive constant", span)
    if step > 65535:
        raise CompileError("D_LQUANT_STEPVAL", "lquantize( ) step must be a 16-bit quantity", span)
    if base >= limit:
        raise CompileError("D_LQUANT_MISMATCH", "lquantize( ) base must be less than its limit", span)
    levels = (limit - base) // step
    if levels < 1:
        raise CompileError("D_LQUANT_STEPLARGE", "lquantize( ) step leaves no level between base and limit", span)
    if levels > 65535:
        raise CompileError("D_LQUANT_STEPSMALL", "lquantize( ) step leaves more than 65535 levels", span)
    return Linear(base, step, levels)


def _match_linear(known: Linear, given: Linear, span: Span) -> None:
    for part, tag in (("base", "BASE"), ("step", "STEP"), ("levels", "LIM")):
        if getattr(known, part) != getattr(given, part):
            text = f"lquantize( ) {'limit' if part == 'levels' else part} differs from its earlier use"
            raise CompileError(f"D_LQUANT_MATCH{tag}", text, span)


def _increment(function: str, arguments: tuple[typed.Expr, ...]) -> tuple[typed.Expr, ...]:
    """The increment of a distribution, if one is given (G22)."""
    first = {"quantize": 1, "lquantize": 4}.get(function)
    if first is None or len(arguments) <= first:
        return ()
    value = arguments[first]
    if not is_scalar(value.type):
        raise wrong_argument(f"{function}( )", "argument", first + 1, INT64, value.type, value.span)
    return (value,)
