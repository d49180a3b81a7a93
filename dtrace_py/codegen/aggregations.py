"""Aggregations: their keys, values and maps, and the updates of a clause (contract section 8).

Each aggregation has two maps of the same shape behind an outer map of one element. Programs use the one that the outer
map names; the consumer swaps them, waits until no program uses the old one, and empties that at leisure.
"""

from __future__ import annotations

from dtrace_py.codegen.dynamic import is_memory
from dtrace_py.codegen.environment import Environment, identifier
from dtrace_py.codegen.expressions import Expressions
from dtrace_py.codegen.layout import AggregationLayout, KeyField
from dtrace_py.codegen.operands import PROCESS, Buffer, Number, constant, padded
from dtrace_py.errors import DtpyError
from dtrace_py.lang import acts, typed
from dtrace_py.lang.program import Aggregation
from dtrace_py.lang.tables.aggregating import AGGREGATING
from dtrace_py.lang.types import IntType, PointerType, StackType, StringType, SymbolType, Type
from dtrace_py.record import changed

_STRUCTURES = {"avg": "struct aggregate_average average;", "stddev": "struct aggregate_deviation deviation;"}
_WORDS = {"avg": 2, "stddev": 4}

_OVERHEAD = 64
"""Bytes that the kernel adds to an element of a hash map, about."""

_MOST_ENTRIES = 65_536

_MOST_PROGRAMS = 64
"""More than a unit has: each needs one element of an aggregation without keys."""

_TOO_LARGE = 1 << 63
"""No 64-bit integer is as large as this."""

_MOST_BYTES = (4 << 20) - 1024
"""The largest value of any hash map (KMALLOC_MAX_SIZE, and what else is allocated with it)."""

_PER_CPU_BYTES = 32 << 10
"""The largest value of a per-CPU map (PCPU_MIN_UNIT_SIZE). Larger ones are in a plain map, with the CPU in the key."""


def text_size(key: typed.Expr, environment: Environment) -> int:
    """The bytes that a string expression may need, without generating it."""
    match key:
        case typed.Text(value=value):
            return padded(min(len(value.split("\0")[0]) + 1, environment.target.strsize))
        case typed.Read(builtin=builtin):
            size = environment.names.get(builtin.name, 0) or padded(builtin.size) or environment.bound
            return min(size, environment.bound)
    return environment.bound


def note(statement: acts.Aggregate, environment: Environment) -> None:
    """Note what a clause needs of an aggregation: the largest sizes of its keys. Done for all clauses before the first."""
    aggregation = environment.aggregations.setdefault(statement.aggregation.name, statement.aggregation)
    if _words(aggregation) * 8 > _MOST_BYTES:
        text = f"{aggregation.function}( ) of @{aggregation.name} has {aggregation.bins} bins, the most are {_MOST_BYTES // 8}"
        raise DtpyError(f"could not enable tracing: {text}")
    sizes = environment.key_sizes.setdefault(aggregation.name, [8] * len(aggregation.keys))
    for place, key in enumerate(statement.keys):
        size = 8
        match key:
            case acts.StackKey(frames=frames):
                size = frames * 8
            case acts.UserStackKey(frames=frames):
                size = 8 + frames * 8
                environment.user_stacks.add((aggregation.name, place))
            case acts.UserSymbolKey():
                size = 16
            case acts.SymbolKey():
                pass
            case _ if isinstance(key.type, StringType):
                size = text_size(key, environment)
            case _ if is_memory(key.type):
                size = environment.room(key.type)
        sizes[place] = max(sizes[place], size)


def stem_of(aggregation: Aggregation) -> str:
    """The name of an aggregation's outer map, and the stem of all else it has in C."""
    return f"agg_{identifier(aggregation.name)}"


