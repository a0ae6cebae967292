"""Shapes of a package's tensors: what the manifest says of them, as functions of sizes.

Expressions have integers, names, `+ - *`, `/` (rounded down), `ceildiv`, `min`, `max`. They
are turned into code of Python's once, after they were looked at. Standard library only.
"""
import ast

_FUNCTIONS = {"ceildiv": lambda a, b: -(-a // b), "min": min, "max": max}
_OPERATORS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "//"}


class LayoutError(ValueError):
    """A manifest that is not understood, or tensors that do not fit it."""


def _code(node, names, text):
    """The expression as Python writes it; whatever it may not have is refused."""
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return str(node.value)
    if isinstance(node, ast.Name) and node.id in names:
        return "_" + node.id
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return f"(-{_code(node.operand, names, text)})"
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return f"({_code(node.left, names, text)} {_OPERATORS[type(node.op)]} {_code(node.right, names, text)})"
    if (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _FUNCTIONS
            and len(node.args) == 2 and not node.keywords):
        return f"{node.func.id}({', '.join(_code(a, names, text) for a in node.args)})"
    raise LayoutError(f"expects numbers, sizes ({', '.join(sorted(names))}), + - * /, ceildiv, min and max, got '{text}'")


def _parse(text):
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError:
        raise LayoutError(f"expects an expression of sizes, got '{text}'") from None


def _bind(node):
    """(name, what is added to it) of `NAME` and `NAME + NUMBER`; None of anything else."""
    if isinstance(node, ast.Name):
        return node.id, 0
    if (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and isinstance(node.left, ast.Name)
            and isinstance(node.right, ast.Constant)):
        return node.left.id, node.right.value
    return None


def _read_sizes(inputs, names):
    """Lines that read every size where an input has it as an extent, and those that were found."""
    lines, found = [], {}
    for i, argument in enumerate(inputs):
        lines.append(f"  _rank(s{i}, {len(argument['shape'])}, {argument['name']!r})")
        for d, text in enumerate(argument["shape"]):
            bound = _bind(_parse(text))
            if bound and bound[0] in names and bound[0] not in found:
                found[bound[0]] = True
                lines.append(f"  _{bound[0]} = s{i}[{d}] - {bound[1]}")
    return lines, found


def _rank(shape, rank, name):
    if len(shape) != rank:
        raise LayoutError(f"expects '{name}' of {rank} dimensions, got {len(shape)}")


def shapes_of(inputs, wanted):
    """A function of the inputs' shapes, in order, that returns the shapes of `wanted`.

    Both are arguments of a manifest. What the shapes have to fulfil is checked by the package
    itself; here only the rank matters."""
    names = {node.id for argument in [*inputs, *wanted] for text in argument["shape"]
             for node in ast.walk(_parse(text)) if isinstance(node, ast.Name)} - set(_FUNCTIONS)
    lines, found = _read_sizes(inputs, names)
    needed = {node.id for argument in wanted for text in argument["shape"]
              for node in ast.walk(_parse(text)) if isinstance(node, ast.Name)} - set(_FUNCTIONS)
    if needed - set(found):
        raise LayoutError(f"expects sizes that are extents of an input, got {', '.join(sorted(needed - set(found)))}")
    tuples = ["(" + "".join(_code(_parse(text), names, text) + ", " for text in argument["shape"]) + ")"
              for argument in wanted]
    source = (f"def shapes({', '.join(f's{i}' for i in range(len(inputs)))}):\n" + "\n".join(lines) +
              f"\n  return [{', '.join(tuples)}]\n")
    scope = {**_FUNCTIONS, "_rank": _rank}
    exec(compile(source, "<shapes of a package>", "exec"), scope)  # of checked expressions alone
    return scope["shapes"]
