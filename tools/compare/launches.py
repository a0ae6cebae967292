"""Launch lines of PTX, and the expressions in them. Standard library only."""
import ast
import json

MARK = "// deltanet.launch "


def evaluate(text, sizes):
    """A whole number: names of sizes, + - * and / (rounds down), ceildiv, min, max."""
    def value(node):
        if isinstance(node, ast.Expression):
            return value(node.body)
        if isinstance(node, ast.Constant) and type(node.value) is int:
            return node.value
        if isinstance(node, ast.Name) and node.id in sizes:
            return sizes[node.id]
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return -value(node.operand)
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub, ast.Mult, ast.Div)):
            a, b = value(node.left), value(node.right)
            if isinstance(node.op, ast.Div):
                if b <= 0:
                    raise ValueError(f"expects a divisor above zero, got {b} in '{text}'")
                return a // b
            return a + b if isinstance(node.op, ast.Add) else a - b if isinstance(node.op, ast.Sub) else a * b
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) == 2 and not node.keywords:
            a, b = map(value, node.args)
            if node.func.id in ("min", "max"):
                return {"min": min, "max": max}[node.func.id](a, b)
            if node.func.id == "ceildiv" and b > 0:
                return -(-a // b)
        raise ValueError(f"expects numbers, sizes ({', '.join(sizes)}), + - * /, ceildiv, min and max, got '{text}'")
    try:
        return value(ast.parse(str(text), mode="eval"))
    except SyntaxError:
        raise ValueError(f"expects an expression of sizes, got '{text}'") from None


def holds(when, sizes):
    """Whether `when`, low <= high, holds."""
    sides = when.split("<=")
    if len(sides) != 2:
        raise ValueError(f"expects a condition 'low <= high', got '{when}'")
    return evaluate(sides[0].strip(), sizes) <= evaluate(sides[1].strip(), sizes)


def choose(launches, sizes):
    """Those of the first variant whose condition holds; where none does, those of no variant."""
    name = next((e["variant"] for e in launches if "variant" in e and holds(e["when"], sizes)), None)
    return [launch for launch in launches if launch.get("variant") == name]


def read(ptx):
    """The launches of a PTX text, in order."""
    launches = [json.loads(line[len(MARK):]) for line in ptx.splitlines() if line.startswith(MARK)]
    if not launches:
        raise ValueError(f"expects PTX with a line '{MARK}{{...}}'")
    return launches


def split(ptx):
    """The modules of a PTX text, each from its .version on."""
    parts = ptx.split("\n.version")
    return [".version" + part for part in parts[1:]] if len(parts) > 2 else [ptx]
