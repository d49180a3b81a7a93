"""From syntax to typed expressions: names, types, conversions and their errors (contract sections 3 and 4)."""

from __future__ import annotations

from typing import assert_never

from dtrace_py.lang import ast, constants, typed
from dtrace_py.lang.errors import CompileError, not_built
from dtrace_py.lang.program import Variable
from dtrace_py.lang.scope import Scope, pointee
from dtrace_py.lang.source import Span
from dtrace_py.lang.tables.actions import ACTIONS
from dtrace_py.lang.tables.aggregating import AGGREGATING
from dtrace_py.lang.tables.stability import STABLE
from dtrace_py.lang.tables.subroutines import SUBROUTINES
from dtrace_py.lang.tables.variables import BUILTINS, CONSTANTS
from dtrace_py.lang.types import (
    CHAR,
    INT,
    INT64,
    LONG,
    SIZE,
    STRING,
    UINTPTR,
    VOID,
    ArrayType,
    DynamicType,
    IntType,
    PointerType,
    StringType,
    StructType,
    Type,
    VoidType,
    compatible,
    is_scalar,
    is_string_like,
    same,
    size_of,
    usual,
)
from dtrace_py.record import changed

_INTEGER_OPS = frozenset("% & | ^ << >>".split())
_COMPARISONS = frozenset("< <= > >= == !=".split())
_LOGICAL = frozenset("&& || ^^".split())


