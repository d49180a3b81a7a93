"""Random expressions of D: integers of every width, operators, assignments, strings and their subroutines."""

from __future__ import annotations

import random
from collections.abc import Callable

from tests.property import reference
from tests.property.reference import INT, KINDS, LEVELS, SIZE, WORD, Kind, Node, State, Text

_LITERALS = (
    *(Kind("int", 4, True), Kind("unsigned int", 4, False)),
    *(Kind("long", 8, True), Kind("unsigned long", 8, False)),
)
_EDGES = (
    *(0, 1, 2, 3, 7, 8, 10, 63, 64, 100, 127, 128, 255, 256, 32767, 32768, 65535, 65536),
    *(2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64 - 1),
)
_CHARACTERS = "abcAZ/.019 x-_"
_ARITHMETIC = ("+", "-", "*", "/", "%", "&", "|", "^")
_RELATIONAL = ("==", "!=", "<", "<=", ">", ">=")
LONGEST = 12
"""Characters of a string in a variable."""


def short(kind: Kind) -> str:
    """int32_t as i32."""
    return f"{'i' if kind.signed else 'u'}{8 * kind.size}"


class Variables:
    """The D variables that expressions use, and their declarations."""

    def __init__(self) -> None:
        self.fixed = {f"v_{short(kind)}": kind for kind in KINDS}
        self.changing = {f"w_{short(kind)}": kind for kind in KINDS}
        self.changing |= {f"this->t_{short(kind)}": kind for kind in KINDS[::2]}
        self.changing |= {f"self->s_{short(kind)}": kind for kind in KINDS[1::3]}
        self.arrays = {"a_u16": (KINDS[3], KINDS[4]), "a_i64": (KINDS[6], KINDS[0])}
        """Of the type of their elements and of their keys."""
        self.strings = ["q1", "q2", "q3", "self->r"]

    def declarations(self) -> list[str]:
        lines = [_declared(name, kind.name) for name, kind in (self.fixed | self.changing).items()]
        lines += [f"{kind.name} {name}[{key.name}];" for name, (kind, key) in self.arrays.items()]
        return lines + [_declared(name, "string") for name in self.strings]


def _declared(name: str, kind: str) -> str:
    scope, _, plain = name.rpartition("->")
    return f"{scope} {kind} {plain};".lstrip()


