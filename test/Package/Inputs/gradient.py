"""gradient.py LIBRARY PREFIX OF: the manifests of a function and its gradient, which
must be those in the files beside the library, and agree with each other."""
import json
import os
import sys

import package

library, prefix, of = sys.argv[1:4]
folder = os.path.dirname(library)
gradients = []
for name in (prefix, prefix + "_forward", prefix + "_backward"):
    manifest = package.Package(library, name).manifest
    with open(os.path.join(folder, name + ".json")) as file:
        assert manifest == json.load(file), name
    assert manifest["prefix"] == name
    gradients.append(manifest["gradient"])
assert gradients[0] == gradients[1] == gradients[2]
assert gradients[0]["of"] == of.split(",")
print(prefix, dict(sorted(gradients[0].items())))
for argument in manifest["arguments"]:
    print(argument["name"], argument["role"], argument["shape"], argument.get("meaning", ""))
