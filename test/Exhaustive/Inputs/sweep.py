"""sweep.py [--quick]: checks operators against the recurrence in float64, over sizes,
types, schedules and packed lengths, with `deltanet check`. One line a case; fails if
one case does, or if a case that must be refused is not.
"""
import argparse
import json
import subprocess
import sys
import tempfile


def program(rule, decay, types, K, V, G, H, packed=False, initial=False, beta_range=None):
    """A function of one recurrence; types: of q k v beta and the output."""
    n = "1" if packed else "?"
    q = "tensor<%sx?x%dx%dx%s>" % (n, G, K, types)
    v = "tensor<%sx?x%dx%dx%s>" % (n, H, V, types)
    state = "tensor<?x%dx%dx%dxf32>" % (H, K, V)
    arguments = ["%%q: %s" % q, "%%k: %s" % q, "%%v: %s" % v]
    clauses = ""
    if rule == "dplr":
        arguments += ["%%a: %s" % q, "%%b: %s" % q]
    if rule == "delta":
        beta = "tensor<%sx?x%dx%s>" % (n, H, types)
        arguments.append("%%beta: %s" % beta)
        clauses += " beta(%%beta : %s)" % beta
    if decay != "none":
        channels = "x%d" % K if decay == "channel" else ""
        gate = "tensor<%sx?x%d%sxf32>" % (n, H, channels)
        arguments.append("%%decay: %s" % gate)
        clauses += " decay(%%decay : %s)" % gate
    if initial:
        arguments.append("%%initial: %s" % state)
        clauses += " initial(%%initial : %s)" % state
    if packed:
        arguments.append("%cu: tensor<?xi32>")
        clauses += " sequences(%cu : tensor<?xi32>)"
    op = "linrec.dplr_scan %q, %k, %v a(%a) b(%b)" if rule == "dplr" else "linrec.scan %q, %k, %v"
    operands = [q, q, v] + ([q, q] if rule == "dplr" else [])
    return """func.func @f(%s) -> (%s, %s) {
  %%o, %%state = %s%s
    : %s -> %s, %s
  return %%o, %%state : %s, %s
}
""" % (", ".join(arguments), v, state, op, clauses, ", ".join(operands), v, state, v, state)


def cases(quick):
    """(what it is, arguments of program, options of check)."""
    operators = [(r, d) for r in ("additive", "delta") for d in ("none", "token", "channel")]
    operators += [("dplr", d) for d in ("none", "token", "channel")]
    tokens = ["--shape", "B=2,T=%d"]
    for rule, decay in operators:
        sizes = dict(K=32, V=48, G=1, H=2)
        for schedule in [["--token-loop"]] + [["--chunk", str(c)] for c in (16, 32, 64, 128)]:
            yield (rule, decay, dict(types="f32", **sizes), ["--shape", "B=2,T=150"] + schedule)
        for T in (1, 63, 64, 65, 1000):
            yield rule, decay, dict(types="f32", **sizes), ["--shape", "B=1,T=%d" % T]
        yield (rule, decay, dict(types="f32", packed=True, initial=True, **sizes),
               ["--input", "cu=lengths:0,1,7,64,500"])
        # Strong gates: down to -5 a token and channel, and a hard reset.
        if decay != "none":
            for low, high in ((-5, 0), (-1e4, 0), (-1e30, -1e4)):
                yield (rule, decay, dict(types="f32", **sizes),
                       ["--shape", "B=1,T=300", "--input", "decay=random:1:%g:%g" % (low, high)])
        for types in ("bf16", "f16"):
            for products in ("f32", "bf16", "f16"):
                yield (rule, decay, dict(types=types, **sizes),
                       ["--shape", "B=1,T=200", "--products", products])
        if quick:
            continue
        for K, V, G, H in ((64, 128, 2, 2), (96, 96, 1, 1), (60, 60, 1, 2), (128, 128, 1, 2)):
            yield rule, decay, dict(types="f32", K=K, V=V, G=G, H=H), ["--shape", "B=1,T=500"]
        yield (rule, decay, dict(types="bf16", K=128, V=128, G=16, H=16),
               ["--shape", "B=1,T=4096", "--repeat", "1"])
        yield (rule, decay, dict(types="f32", K=128, V=128, G=16, H=16),
               ["--shape", "B=1,T=4096", "--repeat", "1"])
    if not quick:
        yield ("delta", "none", dict(types="f32", K=64, V=64, G=1, H=1),
               ["--shape", "B=1,T=100000", "--repeat", "1"])


def describe(rule, decay, sizes, options):
    parts = ["%s=%s" % item for item in sizes.items()]
    return "%-8s %-7s %s  %s" % (rule, decay, " ".join(parts), " ".join(options))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes only")
    arguments = parser.parse_args()
    failed = passed = 0
    with tempfile.NamedTemporaryFile("w", suffix=".mlir") as file:
        for rule, decay, sizes, options in cases(arguments.quick):
            file.seek(0)
            file.truncate()
            file.write(program(rule, decay, **sizes))
            file.flush()
            done = subprocess.run(["deltanet", "check", file.name, "--json"] + options,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            try:
                answer = json.loads(done.stdout)
            except ValueError:
                answer = {}
            good = done.returncode == 0 and answer.get("passed", False)
            passed, failed = passed + good, failed + (not good)
            errors = " ".join("%s %.2e of %.2e" % (r["name"], r["error"], r["tolerance"])
                              for r in answer.get("results", []))
            print("%s %s: %s" % ("pass" if good else "FAIL", describe(rule, decay, sizes, options),
                                 errors or done.stderr.strip()[-300:]), flush=True)
    print("%d passed, %d failed" % (passed, failed))
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