class Maker:
    """Makes expressions from a seed."""

    def __init__(self, seed: int | str) -> None:
        self.random = random.Random(seed)
        self.variables = Variables()

    # Integers

    def number(self, depth: int) -> Node:
        """An integer expression, at most so deep."""
        if depth <= 0 or self.random.random() < 0.08:
            return self._leaf()
        return self.random.choices(_MAKERS, _WEIGHTS)[0](self, depth - 1)

    def _leaf(self) -> Node:
        if self.random.random() < 0.3:
            return self.literal()
        name, kind = self.random.choice([*(self.variables.fixed | self.variables.changing).items()])
        return Node(name, LEVELS["primary"], kind, lambda state: state.numbers.get(name, 0))

    def literal(self) -> Node:
        """An integer literal (L2, L3, L5)."""
        value = (
            self.random.choice(_EDGES)
            if self.random.random() < 0.6
            else self.random.getrandbits(self.random.randint(1, 64))
        )
        if self.random.random() < 0.1:
            characters = self.random.choices("abcz09", k=self.random.randint(1, 4))
            number = int.from_bytes("".join(characters).encode(), "big")
            return Node(f"'{''.join(characters)}'", LEVELS["primary"], INT, lambda _: number, constant=True)
        form = self.random.choice("dxo")
        if form == "d" and value >= 1 << 63:
            form = "x"
        text = {"d": str(value), "x": f"{value:#x}", "o": f"0{value:o}"}[form]
        unsigned, long = self.random.random() < 0.2, self.random.random() < 0.2
        kinds = [
            kind
            for kind in _LITERALS
            if (not unsigned or not kind.signed) and (not long or kind.size == 8)
            if kind.signed or unsigned or form != "d"
        ]
        kind = next((k for k in kinds if value < 1 << 8 * k.size - k.signed), None)
        if kind is None:
            return self.literal()
        text += ("u" if unsigned else "") + ("l" if long else "")
        return Node(text, LEVELS["primary"], kind, lambda _: value, constant=True)

    def inside(self, node: Node | Text, level: int) -> str:
        """Its text as an operand of an operator: in parentheses if that binds more tightly, and now and then anyway."""
        return f"({node.text})" if node.level < level or self.random.random() < 0.1 else node.text

    def _unary(self, depth: int) -> Node:
        op, operand = self.random.choice("-~!"), self.number(depth)
        text = f"{op} {self.inside(operand, LEVELS['unary'])}"

        def value(state: State) -> int:
            number = operand.value(state)
            return {"-": -number, "~": ~number, "!": int(not number)}[op] & WORD

        return Node(text, LEVELS["unary"], INT if op == "!" else operand.kind, value, operand.constant)

    def _binary(self, depth: int) -> Node:
        op, left, right = self.random.choice(_ARITHMETIC), self.number(depth), self.number(depth)
        if op in "/%" and right.constant and not right.value(State()):
            right = self._variable()  # a constant would be an error (O24)
        kind = reference.common(left.kind, right.kind)
        return self._infix(op, left, right, kind, lambda a, b: reference.calculated(op, kind, a, b))

    def _shift(self, depth: int) -> Node:
        op, left = self.random.choice(("<<", ">>")), self.number(depth)
        if self.random.random() < 0.5:
            count = self.random.randint(0, 63)
            right = Node(str(count), LEVELS["primary"], INT, lambda _: count, constant=True)
        else:  # more than 63 is undefined (O5)
            inner = self.number(depth)
            text = f"({self.inside(inner, LEVELS['&'])} & 63)"
            right = Node(text, LEVELS["primary"], inner.kind, lambda state: inner.value(state) & 63, inner.constant)
        return self._infix(op, left, right, left.kind, lambda a, b: reference.calculated(op, left.kind, a, b))

    def _relation(self, depth: int) -> Node:
        op, left, right = self.random.choice(_RELATIONAL), self.number(depth), self.number(depth)
        kind = reference.common(left.kind, right.kind)

        def compared(a: int, b: int) -> int:
            if kind.signed:
                a, b = reference.signed(a), reference.signed(b)
            return reference.compared(op, a, b)

        return self._infix(op, left, right, INT, compared)

    def _infix(self, op: str, left: Node, right: Node, kind: Kind, calculate: Callable[[int, int], int]) -> Node:
        text = f"{self.inside(left, LEVELS[op])} {op} {self.inside(right, LEVELS[op] + 1)}"

        def value(state: State) -> int:
            first = left.value(state)
            return calculate(first, right.value(state))

        return Node(text, LEVELS[op], kind, value, left.constant and right.constant)

    def _logical(self, depth: int) -> Node:
        op, left, right = self.random.choice(("&&", "||", "^^")), self.number(depth), self.number(depth)
        text = f"{self.inside(left, LEVELS[op])} {op} {self.inside(right, LEVELS[op] + 1)}"

        def value(state: State) -> int:
            first = left.value(state) != 0
            if op == "^^":
                return int(first != (right.value(state) != 0))
            if first == (op == "||"):
                return int(first)
            return int(right.value(state) != 0)

        return Node(text, LEVELS[op], INT, value, left.constant and right.constant)

    def _conditional(self, depth: int) -> Node:
        condition, yes, no = self.number(depth), self.number(depth), self.number(depth)
        text = f"{self.inside(condition, LEVELS['?'] + 1)} ? {self.inside(yes, 1)} : {self.inside(no, LEVELS['?'])}"

        def value(state: State) -> int:
            return (yes if condition.value(state) else no).value(state)

        constant = condition.constant and yes.constant and no.constant
        return Node(text, LEVELS["?"], reference.common(yes.kind, no.kind), value, constant)

    def _cast(self, depth: int) -> Node:
        kind, operand = self.random.choice(KINDS), self.number(depth)
        text = f"({kind.name}){self.inside(operand, LEVELS['unary'])}"
        return Node(text, LEVELS["unary"], kind, lambda state: kind.held(operand.value(state)), operand.constant)

    def _comma(self, depth: int) -> Node:
        left, right = self.number(depth), self.number(depth)

        def value(state: State) -> int:
            left.value(state)
            return right.value(state)

        return Node(f"({left.text}, {self.inside(right, 1)})", LEVELS["primary"], right.kind, value)

    # Changing variables

    def _variable(self) -> Node:
        name, kind = self.random.choice([*self.variables.changing.items()])
        return Node(name, LEVELS["primary"], kind, lambda state: state.numbers.get(name, 0))

    def assigned(self, name: str, kind: Kind, value: Node) -> Node:
        """``name = value``."""

        def assign(state: State) -> int:
            state.numbers[name] = kind.held(value.value(state))
            return state.numbers[name]

        return Node(f"{name} = {self.inside(value, LEVELS['='])}", LEVELS["="], kind, assign)

    def _assignment(self, depth: int) -> Node:
        target, right = self._variable(), self.number(depth)
        name, kind = target.text, target.kind
        if self.random.random() < 0.4:
            return self.assigned(name, kind, right)
        op = self.random.choice((*_ARITHMETIC, "<<", ">>"))
        if op in ("<<", ">>"):
            right = self._limited(right)
        elif op in "/%" and right.constant and not right.value(State()):
            right = self._variable()

        def update(state: State) -> int:
            before = state.numbers.get(name, 0)
            state.numbers[name] = kind.held(reference.calculated(op, kind, before, right.value(state)))
            return state.numbers[name]

        return Node(f"{name} {op}= {self.inside(right, LEVELS['='])}", LEVELS["="], kind, update)

    def _limited(self, count: Node) -> Node:
        text = f"({self.inside(count, LEVELS['&'])} & 63)"
        return Node(text, LEVELS["primary"], count.kind, lambda state: count.value(state) & 63)

    def _step(self, _: int) -> Node:
        target, op, postfix = self._variable(), self.random.choice(("++", "--")), self.random.random() < 0.5
        name, kind, step = target.text, target.kind, 1 if op == "++" else -1

        def value(state: State) -> int:
            before = state.numbers.get(name, 0)
            state.numbers[name] = kind.held(before + step & WORD)
            return before if postfix else state.numbers[name]

        text = f"{name}{op}" if postfix else f"{op}{name}"
        return Node(text, LEVELS["postfix" if postfix else "unary"], kind, value)

    def _element(self, depth: int) -> Node:
        name, (kind, key) = self.random.choice([*self.variables.arrays.items()])
        index = self.number(depth)
        text = f"{name}[{self.inside(index, 1)}]"
        if self.random.random() < 0.5:
            return Node(
                text,
                LEVELS["postfix"],
                kind,
                lambda state: state.numbers.get((name, key.held(index.value(state))), 0),
            )
        new = self._leaf()

        def assign(state: State) -> int:
            value = kind.held(new.value(state))
            state.numbers[name, key.held(index.value(state))] = value
            return value

        return Node(f"{text} = {self.inside(new, LEVELS['='])}", LEVELS["="], kind, assign)

    # Strings

    def text(self, depth: int) -> Text:
        """A string expression."""
        if depth <= 0 or self.random.random() < 0.2:
            if self.random.random() < 0.5:
                return self.string()
            name = self.random.choice(self.variables.strings)
            return Text(name, LEVELS["primary"], lambda state: state.strings.get(name, ""))
        return self.random.choice([*_TEXTS.values()])(self, depth - 1)

    def string(self) -> Text:
        """A string literal."""
        value = "".join(self.random.choices(_CHARACTERS, k=self.random.randint(0, LONGEST)))
        return Text(f'"{value}"', LEVELS["primary"], lambda _: value)

    def _text_conditional(self, depth: int) -> Text:
        condition, yes, no = self.number(depth), self.text(depth), self.text(depth)
        text = f"{self.inside(condition, LEVELS['?'] + 1)} ? {self.inside(yes, 1)} : {self.inside(no, LEVELS['?'])}"
        return Text(text, LEVELS["?"], lambda state: (yes if condition.value(state) else no).value(state))

    def stored(self, name: str, value: Text) -> Text:
        """``name = value``."""

        def assign(state: State) -> str:
            state.strings[name] = value.value(state)
            return state.strings[name]

        return Text(f"{name} = {self.inside(value, LEVELS['='])}", LEVELS["="], assign)

    def _text_assignment(self, _: int) -> Text:
        return self.stored(self.random.choice(self.variables.strings), self.string())

    def _called(self, name: str, calculate: Callable[..., str], *arguments: Node | Text) -> Text:
        text = f"{name}({', '.join(self.inside(argument, 1) for argument in arguments)})"
        return Text(text, LEVELS["postfix"], lambda state: calculate(*[each.value(state) for each in arguments]))

    def _call_number(self, name: str, kind: Kind, calculate: Callable[..., int], *arguments: Node | Text) -> Node:
        text = f"{name}({', '.join(self.inside(argument, 1) for argument in arguments)})"

        def value(state: State) -> int:
            return calculate(*[each.value(state) for each in arguments]) & WORD

        return Node(text, LEVELS["postfix"], kind, value)

    def _in_base(self, depth: int) -> Text:
        base = self.random.randint(2, 36)
        number = Node(str(base), LEVELS["primary"], INT, lambda _: base)
        return self._called("lltostr", reference.in_base, self.number(depth), number)

    def _small(self) -> Node:
        """A number that positions and lengths of strings come to."""
        value = self.random.randint(-LONGEST - 3, LONGEST + 3)
        if value < 0:
            return Node(f"-{-value}", LEVELS["unary"], INT, lambda _: value & WORD)
        return Node(str(value), LEVELS["primary"], INT, lambda _: value)

    def _strings_compared(self, depth: int) -> Node:
        op, left, right = self.random.choice(_RELATIONAL), self.text(depth), self.text(depth)
        text = f"{self.inside(left, LEVELS[op])} {op} {self.inside(right, LEVELS[op] + 1)}"

        def value(state: State) -> int:
            first = left.value(state)
            return reference.compared(op, first, right.value(state))

        return Node(text, LEVELS[op], INT, value)

    def _of_strings(self, depth: int) -> Node:
        """A subroutine that makes a number of strings."""
        return self.random.choice([*_NUMBERS.values()])(self, depth)


