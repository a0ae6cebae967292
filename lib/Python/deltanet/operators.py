"""The operators that the functions of this package need, as text for `deltanet compile`.

An Operator says which recurrence, which types and widths, and what is fused in front of it.
`spec` is its name: a short text from which `parse` makes it again, in any process. Standard
library only.
"""
import dataclasses

TYPES = ("bf16", "f16", "f32")
# Under the root of a norm, so that a vector of zeros stays one.
NORM_EPSILON = 1e-6


class OperatorError(ValueError):
    """An operator that there is not."""


@dataclasses.dataclass(frozen=True)
class Operator:
    rule: str                 # additive, delta
    type: str                 # of query, key, value and output
    K: int
    V: int
    decay: str = "none"       # none, scalar (B x T x H), channel (B x T x H x K), head (H)
    beta_type: str = ""       # delta: of beta
    decay_type: str = ""      # where there is a decay
    beta: str = "plain"       # plain, sigmoid, sigmoid2: 2 sigmoid(beta)
    norm: bool = False        # query and key divided by their length
    initial: bool = False
    final: bool = False
    state_type: str = "f32"   # of the initial and the final state
    state_layout: str = "kv"  # kv, vk
    offsets: str = ""         # of packed sequences: i32, i64
    scale: float = None       # None: 1 / sqrt(K)
    G: int = 0                # heads of query and key; 0: left open
    H: int = 0                # heads of value; 0: left open
    tokens: int = 0           # 0: left open
    grad: tuple = ()          # names of arguments to take the gradient of

    def __post_init__(self):
        def check(holds, rule, got):
            if not holds:
                raise OperatorError(f"expects {rule}, got {got!r}")
        check(self.rule in ("additive", "delta"), "a rule 'additive' or 'delta'", self.rule)
        check(self.type in TYPES, f"a type of {', '.join(TYPES)}", self.type)
        check(self.K >= 1 and self.V >= 1, "widths of at least 1", (self.K, self.V))
        check(self.decay in ("none", "scalar", "channel", "head"), "a decay none, scalar, channel or head", self.decay)
        check((self.beta_type in TYPES) == (self.rule == "delta"), "a type of beta with the delta rule alone",
              self.beta_type)
        check((self.decay_type in TYPES) == (self.decay != "none"), "a type of the decay where there is one",
              self.decay_type)
        check(self.beta in ("plain", "sigmoid", "sigmoid2"), "beta plain, sigmoid or sigmoid2", self.beta)
        check(self.state_layout in ("kv", "vk"), "a layout of states kv or vk", self.state_layout)
        check(self.state_type in TYPES, f"a type of states of {', '.join(TYPES)}", self.state_type)
        check(self.offsets in ("", "i32", "i64"), "offsets of i32 or i64", self.offsets)
        check((self.G == 0) == (self.H == 0), "both heads open or none", (self.G, self.H))
        check(self.G == 0 or self.H % self.G == 0, "heads of the query that divide those of the value",
              (self.G, self.H))
        check(not (self.tokens and self.offsets), "open tokens where sequences are packed", self.tokens)
        names = [name for name, _ in self.arguments() if name not in ("sequences",)]
        check(all(name in names for name in self.grad), f"gradients of {', '.join(names)}", self.grad)
        check(not ("decay" in self.grad and self.decay == "head"), "no gradient of a decay that is a constant a head",
              self.grad)

    # Tensors -------------------------------------------------------------------

    def _token(self, heads, width=None, element=None):
        number = lambda extent: str(extent) if extent else "?"
        shape = ["1" if self.offsets else "?", number(self.tokens), number(heads)]
        return _tensor(shape + ([str(width)] if width else []), element or self.type)

    def arguments(self):
        """(name, type) of the arguments in order."""
        found = [("q", self._token(self.G, self.K)), ("k", self._token(self.G, self.K)),
                 ("v", self._token(self.H, self.V))]
        if self.rule == "delta":
            found.append(("beta", self._token(self.H, None, self.beta_type)))
        if self.decay == "head":
            found.append(("decay", _tensor([str(self.H) if self.H else "?"], self.decay_type)))
        elif self.decay != "none":
            width = self.K if self.decay == "channel" else None
            found.append(("decay", self._token(self.H, width, self.decay_type)))
        if self.initial:
            found.append(("initial", self._state()))
        if self.offsets:
            found.append(("sequences", f"tensor<?x{self.offsets}>"))
        return found

    def results(self):
        return [("o", self._token(self.H, self.V))] + ([("state", self._state())] if self.final else [])

    def _state(self):
        square = (self.K, self.V) if self.state_layout == "kv" else (self.V, self.K)
        return _tensor(["?", str(self.H) if self.H else "?", *map(str, square)], self.state_type)

    # Names ---------------------------------------------------------------------

    def spec(self):
        """The operator in one word: what differs from the defaults."""
        parts = []
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if value != field.default:
                parts.append(f"{field.name}={','.join(value) if field.name == 'grad' else value}")
        return ";".join(parts)

    @staticmethod
    def parse(spec):
        """The operator that `spec` names."""
        kinds = {field.name: field.type for field in dataclasses.fields(Operator)}
        values = {}
        for part in spec.split(";"):
            name, equals, text = part.partition("=")
            if name not in kinds or not equals:
                raise OperatorError(f"expects NAME=VALUE with a name of {', '.join(kinds)}, got '{part}'")
            if name == "grad":
                values[name] = tuple(text.split(","))
            elif kinds[name] is bool:
                values[name] = text == "True"
            else:
                values[name] = kinds[name](text)
        return Operator(**values)

    def command(self, target):
        """The arguments of `deltanet compile` but for the files."""
        words = ["--target", target, "--emit", "so", "--prefix", "deltanet"]
        if self.grad:
            words += ["--grad", ",".join(self.grad), "--grad-from", ",".join(name for name, _ in self.results())]
        return words

    # Text ----------------------------------------------------------------------

    def mlir(self):
        arguments, types = self.arguments(), dict(self.arguments())
        named = lambda name, kind: f'{kind} {{deltanet.name = "{name}"}}'
        body, names = [], {name: "%" + name for name, _ in arguments}
        if self.norm:
            body += self._norm("q") + self._norm("k")
            names.update(q="%q_unit", k="%k_unit")
        if self.beta != "plain" and self.rule == "delta":
            body += self._sigmoid()
            names["beta"], types["beta"] = "%beta_rate", self._token(self.H, None, "f32")
        if self.decay == "head":
            body += self._repeat_decay()
            names["decay"], types["decay"] = "%decay_all", self._token(self.H, None, self.decay_type)
        given = lambda name: f" {name}({names[name]} : {types[name]})" if name in types else ""
        scale = f" {{scale = {_number(self.scale)} : f64}}" if self.scale is not None else ""
        layout = f" state_layout({self.state_layout})" if self.state_layout != "kv" else ""
        operands, kinds = (", ".join(types[name] for name in "qkv"), ", ".join(kind for _, kind in self.results()))
        returned = ", ".join("%" + name for name, _ in self.results())
        body.append(f"{returned} = linrec.scan {names['q']}, {names['k']}, {names['v']}" +
                    "".join(given(name) for name in ("beta", "decay", "initial", "sequences")) + layout + scale)
        body.append(f"    : {operands} -> {kinds}")
        body.append(f"return {returned} : {kinds}")
        return (_MAPS + "func.func @operator(" + ",\n    ".join("%" + name + ": " + named(name, kind)
                                                             for name, kind in arguments) +
                ")\n    -> (" + ", ".join(named(name, kind) for name, kind in self.results()) + ") {\n" +
                "".join(f"  {line}\n" for line in body) + "}\n")

    def _dimensions(self, name, mark, count):
        """Lines that name the open ones of the first `count` dimensions of a token tensor, and these names."""
        kind = dict(self.arguments())[name]
        extents = kind[len("tensor<"):].split("x")[:count]
        lines, names = [], []
        for i, extent in enumerate(extents):
            if extent == "?":
                lines += [f"%{mark}_c{i} = arith.constant {i} : index",
                          f"%{mark}_d{i} = tensor.dim %{name}, %{mark}_c{i} : {kind}"]
                names.append(f"%{mark}_d{i}")
        return lines, ", ".join(names)

    def _norm(self, name):
        """`name` over its length, rounded to its type, as %name_unit."""
        narrow, wide = self._token(self.G, self.K), self._token(self.G, self.K, "f32")
        rows, n = self._token(self.G, None, "f32"), name
        lines, sizes = self._dimensions(name, f"{n}n", 3)
        value, convert = f"%{n}", []
        if self.type != "f32":
            lines.append(f"%{n}_wide = arith.extf %{n} : {narrow} to {wide}")
            value = f"%{n}_wide"
            convert = [f"  %narrow = arith.truncf %unit : f32 to {self.type}"]
        return lines + [
            f"%{n}_zero = arith.constant 0.0 : f32", f"%{n}_epsilon = arith.constant {NORM_EPSILON:.1e} : f32",
            f"%{n}_rows = tensor.empty({sizes}) : {rows}",
            f"%{n}_zeros = linalg.fill ins(%{n}_zero : f32) outs(%{n}_rows : {rows}) -> {rows}",
            f"%{n}_squares = arith.mulf {value}, {value} : {wide}",
            f"%{n}_length2 = linalg.reduce {{ arith.addf }} ins(%{n}_squares : {wide})",
            f"    outs(%{n}_zeros : {rows}) dimensions = [3]",
            f"%{n}_unit = linalg.generic {{indexing_maps = [#all, #token, #all],",
            '    iterator_types = ["parallel", "parallel", "parallel", "parallel"]}',
            f"    ins({value}, %{n}_length2 : {wide}, {rows}) outs(%{n} : {narrow}) {{",
            f"^bb0(%x: f32, %l: f32, %old: {self.type}):",
            f"  %safe = arith.addf %l, %{n}_epsilon : f32", "  %r = math.rsqrt %safe : f32",
            "  %unit = arith.mulf %x, %r : f32", *convert,
            f"  linalg.yield {'%narrow' if convert else '%unit'} : {self.type}",
            f"}} -> {narrow}"]

    def _sigmoid(self):
        """sigmoid(beta), or twice it, in f32, as %beta_rate."""
        kind, wide = self._token(self.H, None, self.beta_type), self._token(self.H, None, "f32")
        lines, sizes = self._dimensions("beta", "b", 3)
        extend = [f"  %wide = arith.extf %x : {self.beta_type} to f32"] if self.beta_type != "f32" else []
        x = "%wide" if extend else "%x"
        return lines + [
            "%b_one = arith.constant 1.0 : f32",
            f"%b_top = arith.constant {'2.0' if self.beta == 'sigmoid2' else '1.0'} : f32",
            f"%b_shape = tensor.empty({sizes}) : {wide}",
            "%beta_rate = linalg.generic {indexing_maps = [#rows, #rows],",
            '    iterator_types = ["parallel", "parallel", "parallel"]}',
            f"    ins(%beta : {kind}) outs(%b_shape : {wide}) {{",
            f"^bb0(%x: {self.beta_type}, %old: f32):", *extend,
            f"  %neg = arith.negf {x} : f32", "  %e = math.exp %neg : f32",
            "  %den = arith.addf %e, %b_one : f32", "  %rate = arith.divf %b_top, %den : f32",
            "  linalg.yield %rate : f32", f"}} -> {wide}"]

    def _repeat_decay(self):
        """The decay of every head at every token, as %decay_all."""
        rows = self._token(self.H, None, self.decay_type)
        lines, sizes = self._dimensions("v", "g", 3)
        kind = dict(self.arguments())["decay"]
        return lines + [
            f"%g_shape = tensor.empty({sizes}) : {rows}",
            f"%decay_all = linalg.broadcast ins(%decay : {kind}) outs(%g_shape : {rows}) dimensions = [0, 1]"]


_MAPS = """#all = affine_map<(b, t, h, d) -> (b, t, h, d)>
#token = affine_map<(b, t, h, d) -> (b, t, h)>
#rows = affine_map<(b, t, h) -> (b, t, h)>
"""


def _tensor(extents, element):
    return "tensor<" + "x".join([*extents, element]) + ">"


def _number(value):
    """A float as MLIR writes it, with a point."""
    text = repr(float(value))
    digits, mark, power = text.partition("e")
    return text if "." in digits else digits + ".0" + mark + power
