"""What stands in source files."""

import collections
import re
import shutil
import subprocess

from .layers import swift_files

# swift format's taste in line breaks is not a rule here; what it says of names, unwraps and spaces is. Tables of a test may be wide.
TASTE = ("[AddLines]", "[Indentation]", "[RemoveLine]", "[TrailingComma]")
TASTE_IN_TESTS = ("[LineLength]",)
PATTERNS = [
    # (pattern, where, what is wrong: what would be right)
    (re.compile(r"\btry!"), "Sources", "try!: expected do and catch"),
    (re.compile(r"\bas!"), "Sources", "as!: expected as? and what happens otherwise"),
    (re.compile(r"[\w)\]]!(?=[.\[(,)\s]|$)(?!=)"), "Sources", "a forced unwrap: expected guard or ??"),
    (re.compile(r"\b(?:fatalError|preconditionFailure)\("), "Sources", "a trap: expected an error, or under Raw/ its reason"),
    (re.compile(r"@unchecked\s+Sendable|nonisolated\(unsafe\)"), "Sources", "unchecked concurrency: expected under Raw/ only, with its proof"),
    (re.compile(r"\b(?:print|debugPrint|NSLog)\("), "Sources", "print: expected the logger, or what the program is asked to say"),
    (re.compile(r"(?<!func )\b(?:usleep|sleep)\("), "Tests", "sleep: expected a clock that the test moves, a condition that it waits for, or its reason above"),
    (re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b"), "", "an unfinished note: expected the work, or an issue"),
]
RAW_ONLY = ("unchecked concurrency", "a trap")
# How far above a line its reason may stand.
REASON_LINES = 4


def code(line):
    """`line` without its comment and without what stands in its strings."""
    line = re.sub(r'"(?:\\.|[^"\\])*"', '""', line)
    return line.split("//")[0]


def patterns():
    findings = []
    for path in [*swift_files("Sources"), *swift_files("Tests")]:
        with open(path, encoding="utf-8") as file:
            lines = file.read().split("\n")
        in_text = False
        for number, line in enumerate(lines, 1):
            quotes = line.count('"""')
            if not in_text:
                above = lines[max(number - 1 - REASON_LINES, 0):number - 1]
                findings += [f"{path}:{number}: {text}" for text in wrong(path, line, any("//" in other for other in above))]
            in_text ^= quotes % 2 == 1
    return findings


def wrong(path, line, has_reason):
    for pattern, where, text in PATTERNS:
        if not path.startswith(where) or (text.startswith(RAW_ONLY) and "/Raw/" in path) or (text.startswith("sleep") and has_reason):
            continue
        if pattern.search(line if where == "" else code(line)):
            yield text


def tracked(*patterns):
    result = subprocess.run(["git", "ls-files", "-z", *patterns], capture_output=True, text=True, check=True)
    return [path for path in result.stdout.split("\0") if path]


def format_is_kept():
    if shutil.which("swift") is None:
        return []
    files = [*swift_files("Sources"), *swift_files("Tests"), "Package.swift"]
    result = subprocess.run(
        ["swift", "format", "lint", "--parallel", "--configuration", ".swift-format", *files], capture_output=True, text=True,
        stdin=subprocess.DEVNULL)
    if "warning:" not in result.stderr and result.returncode != 0:
        return []  # this toolchain has no swift format
    return [line for line in result.stderr.splitlines() if "warning:" in line and not is_taste(line)]


def is_taste(finding):
    return any(taste in finding for taste in TASTE + (TASTE_IN_TESTS if finding.startswith("Tests/") else ()))


def each_message_is_generated():
    proto = {path.split("/")[-1].removesuffix(".proto") for path in tracked("proto/*.proto")}
    generated = {path.split("/")[-1].removesuffix(".pb.swift") for path in tracked("Sources/CPNSMessages/Generated/*.pb.swift")}
    return [f"proto/cpns/v1/{name}.proto:1: no generated code: run `make proto`" for name in sorted(proto - generated)] + [
        f"Sources/CPNSMessages/Generated/{name}.pb.swift:1: made from no .proto: remove it" for name in sorted(generated - proto)]


def files_have_one_name():
    """SwiftPM wants the names of a target's files to differ."""
    seen = collections.defaultdict(list)
    for path in swift_files("Sources"):
        seen["/".join(path.split("/")[:2]) + "/" + path.split("/")[-1]].append(path)
    return [f"{paths[1]}:1: same name as {paths[0]}" for paths in seen.values() if len(paths) > 1]


RULES = [
    ("no forced unwraps, traps, prints, sleeps in tests or unfinished notes", patterns),
    ("swift format finds nothing but its taste in line breaks", format_is_kept),
    ("messages and generated code belong together", each_message_is_generated),
    ("file names within a target differ", files_have_one_name),
]