def update(statement: acts.Aggregate, expressions: Expressions) -> None:
    """Generate ``@name[keys] = function(arguments)``."""
    writer, environment = expressions.writer, expressions.environment
    aggregation, stem = statement.aggregation, stem_of(statement.aggregation)
    parts = [_evaluated(key, expressions) for key in statement.keys]
    arguments = [expressions.save(expressions.number(argument)) for argument in statement.arguments]
    key = writer.fresh("key")
    writer.line(f"struct {stem}_key *{key} = &f->frame->temporaries.key.{stem};")
    if not _per_cpu(aggregation):
        writer.line(f"{key}->owner = (u64)f->cpu << 32 | f->program;")
    elif aggregation.name in environment.shared:
        writer.line(f"{key}->owner = f->program;")
    elif not parts:
        writer.line(f"{key}->nothing = 0;")
    for place, (node, part) in enumerate(zip(statement.keys, parts, strict=True)):
        member, size = f"{key}->key{place}", environment.key_sizes[aggregation.name][place]
        if isinstance(part, Buffer) and is_memory(node.type):
            writer.line(f"COPY({member}, {size}, {part.text});")
        elif isinstance(part, Buffer):
            expressions.strings.copy(member, size, part)
        elif isinstance(node, acts.UserSymbolKey):
            assert isinstance(part, Number)
            writer.line(f"{member}[0] = {PROCESS};")
            writer.line(f"{member}[1] = {part.text};")
        elif isinstance(part, Number):
            writer.line(f"{member} = {part.text};")
        else:
            assert isinstance(node, acts.StackKey | acts.UserStackKey)
            writer.line(f"string_clear((char *){member}, {size});")
            _stack(member, node, (aggregation.name, place) in environment.user_stacks, expressions)
    value = writer.fresh("slot")
    writer.line(f"struct {stem}_value *{value} = {stem}_slot(f, {key});")
    writer.line(f"if ({value})")
    writer.line(f"    {_apply(aggregation, value, [argument.text for argument in arguments])}")


def _stack(member: str, node: acts.StackKey | acts.UserStackKey, user: bool, expressions: Expressions) -> None:
    """A stack as a key. Where others of that key are of processes, the kernel's are those of process 0."""
    if isinstance(node, acts.UserStackKey):
        room = f"{node.strings}ULL << 32 | " if node.strings else ""
        expressions.writer.line(f"{member}[0] = {room}{PROCESS};")
        expressions.user_stack(f"{member} + 1", node.frames)
    else:
        expressions.stack(f"{member} + 1" if user else member, node.frames)


def _evaluated(key: acts.Key, expressions: Expressions) -> Number | Buffer | None:
    if isinstance(key, acts.StackKey | acts.UserStackKey):
        return None
    if isinstance(key, acts.SymbolKey | acts.UserSymbolKey):
        return expressions.save(expressions.number(key.address))
    if is_memory(key.type):
        return expressions.memory.key(key)
    return expressions.operand(key)


def _apply(aggregation: Aggregation, value: str, arguments: list[str]) -> str:
    match aggregation.function:
        case "count":
            return f"{value}->count++;"
        case "sum":
            return f"{value}->sum += {arguments[0]};"
        case "min" | "max" as function:
            return f"aggregate_{function}(&{value}->distance, {arguments[0]});"
        case "avg":
            return f"aggregate_average(&{value}->average, {arguments[0]});"
        case "stddev":
            return f"aggregate_deviation(&{value}->deviation, {arguments[0]});"
    increment = arguments[1] if len(arguments) > 1 else "1"
    if aggregation.loglinear:
        return (
            f"ADD_TO_BIN(BINS({value}), {stem_of(aggregation)}_bin({arguments[0]}), {aggregation.bins}, {increment});"
        )
    if aggregation.linear is None:
        return f"aggregate_quantize(BINS({value}), {arguments[0]}, {increment});"
    linear = aggregation.linear
    return f"aggregate_lquantize(BINS({value}), {arguments[0]}, {linear.base}, {linear.step}, {linear.levels}, {increment});"


# Declarations


def layout(aggregation: Aggregation, environment: Environment) -> AggregationLayout:
    """Where an aggregation's keys are, as the C structure has them."""
    offset = 8 if _has_owner(aggregation, environment) or not aggregation.keys else 0
    keys = []
    for place, (kind, size) in enumerate(zip(aggregation.keys, environment.key_sizes[aggregation.name], strict=True)):
        field = _key_field(kind, offset, size, environment)
        keys.append(changed(field, kind="ustack") if (aggregation.name, place) in environment.user_stacks else field)
        offset += size
    stem, words = stem_of(aggregation), _words(aggregation)
    return AggregationLayout(aggregation, stem, tuple(keys), offset, words, _per_cpu(aggregation))


def _key_field(kind: Type, offset: int, size: int, environment: Environment) -> KeyField:
    match kind:
        case StringType():
            return KeyField(offset, size, "text")
        case StackType():
            return KeyField(offset, size, "stack")
        case SymbolType(what=what):
            return KeyField(offset, size, what)
        case IntType(size=width, signed=signed):
            return KeyField(offset, size, "int", width, signed)
        case PointerType():
            return KeyField(offset, size, "int", 8, False)
        case _ if is_memory(kind):
            return KeyField(offset, size, "memory", environment.size(kind))
    raise AssertionError(f"{kind} is no key")


def _words(aggregation: Aggregation) -> int:
    """64-bit words of a value."""
    if AGGREGATING[aggregation.function].distribution:
        return aggregation.bins
    return _WORDS.get(aggregation.function, 1)