def _int(register: int) -> int:
    """A register as an argument of type int."""
    return reference.signed(INT.held(register))


_MAKERS = (
    *(Maker._unary, Maker._binary, Maker._shift, Maker._relation, Maker._logical, Maker._conditional, Maker._cast),
    *(Maker._comma, Maker._assignment, Maker._step, Maker._element, Maker._strings_compared, Maker._of_strings),
)
_WEIGHTS = (10, 30, 8, 10, 6, 6, 10, 2, 4, 2, 3, 3, 4)

_NUMBERS: dict[str, Callable[[Maker, int], Node]] = {
    "": lambda make, depth: make._strings_compared(depth),
    "strlen": lambda make, depth: make._call_number("strlen", SIZE, len, make.text(depth)),
    "index": lambda make, depth: make._call_number(
        "index", INT, lambda s, t: reference.index(s, t, 0), make.text(depth), make.text(0)
    ),
    "rindex": lambda make, depth: make._call_number(
        "rindex", INT, lambda s, t: reference.rindex(s, t, None), make.text(depth), make.text(0)
    ),
    "index ": lambda make, depth: make._call_number(
        "index", INT, lambda s, t, n: reference.index(s, t, _int(n)), make.text(depth), make.text(0), make._small()
    ),
    "rindex ": lambda make, depth: make._call_number(
        "rindex", INT, lambda s, t, n: reference.rindex(s, t, _int(n)), make.text(depth), make.text(0), make._small()
    ),
    "strtoll": lambda make, depth: make._call_number(
        "strtoll", Kind("int64_t", 8, True), lambda s: reference.to_number(s, 10), make.text(depth)
    ),
    "htons": lambda make, depth: make._call_number(
        "htons", KINDS[3], lambda n: int.from_bytes((n & 0xFFFF).to_bytes(2, "little"), "big"), make.number(depth)
    ),
    "ntohl": lambda make, depth: make._call_number(
        "ntohl", KINDS[5], lambda n: int.from_bytes((n & 0xFFFFFFFF).to_bytes(4, "little"), "big"), make.number(depth)
    ),
    "htonll": lambda make, depth: make._call_number(
        "htonll", KINDS[7], lambda n: int.from_bytes(n.to_bytes(8, "little"), "big"), make.number(depth)
    ),
}
"""By name; "" always, and a blank behind it tells two uses of one subroutine apart."""

_TEXTS: dict[str, Callable[[Maker, int], Text]] = {
    "": lambda make, depth: make._text_conditional(depth),
    " ": lambda make, depth: make._text_assignment(depth),
    "strjoin": lambda make, depth: make._called("strjoin", lambda a, b: a + b, make.text(depth), make.text(depth)),
    "substr": lambda make, depth: make._called(
        "substr", lambda s, n: reference.substr(s, _int(n), None), make.text(depth), make._small()
    ),
    "substr ": lambda make, depth: make._called(
        "substr",
        lambda s, n, count: reference.substr(s, _int(n), _int(count)),
        *(make.text(depth), make._small(), make._small()),
    ),
    "toupper": lambda make, depth: make._called("toupper", reference.upper, make.text(depth)),
    "tolower": lambda make, depth: make._called("tolower", reference.lower, make.text(depth)),
    "basename": lambda make, depth: make._called("basename", reference.basename, make.text(depth)),
    "dirname": lambda make, depth: make._called("dirname", reference.dirname, make.text(depth)),
    "lltostr": lambda make, depth: make._called("lltostr", lambda n: reference.in_base(n, 10), make.number(depth)),
    "lltostr ": lambda make, depth: make._in_base(depth),
}
