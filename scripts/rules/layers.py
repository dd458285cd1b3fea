"""Which target may name which: docs/architecture.md, "The one rule". Package.swift says which layer a target is in."""

import functools
import json
import os
import re
import subprocess

LAYERS = ["model", "contracts", "cores", "adapters", "assemblies", "mains"]
# In these a target may also name those that stand above it in its own list.
ORDERED = {"contracts", "cores"}
# What of other packages a layer may use: contracts do no I/O and log nothing, cores know no sockets. The layers not named may use any.
PRODUCTS = {
    "model": set(),
    "contracts": {"SwiftProtobuf", "TOMLKit"},
    "cores": {"SwiftProtobuf", "Logging"},
}
IMPORT = re.compile(r"^\s*(?:@\w+\s+)*(?:(?:public|package|internal|fileprivate|private)\s+)?import\s+(?:(?:class|struct|enum|protocol|func|let|var|typealias)\s+)?(\w+)")


@functools.cache
def package():
    scratch = os.environ.get("SCRATCH", ".build")
    environment = {key: value for key, value in os.environ.items() if key != "PNGW_ONLY"}
    words = ["swift", "package", "--scratch-path", scratch, "dump-package"]
    result = subprocess.run(words, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=environment)
    if result.returncode != 0:
        raise SystemExit(f"`{' '.join(words)}` failed:\n{result.stderr}")
    return {target["name"]: target for target in json.loads(result.stdout)["targets"]}


@functools.cache
def layer_of():
    """Target → (layer, place in its list), from the lists of Package.swift."""
    with open("Package.swift", encoding="utf-8") as file:
        text = file.read()
    places = {}
    for layer in LAYERS:
        body = re.search(rf"^let {layer} = \[\n(.*?)^\]", text, re.M | re.S)
        if body is None:
            raise SystemExit(f"Package.swift has no list `let {layer} = [`")
        for place, name in enumerate(re.findall(r"^  (?:library|main)\(\"([\w-]+)\"", body[1], re.M)):
            places[name] = (layer, place)
    return places


def place(name):
    """Where Package.swift makes the target."""
    with open("Package.swift", encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if re.search(rf"(?:library|main)\(\"{name}\"|name: \"{name}\"", line):
                return f"Package.swift:{number}"
    return "Package.swift:1"


def names(target):
    """(own targets, products of other packages) that `target` depends on."""
    own, products = [], []
    for dependency in target["dependencies"]:
        (kind, value), = dependency.items()
        (products if kind == "product" else own).append(value[0])
    return own, products


def is_c(name):
    return package()[name]["type"] == "system"


def layers():
    findings = []
    for name, target in package().items():
        if target["type"] in ("test", "system") or target.get("path", "").startswith("Tests/"):
            continue
        if name not in layer_of():
            findings.append(f"{place(name)}: target {name} is in no layer: expected it in one of {', '.join(LAYERS)}")
            continue
        own, products = names(target)
        findings += [f"{place(name)}: {wrong}" for other in own if (wrong := misnaming(name, other))]
        layer = layer_of()[name][0]
        for product in products:
            if layer in PRODUCTS and product not in PRODUCTS[layer]:
                findings.append(f"{place(name)}: {name} ({layer}) uses {product}: expected at most {sorted(PRODUCTS[layer])}")
    return findings


def misnaming(name, other):
    """Why `name` may not name `other`; None when it may."""
    layer, place = layer_of()[name]
    if is_c(other):
        return None if layer in ("adapters", "mains") else f"{name} ({layer}) uses the C library {other}: expected that in an adapter"
    if other not in layer_of():
        return f"{name} uses {other}, which is in no layer"
    otherLayer, otherPlace = layer_of()[other]
    mine, theirs = LAYERS.index(layer), LAYERS.index(otherLayer)
    if theirs < mine or (theirs == mine and layer in ORDERED and otherPlace < place):
        return None
    return f"{name} ({layer}) names {other} ({otherLayer}): expected names from layers before {layer} only"


def swift_files(folder):
    for base, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != "Generated")
        for file in sorted(files):
            if file.endswith(".swift"):
                yield os.path.join(base, file)


def imports(path):
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if match := IMPORT.match(line):
                yield number, match[1]


def declared_imports():
    findings = []
    for name, target in package().items():
        if target["type"] == "system":
            continue
        folder = target.get("path") or f"{'Tests' if target['type'] == 'test' else 'Sources'}/{name}"
        own, products = names(target)
        for path in swift_files(folder):
            for number, module in imports(path):
                if module in package() and module not in own:
                    findings.append(f"{path}:{number}: import of {module}, which {name} does not declare: expected it among its dependencies in Package.swift")
    return findings


def c_under_raw():
    findings = []
    for path in swift_files("Sources"):
        for number, module in imports(path):
            if module in package() and is_c(module) and "/Raw/" not in path:
                findings.append(f"{path}:{number}: import of the C module {module}: expected only under Raw/")
    return findings


def no_full_foundation():
    return [
        f"{path}:{number}: import of {module}: expected FoundationEssentials, which comes without ICU's data"
        for path in swift_files("Sources") for number, module in imports(path)
        if module in ("Foundation", "FoundationNetworking", "FoundationXML", "FoundationInternationalization")]


RULES = [
    ("targets name layers before their own, adapters not each other", layers),
    ("imports of our modules are declared", declared_imports),
    ("C modules are imported under Raw/ only", c_under_raw),
    ("shipped targets do without full Foundation", no_full_foundation),
]