def _per_cpu(aggregation: Aggregation) -> bool:
    """Whether the kernel keeps a value for each CPU by itself."""
    return _words(aggregation) * 8 <= _PER_CPU_BYTES


def _has_owner(aggregation: Aggregation, environment: Environment) -> bool:
    """Whether the program, and for large values the CPU, that an element belongs to is in its key."""
    return aggregation.name in environment.shared or not _per_cpu(aggregation)


def structures(made: AggregationLayout, environment: Environment) -> list[str]:
    """The C structures of an aggregation's key and value."""
    aggregation, stem = made.aggregation, made.stem
    lines = [f"struct {stem}_key {{ /* @{aggregation.name} */"]
    if _has_owner(aggregation, environment):
        lines.append("    u64 owner;")
    elif not made.keys:
        lines.append("    u64 nothing;")
    for place, key in enumerate(made.keys):
        lines.append(f"    {_member(key, place)};")
    return [*lines, "};", f"struct {stem}_value {{", f"    {_value(aggregation)}", "};", ""]


def maps(made: AggregationLayout, environment: Environment) -> list[str]:
    """Its maps, and the function that finds or makes an element."""
    stem = made.stem
    size = made.key_size + made.words * 8 + _OVERHEAD
    most = _MOST_ENTRIES if made.keys else _MOST_PROGRAMS
    entries = min(most, max(1, environment.target.aggregation_bytes // size))
    kind = "percpu_hash" if made.per_cpu else "hash"
    entries *= 1 if made.per_cpu else environment.target.cpus
    table = f'BPF_TABLE("{kind}", struct {stem}_key, struct {stem}_value, {stem}_'
    return [
        *_bin_function(made.aggregation),
        *(f"{table}{n}, {entries});" for n in (0, 1)),
        f'BPF_ARRAY_OF_MAPS({stem}, "{stem}_0", 1);',
        "",
        f"/* The value of @{made.aggregation.name} for a key, made at its first use; 0 when there is no room. */",
        f"static __always_inline struct {stem}_value *{stem}_slot(struct firing *f, struct {stem}_key *key)",
        "{",
        "    int zero = 0;",
        f"    void *map = {stem}.lookup(&zero);",
        "    void *blank = blanks.lookup(&zero);",
        "",
        "    if (!map || !blank)",
        "        return 0;",
        "    void *value = bpf_map_lookup_elem(map, key);",
        "    if (value)",
        "        return value;",
        "    bpf_map_update_elem(map, key, blank, BPF_NOEXIST);",
        "    value = bpf_map_lookup_elem(map, key);",
        "    if (!value)",
        "        f->frame->counts.aggregation_drops++;",
        "    return value;",
        "}",
        "",
    ]


def _bin_function(aggregation: Aggregation) -> list[str]:
    """What finds the bin of llquantize(): the first order of magnitude that a number is below the end of (G17, G20)."""
    if aggregation.loglinear is None:
        return []
    magnitudes = aggregation.loglinear.magnitudes
    lines = [f"    if (number < {_s64(magnitudes[0][0])})", "        return 0;"]
    base = 1
    for first, end, width in magnitudes:
        found = f"return {base} + (u64)(number - {_s64(first)}) / {_s64(width)};"
        lines += [f"    if (number < {_s64(end)})", f"        {found}"] if end < _TOO_LARGE else [f"    {found}"]
        base += (end - first) // width
    if magnitudes[-1][1] < _TOO_LARGE:
        lines.append(f"    return {base};")
    return [f"SUBPROGRAM u64 {stem_of(aggregation)}_bin(s64 number)", "{", *lines, "}", ""]


def _s64(number: int) -> str:
    return constant(number).text


def blank(layouts: list[AggregationLayout]) -> list[str]:
    """The map of zeroes that new elements begin as."""
    words = max(layout.words for layout in layouts)
    return [
        f"struct blank {{ char bytes[{words * 8}] __attribute__((aligned(8))); }};",
        "BPF_ARRAY(blanks, struct blank, 1);",
        "",
    ]


def _member(key: KeyField, place: int) -> str:
    if key.kind in ("text", "memory"):
        return f"char key{place}[{key.size}]"
    words = key.kind in ("stack", "ustack") or key.size > 8
    return f"u64 key{place}[{key.size // 8}]" if words else f"s64 key{place}"


def _value(aggregation: Aggregation) -> str:
    match aggregation.function:
        case "count" | "sum" as name:
            return f"{'u64' if name == 'count' else 's64'} {name};"
        case "min" | "max":
            return "u64 distance;"
        case "quantize" | "lquantize" | "llquantize":
            return f"char bins[{aggregation.bins * 8}] __attribute__((aligned(8)));"
    return _STRUCTURES[aggregation.function]
