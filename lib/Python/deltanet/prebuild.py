"""Packages ahead of their first use.

    python -m deltanet.prebuild --target sm_90 [--out FOLDER] [SPEC ...]

Without operators: the common ones, for gradients and for inference and decoding, into the
folder of shipped packages. `Operator.spec` writes a SPEC; `DELTANET_LOG_SPECS=FILE` makes a
program write those that it uses. Standard library only.
"""
import argparse
import concurrent.futures
import os
import shutil
import sys

from . import cache
from .operators import Operator, OperatorError


def common():
    """What models of today use most: bf16, 64 or 128 channels, 16 or 32 heads where gradients are taken."""
    rules = [dict(rule="delta", beta_type="bf16"), dict(rule="delta", beta_type="bf16", norm=True),
             dict(rule="delta", beta_type="bf16", norm=True, decay="scalar", decay_type="f32"),
             dict(rule="additive"), dict(rule="additive", decay="channel", decay_type="bf16"),
             dict(rule="additive", decay="scalar", decay_type="f32")]
    found = []
    for width in (64, 128):
        for rule in rules:
            shape = dict(type="bf16", K=width, V=width, **rule)
            names = ("q", "k", "v") + ("beta",) * ("beta_type" in rule) + ("decay",) * ("decay" in rule)
            found.append(Operator(**shape, grad=names, G=2048 // width, H=2048 // width))
            found.append(Operator(**shape, final=True))
            found.append(Operator(**shape, initial=True, final=True, tokens=1))
    return found


def make(operator, target, out):
    """The package of an operator in `out`; the path, or the error."""
    text, words = operator.mlir(), operator.command(target)
    path = os.path.join(out, cache.key(text, words) + ".so")
    try:
        if not os.path.exists(path):
            made = cache.find(text, words)
            if os.path.abspath(made) != os.path.abspath(path):
                shutil.copyfile(made, path + ".new")
                os.replace(path + ".new", path)
    except cache.CompileError as error:
        return None, str(error)
    return path, None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("specs", nargs="*", metavar="SPEC", help="@FILE: one a line")
    parser.add_argument("--target", required=True, help="chip, as `deltanet targets` lists them, or host")
    parser.add_argument("--out", default=cache.shipped()[0])
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    specs = []
    for spec in options.specs:
        if spec.startswith("@"):
            with open(spec[1:]) as file:
                specs += [line.strip() for line in file if line.strip()]
        else:
            specs.append(spec)
    try:
        operators = [Operator.parse(spec) for spec in specs] or common()
    except OperatorError as error:
        sys.exit(f"error: {error}")
    os.makedirs(options.out, exist_ok=True)
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for operator, (path, error) in zip(operators, pool.map(
                lambda operator: make(operator, options.target, options.out), operators)):
            print(path or f"refused {operator.spec()}: {error}", flush=True)
            failed += path is None
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
