"""Operators as text: every one that the drop-in functions may ask for compiles; what there is not is refused."""
import itertools
import sys

from deltanet.operators import Operator, OperatorError

variants = []
for rule, decay, state, offsets in itertools.product(("delta", "additive"), ("none", "scalar", "channel", "head"),
                                                     ("", "kv", "vk"), ("", "i64")):
    values = dict(rule=rule, type="bf16", K=32, V=48, decay=decay, offsets=offsets, initial=bool(state),
                  final=bool(state), state_layout=state or "kv", decay_type="" if decay == "none" else "f32")
    if rule == "delta":
        values.update(beta_type="bf16", beta=("plain", "sigmoid", "sigmoid2")[len(variants) % 3],
                      norm=len(variants) % 2 == 0)
    if len(variants) % 3 == 0:
        values.update(G=2, H=4, scale=1e-4)
    operator = Operator(**values)
    assert Operator.parse(operator.spec()) == operator, operator.spec()
    variants.append(operator)

text = "".join(f"module {{\n{operator.mlir().partition('func.func')[1]}{operator.mlir().partition('func.func')[2]}}}\n"
               for operator in variants)
maps = variants[0].mlir().partition("func.func")[0]
with open(sys.argv[1], "w") as file:
    file.write(maps + text)
print(len(variants), "operators")


def refused(spec):
    try:
        Operator.parse(spec)
        print("accepted", spec)
    except OperatorError as error:
        print(error)


refused("rule=delta;type=bf16;K=32;V=32")
refused("rule=gamma;type=bf16;K=32;V=32")
refused("rule=additive;type=f64;K=32;V=32")
refused("rule=additive;type=f32;K=0;V=32")
refused("rule=additive;type=f32;K=32;V=32;G=3;H=4")
refused("rule=additive;type=f32;K=32;V=32;decay=head;decay_type=f32;grad=decay")
refused("rule=additive;type=f32;K=32;V=32;grad=beta")
refused("rule=additive;color=red")