class ExpressionChecker:
    """Types the expressions of one clause after another; names that an assignment makes join the scope at once."""

    def __init__(self, scope: Scope, strsize: int) -> None:
        self.scope = scope
        self.strsize = strsize
        self.stability = STABLE
        """The lowest stability of the names seen since it was last set."""

    # Values

    def value(self, node: ast.Expr) -> typed.Expr:
        """The node as an ordinary value: structures, void and dynamic things are refused where they cannot be one."""
        result = self.check(node)
        if isinstance(result.type, ArrayType) and isinstance(result, typed.Load):
            return changed(result.address, type=PointerType(result.type.element))
        return result

    def check(self, node: ast.Expr) -> typed.Expr:
        """The typed form of a node; a structure or array stands for the memory it is in."""
        try:
            return self._check(node)
        except CompileError as error:
            error.span = error.span or node.span
            raise

    def _check(self, node: ast.Expr) -> typed.Expr:
        match node:
            case ast.Int(text=text):
                value, kind = constants.integer(text, node.span)
                return typed.Const(kind, node.span, value)
            case ast.Char(value=text):
                return typed.Const(INT, node.span, constants.character(text))
            case ast.String(value=text):
                return typed.Text(STRING, node.span, text)
            case ast.Name():
                return self._name(node)
            case ast.Scoped():
                return self._variable(node, node.scope, node.name)
            case ast.Aggregation(name=name):
                raise CompileError("D_OP_DYN", f"@{name} may not be used in an expression", node.span)
            case ast.Call():
                return self._call(node)
            case ast.Index():
                return self._index(node)
            case ast.Member():
                return self._member(node)
            case ast.Unary():
                return self._unary(node)
            case ast.Step():
                return self._step(node)
            case ast.Binary():
                return self._binary(node)
            case ast.Assign():
                return self._assign(node)
            case ast.Conditional():
                return self._conditional(node)
            case ast.Comma():
                return self._comma(node)
            case ast.Cast():
                return self._cast(node)
            case ast.SizeOfType():
                return self._sizeof(self.scope.resolve(node.type), node.span)
            case ast.OffsetOf() | ast.Xlate():
                raise not_built("offsetof" if isinstance(node, ast.OffsetOf) else "xlate", node.span)
        assert_never(node)

    # Names

    def _name(self, node: ast.Name) -> typed.Expr:
        name = node.name
        if "`" in name:
            raise not_built(f"the kernel symbol {name}", node.span)
        if self.scope.variable("global", name):
            return self._variable(node, "global", name)
        if name in CONSTANTS:
            return typed.Const(LONG if name == "NULL" else INT, node.span, CONSTANTS[name])
        if builtin := BUILTINS.get(name):
            if not builtin.built:
                raise not_built(f"the variable {name}", node.span)
            self.stability &= builtin.stability
            self.scope.builtins.add(name)
            return typed.Read(self.scope.builtin(builtin.type), node.span, builtin)
        if name in ACTIONS or name in SUBROUTINES or name in AGGREGATING:
            raise CompileError("D_IDENT_BADREF", f"function '{name}' may not be referenced as a variable", node.span)
        if (constant := self.scope.enumerator(name)) is not None:
            return typed.Const(constant[1], node.span, constant[0])
        raise CompileError("D_IDENT_UNDEF", f"failed to resolve {name}: Unknown variable name", node.span)

    def _variable(self, node: ast.Name | ast.Scoped, scope: str, name: str) -> typed.Value:
        variable = self.scope.variable(scope, name)
        if variable is None:
            raise _undefined(scope, name, node.span)
        if variable.keys is not None:
            raise CompileError("D_IDENT_BADREF", f"array '{variable}' may not be referenced as a scalar", node.span)
        return typed.Value(variable.type, node.span, variable)

    def _call(self, node: ast.Call) -> typed.Expr:
        name = node.function.name
        if (action := ACTIONS.get(name)) and action.result != "void":
            raise _not_in_expression(name, node.span)
        if action or name in AGGREGATING:
            # No value: what is wrong with that depends on where one is wanted (O26).
            nothing = typed.Const(INT, node.span, 0)
            return typed.Convert(VOID if action else DynamicType(), node.span, nothing)
        if name in SUBROUTINES:
            raise not_built(f"{name}( )", node.span)
        if name in BUILTINS or self.scope.variable("global", name):
            raise CompileError("D_FUNC_IDKIND", f"variable '{name}' may not be referenced as a function", node.span)
        raise CompileError("D_FUNC_UNDEF", f"undefined function name: {name}", node.span)

    # Memory

    def _index(self, node: ast.Index) -> typed.Expr:
        if array := self._array(node.base):
            return self._element(node, array)
        base = node.base
        if self._unknown_variable(base):
            assert isinstance(base, ast.Name | ast.Scoped)
            raise _undefined(*_names(base), node.span, array=True)
        pointer = self.value(base)
        if len(node.keys) > 1:
            raise CompileError("D_ARR_BADREF", "cannot use array operator with a scalar variable", node.span)
        if isinstance(pointer.type, StringType):
            raise not_built("an index into a string", node.span)
        target = pointee(pointer.type)
        return typed.Load(target, node.span, self._offset(pointer, self.value(node.keys[0]), "+", node.span))

    def _array(self, base: ast.Expr) -> Variable | None:
        """The associative array that a node names, if it does."""
        if not isinstance(base, ast.Name | ast.Scoped):
            return None
        variable = self.scope.variable(*_names(base))
        return variable if variable and variable.keys is not None else None

    def _unknown_variable(self, base: ast.Expr) -> bool:
        if isinstance(base, ast.Scoped):
            return self.scope.variable(base.scope, base.name) is None
        if not isinstance(base, ast.Name) or "`" in base.name:
            return False
        return self.scope.may_declare(base.name) and self.scope.variable("global", base.name) is None

    def _element(self, node: ast.Index, array: Variable) -> typed.Value:
        assert array.keys is not None
        keys = self.keys(str(array), node.keys, array.keys, node.span)
        return typed.Value(array.type, node.span, array, keys)

    def keys(
        self, name: str, nodes: tuple[ast.Expr, ...], kinds: tuple[Type, ...], span: Span
    ) -> tuple[typed.Expr, ...]:
        """Index expressions converted to an array's key types (V4)."""
        if len(nodes) != len(kinds):
            raise wrong_count(f"{name}[ ]", len(nodes), len(kinds), span, "key")
        keys = []
        for number, (node, kind) in enumerate(zip(nodes, kinds, strict=True), start=1):
            key = self.value(node)
            if not compatible(kind, key.type) and not _is_zero(key):
                raise wrong_argument(f"{name}[ ]", "key", number, kind, key.type, node.span)
            keys.append(self.convert(key, kind))
        return tuple(keys)

    def key_type(self, key: typed.Expr, name: str, number: int, what: str) -> Type:
        """The type of a key at its first use; raises D_KEY_TYPE where there can be none."""
        if is_string_like(key.type):
            return STRING
        if not is_scalar(key.type):
            text = f"{key.type} expression may not be used as {what} index: key #{number}"
            raise CompileError("D_KEY_TYPE", text, key.span)
        return key.type

    def _member(self, node: ast.Member) -> typed.Expr:
        base = self.value(node.base) if node.arrow else self.check(node.base)
        kind = base.type
        if node.arrow:
            if not isinstance(kind, PointerType):
                raise CompileError("D_OP_PTR", f'left-hand side of "->" must be a pointer: "{kind}"', node.span)
            kind, address = kind.target, base
        elif isinstance(base, typed.Load):
            address = base.address
        if not isinstance(kind, StructType):
            op = "->" if node.arrow else "."
            raise CompileError("D_OP_SOU", f'operator {op} cannot be applied to type "{kind}"', node.span)
        if self.scope.source.size(kind) is None:
            raise CompileError(
                "D_OP_INCOMPLETE", f"operator -> cannot be applied to the forward-declared {kind}", node.span
            )
        field = self.scope.source.member(kind, node.name)
        if field is None:
            raise CompileError("D_TYPE_MEMBER", f"{node.name} is not a member of {kind}", node.span)
        return self._field(address, field.type, field.bit_offset, field.bit_size, node.span)

    def _field(self, address: typed.Expr, kind: Type, bits: int, width: int | None, span: Span) -> typed.Expr:
        if width is None:
            return typed.Load(kind, span, self._plus(address, bits // 8, span))
        size = size_of(kind, self.scope.source, self.strsize) or 8
        start = bits // (size * 8) * size
        return typed.Load(kind, span, self._plus(address, start, span), (bits - start * 8, width))

    def _plus(self, address: typed.Expr, offset: int, span: Span) -> typed.Expr:
        if offset == 0:
            return address
        return self._arithmetic("+", address, typed.Const(SIZE, span, offset), UINTPTR, span)

    # Operators

    def _unary(self, node: ast.Unary) -> typed.Expr:
        if node.op == "sizeof":
            return self._sizeof(self._size_type(node.operand), node.span)
        if node.op == "&":
            return self._address(node)
        operand = self.value(node.operand)
        match node.op:
            case "stringof":
                return self._stringof(operand, node.span)
            case "*":
                return typed.Load(pointee(operand.type), node.span, operand)
            case "!":
                self._require_scalar("!", operand)
                if isinstance(operand, typed.Const):
                    return typed.Const(INT, node.span, int(operand.value == 0))
                return typed.Not(INT, node.span, operand)
        if not isinstance(operand.type, IntType):
            tag, what = ("D_OP_INT", "an integral") if node.op == "~" else ("D_OP_ARITH", "an arithmetic")
            raise CompileError(tag, f"operator {node.op} requires an operand of {what} type", node.span)
        if node.op == "+":
            return operand
        if isinstance(operand, typed.Const):
            value = ~operand.value if node.op == "~" else -operand.value
            return typed.Const(operand.type, node.span, constants.wrap(value, operand.type))
        return typed.Unary(operand.type, node.span, node.op, operand)

    def _size_type(self, node: ast.Expr) -> Type:
        if isinstance(node, ast.String):
            return ArrayType(CHAR, len(node.value) + 1)
        operand = self.check(node)
        if isinstance(operand, typed.Load) and operand.bits:
            raise CompileError("D_SIZEOF_BITFIELD", "cannot apply sizeof to a bit-field", node.span)
        return operand.type

    def _sizeof(self, kind: Type, span: Span) -> typed.Expr:
        size = size_of(kind, self.scope.source, self.strsize)
        if size is None:
            raise CompileError("D_SIZEOF_TYPE", f"cannot apply sizeof to a {kind} of unknown size", span)
        return typed.Const(SIZE, span, size)

    def _address(self, node: ast.Unary) -> typed.Expr:
        operand = self.check(node.operand)
        if isinstance(operand, typed.Value | typed.Read):
            raise CompileError("D_ADDROF_VAR", "cannot take the address of a D variable", node.span)
        if not isinstance(operand, typed.Load):
            raise CompileError("D_ADDROF_LVAL", "operator & requires an lvalue operand", node.span)
        if operand.bits:
            raise CompileError("D_ADDROF_BITFIELD", "cannot take the address of a bit-field", node.span)
        return changed(operand.address, type=PointerType(operand.type))

    def _binary(self, node: ast.Binary) -> typed.Expr:
        left, right = self.value(node.left), self.value(node.right)
        if node.op in _LOGICAL:
            self._require_scalar(node.op, left, right)
            return typed.Logical(INT, node.span, node.op, left, right)
        if node.op in _COMPARISONS:
            return self._compare(node.op, left, right, node.span)
        if node.op in ("+", "-") and (isinstance(left.type, PointerType) or isinstance(right.type, PointerType)):
            return self._pointer_arithmetic(node.op, left, right, node.span)
        return self._plain(node.op, left, right, node.span)

    def _plain(self, op: str, left: typed.Expr, right: typed.Expr, span: Span) -> typed.Expr:
        """Arithmetic on integers (C2, C3)."""
        if isinstance(left.type, IntType) and isinstance(right.type, IntType):
            kind = left.type if op in ("<<", ">>") else usual(left.type, right.type)
            return self._arithmetic(op, left, right, kind, span)
        if op in ("+", "-") and (isinstance(left.type, StringType) or isinstance(right.type, StringType)):
            raise not_built("arithmetic on a string's address", span)
        if isinstance(left.type, VoidType | DynamicType) or isinstance(right.type, VoidType | DynamicType):
            raise _incompatible(op, left.type, right.type, span)
        if op in _INTEGER_OPS:
            raise CompileError("D_OP_INT", f"operator {op} requires operands of integral type", span)
        raise CompileError("D_OP_ARITH", f"operator {op} requires operands of arithmetic type", span)

    def _arithmetic(self, op: str, left: typed.Expr, right: typed.Expr, kind: Type, span: Span) -> typed.Expr:
        if isinstance(right, typed.Const):
            if op in ("/", "%") and right.value == 0:
                raise CompileError("D_DIV_ZERO", "expression contains division by zero", span)
            if isinstance(left, typed.Const):
                return typed.Const(kind, span, constants.arithmetic(op, left.value, right.value, kind))
        return typed.Arithmetic(kind, span, op, left, right)

    def _pointer_arithmetic(self, op: str, left: typed.Expr, right: typed.Expr, span: Span) -> typed.Expr:
        if isinstance(left.type, PointerType) and isinstance(right.type, PointerType):
            if op == "+" or not same(left.type, right.type):
                raise _incompatible(op, left.type, right.type, span)
            size = self._pointee_size(left.type, span)
            difference = self._arithmetic("-", left, right, INT64, span)
            return self._arithmetic("/", difference, typed.Const(INT64, span, size), INT64, span)
        if isinstance(right.type, PointerType):
            left, right = right, left
            if op == "-":
                raise _incompatible(op, right.type, left.type, span)
        if not isinstance(right.type, IntType):
            raise _incompatible(op, left.type, right.type, span)
        return self._offset(left, right, op, span)

    def _offset(self, pointer: typed.Expr, index: typed.Expr, op: str, span: Span) -> typed.Expr:
        """``pointer op index`` in units of what it points to (C6)."""
        assert isinstance(pointer.type, PointerType)
        if not isinstance(index.type, IntType):
            raise _incompatible(op, pointer.type, index.type, span)
        size = self._pointee_size(pointer.type, span)
        scaled = self._arithmetic("*", index, typed.Const(INT64, span, size), INT64, span) if size != 1 else index
        return self._arithmetic(op, pointer, scaled, pointer.type, span)

    def _pointee_size(self, kind: PointerType, span: Span) -> int:
        size = size_of(kind.target, self.scope.source, self.strsize)
        if not size:
            raise CompileError("D_OP_VFPTR", f'operation on pointer to type "{kind.target}" of unknown size', span)
        return size

    def _compare(self, op: str, left: typed.Expr, right: typed.Expr, span: Span) -> typed.Expr:
        if isinstance(left.type, StringType) or isinstance(right.type, StringType):
            if _is_zero(left) or _is_zero(right):
                zero = typed.Text(STRING, span, "")
                left, right = (zero if _is_zero(side) else side for side in (left, right))
            if not (is_string_like(left.type) and is_string_like(right.type)):
                raise _incompatible(op, left.type, right.type, span)
            return typed.CompareStrings(INT, span, op, self.string(left), self.string(right))
        if isinstance(left.type, IntType) and isinstance(right.type, IntType):
            signed = usual(left.type, right.type).signed
        elif is_scalar(left.type) and is_scalar(right.type):
            if not (compatible(left.type, right.type) or _is_zero(left) or _is_zero(right)):
                raise _incompatible(op, left.type, right.type, span)
            signed = False
        else:
            raise _incompatible(op, left.type, right.type, span)
        return typed.Compare(INT, span, op, left, right, signed)

    def _conditional(self, node: ast.Conditional) -> typed.Expr:
        condition = self.value(node.condition)
        self._require_scalar("?:", condition)
        _refuse_actions(node.yes, node.no)
        yes, no = self.value(node.yes), self.value(node.no)
        if isinstance(yes.type, StringType) or isinstance(no.type, StringType):
            if not all(is_string_like(arm.type) or _is_zero(arm) for arm in (yes, no)):
                raise _incompatible("?:", yes.type, no.type, node.span)
            yes, no = self.convert(yes, STRING), self.convert(no, STRING)
            return typed.Conditional(STRING, node.span, condition, yes, no)
        kind = self._arm_type(yes, no, node.span)
        return typed.Conditional(kind, node.span, condition, yes, no)

    def _arm_type(self, yes: typed.Expr, no: typed.Expr, span: Span) -> Type:
        if isinstance(yes.type, IntType) and isinstance(no.type, IntType):
            return usual(yes.type, no.type)
        if isinstance(yes.type, PointerType) and (_is_zero(no) or compatible(yes.type, no.type)):
            return yes.type
        if isinstance(no.type, PointerType) and _is_zero(yes):
            return no.type
        raise _incompatible("?:", yes.type, no.type, span)

    def _comma(self, node: ast.Comma) -> typed.Expr:
        _refuse_actions(node.left, node.right)
        left, right = self.value(node.left), self.value(node.right)
        return typed.Comma(right.type, node.span, left, right)

    def _require_scalar(self, op: str, *operands: typed.Expr) -> None:
        for operand in operands:
            if not is_scalar(operand.type):
                raise CompileError("D_OP_SCALAR", f"operator {op} requires operands of scalar type", operand.span)

    # Conversions

    def _cast(self, node: ast.Cast) -> typed.Expr:
        kind = self.scope.resolve(node.type)
        operand = self.check(node.operand)
        if isinstance(operand.type, ArrayType) and isinstance(operand, typed.Load):
            if isinstance(kind, StringType):
                return self.string(operand)
            operand = changed(operand.address, type=PointerType(operand.type.element))
        if isinstance(kind, VoidType):
            if name := _action(node.operand):
                raise _not_in_expression(name, node.span)
            return typed.Convert(kind, node.span, operand)
        if isinstance(kind, StringType) and (is_scalar(operand.type) or isinstance(operand.type, StringType)):
            return self._stringof(operand, node.span)
        if is_scalar(kind) and is_scalar(operand.type):
            return self.convert(operand, kind)
        raise CompileError("D_CAST_INVAL", f'invalid cast expression: "{operand.type}" to "{kind}"', node.span)

    def _stringof(self, operand: typed.Expr, span: Span) -> typed.Expr:
        if isinstance(operand.type, StringType):
            return operand
        if not is_scalar(operand.type):
            text = f'cannot convert expression of type "{operand.type}" to a string'
            raise CompileError("D_STRINGOF_TYPE", text, span)
        return typed.StringAt(STRING, span, operand)

    def string(self, operand: typed.Expr) -> typed.Expr:
        """A string-compatible value as a string (S5)."""
        if isinstance(operand.type, StringType):
            return operand
        if isinstance(operand, typed.Load) and isinstance(operand.type, ArrayType):
            return typed.StringAt(STRING, operand.span, operand.address, operand.type.count)
        return typed.StringAt(STRING, operand.span, operand)

    def convert(self, operand: typed.Expr, kind: Type) -> typed.Expr:
        """A value as another type that it is compatible with; bits are lost here and nowhere else (C1, V10)."""
        if isinstance(kind, StringType):
            return typed.Const(STRING, operand.span, 0) if _is_zero(operand) else self.string(operand)
        if isinstance(operand, typed.Const):
            return changed(operand, type=kind, value=constants.cut(operand.value, kind))
        return typed.Convert(kind, operand.span, operand)

    # Assignment

    def _assign(self, node: ast.Assign) -> typed.Expr:
        if isinstance(node.target, ast.Aggregation):
            raise CompileError("D_OP_DYN", "an aggregation may only be assigned as a statement", node.span)
        if node.op is not None:
            target = self._target(node.target, node.op + "=")
            return self._update(node.op, target, self.value(node.value), node.span)
        value = self._right_side(node.value)
        target = self._target_or_new(node.target, value)
        kind = target.type
        if not (compatible(kind, value.type) or (_is_zero(value) and not isinstance(kind, StructType))):
            raise _incompatible("=", kind, value.type, node.span)
        return typed.Assign(kind, node.span, target, self.convert(value, kind))

    def _right_side(self, node: ast.Expr) -> typed.Expr:
        value = self.check(node)
        if isinstance(value.type, ArrayType) and not is_string_like(value.type):
            raise CompileError("D_OP_ARRFUN", "operator = may not be applied to an array", node.span)
        if isinstance(value.type, StructType):
            raise not_built("a variable of structure type", node.span)
        if isinstance(value.type, VoidType | DynamicType):
            raise CompileError("D_OP_INCOMPAT", f'expression of type "{value.type}" cannot be assigned', node.span)
        return value

    def _target_or_new(self, node: ast.Expr, value: typed.Expr) -> typed.Value:
        """The variable an assignment names; a new name gets the type of the value (V7)."""
        if isinstance(node, ast.Name | ast.Scoped) and self._unknown_variable(node):
            if isinstance(value.type, ArrayType):
                raise CompileError("D_OP_ARRFUN", "operator = may not be applied to an array", node.span)
            scope, name = _names(node)
            variable = self.scope.define(Variable(scope, name, value.type))
            return typed.Value(value.type, node.span, variable)
        if isinstance(node, ast.Index) and self._unknown_variable(node.base):
            assert isinstance(node.base, ast.Name | ast.Scoped)
            return self._new_array(node, node.base, value)
        return self._target(node, "=")

    def _new_array(self, node: ast.Index, base: ast.Name | ast.Scoped, value: typed.Expr) -> typed.Value:
        scope, name = _names(base)
        if scope == "this":
            raise CompileError("D_ARR_LOCAL", f"this->{name} may not be used as an associative array", node.span)
        keys = tuple(self.value(key) for key in node.keys)
        what = "associative array"
        kinds = tuple(self.key_type(key, name, number, what) for number, key in enumerate(keys, start=1))
        variable = self.scope.define(Variable(scope, name, value.type, kinds))
        return typed.Value(value.type, node.span, variable, tuple(map(self.convert, keys, kinds)))

    def _target(self, node: ast.Expr, op: str) -> typed.Value:
        """The variable that an assignment or a step changes; it must exist and be writable (V11)."""
        if isinstance(node, ast.Name) and self.scope.variable("global", node.name) is None:
            if node.name in BUILTINS or "`" in node.name:
                raise CompileError("D_OP_WRITE", f"operator {op} can only be applied to a writable variable", node.span)
            if node.name in CONSTANTS:
                raise CompileError("D_OP_LVAL", f"operator {op} requires modifiable lvalue as an operand", node.span)
            if self.scope.may_declare(node.name):
                raise CompileError("D_VAR_UNDEF", f"{node.name} has not yet been declared or assigned", node.span)
        target = self.check(node)
        if isinstance(target, typed.Value) and isinstance(node, ast.Name | ast.Scoped | ast.Index):
            return target
        if isinstance(target, typed.Load):
            raise CompileError("D_OP_WRITE", f"operator {op} can only be applied to a writable variable", node.span)
        raise CompileError("D_OP_LVAL", f"operator {op} requires modifiable lvalue as an operand", node.span)

    def _update(self, op: str, target: typed.Value, value: typed.Expr, span: Span, postfix: bool = False) -> typed.Expr:
        """``target op= value``: the value is scaled for pointers; the target's type decides the width of the result."""
        kind = target.type
        if isinstance(kind, PointerType) and op in ("+", "-") and isinstance(value.type, IntType):
            size = typed.Const(INT64, span, self._pointee_size(kind, span))
            value = self._arithmetic("*", value, size, INT64, span)
        elif not isinstance(kind, IntType) or not isinstance(value.type, IntType):
            raise _incompatible(f"{op}=", kind, value.type, span)
        if op in ("/", "%") and _is_zero(value):
            raise CompileError("D_DIV_ZERO", "expression contains division by zero", span)
        return typed.Update(kind, span, op, target, value, postfix)

    def _step(self, node: ast.Step) -> typed.Expr:
        if isinstance(node.operand, ast.Name | ast.Scoped) and self._unknown_variable(node.operand):
            self.scope.define(Variable(*_names(node.operand), INT64))
        elif isinstance(node.operand, ast.Index) and self._unknown_variable(node.operand.base):
            assert isinstance(node.operand.base, ast.Name | ast.Scoped)
            self._new_array(node.operand, node.operand.base, typed.Const(INT64, node.span, 0))
        op = "++" if node.delta > 0 else "--"
        target = self._target(node.operand, op)
        if not is_scalar(target.type):
            raise CompileError("D_OP_SCALAR", f"operator {op} requires operand of scalar type", node.span)
        one = typed.Const(INT64, node.span, 1)
        return self._update("+" if node.delta > 0 else "-", target, one, node.span, node.postfix)


def _names(node: ast.Name | ast.Scoped) -> tuple[str, str]:
    return ("global", node.name) if isinstance(node, ast.Name) else (node.scope, node.name)


def _undefined(scope: str, name: str, span: Span, array: bool = False) -> CompileError:
    if scope == "global" and not array:
        return CompileError("D_IDENT_UNDEF", f"failed to resolve {name}: Unknown variable name", span)
    shown = name if scope == "global" else f"{scope}->{name}"
    return CompileError("D_VAR_UNDEF", f"{shown} has not yet been declared or assigned", span)


def _action(node: ast.Expr) -> str | None:
    """The name of the action or aggregating function that a node calls."""
    if isinstance(node, ast.Call):
        name = node.function.name
        return name if name in ACTIONS or name in AGGREGATING else None
    return None


def _not_in_expression(name: str, span: Span) -> CompileError:
    return CompileError(
        "D_CG_EXPR", f"{name}( ) may not be called from a D expression (D program context required)", span
    )


def _refuse_actions(*nodes: ast.Expr) -> None:
    """Raise D_OP_ACT for an action in the comma operator or an arm of ``?:`` (O26)."""
    for node in nodes:
        if (name := _action(node)) and (name not in ACTIONS or ACTIONS[name].result == "void"):
            raise CompileError("D_OP_ACT", f"{name}( ) may not be used as an operand of an expression", node.span)


def _is_zero(value: typed.Expr) -> bool:
    return isinstance(value, typed.Const) and value.value == 0


def _incompatible(op: str, left: Type, right: Type, span: Span) -> CompileError:
    return CompileError("D_OP_INCOMPAT", f'operands have incompatible types: "{left}" {op} "{right}"', span)


def wrong_count(
    name: str, passed: int, expected: int, span: Span, what: str = "arg", least: bool = False
) -> CompileError:
    """D_PROTO_LEN (13.6)."""
    at_least = "at least " if least else ""
    text = (
        f"{name} prototype mismatch: {passed} {what}{'' if passed == 1 else 's'} passed, {at_least}{expected} expected"
    )
    return CompileError("D_PROTO_LEN", text, span)


def wrong_argument(name: str, what: str, number: int, wanted: Type | str, given: Type, span: Span) -> CompileError:
    """D_PROTO_ARG (13.6)."""
    text = f"{name} {what} #{number} is incompatible with prototype:\n\tprototype: {wanted}\n\t argument: {given}"
    return CompileError("D_PROTO_ARG", text, span)
