"""Runs the commands that a document shows and compares what they print.

    check_document.py DOCUMENT     from the repository's root

A block fenced as ```console holds commands, `$ ` before each (a backslash at the
end of a line continues it), and below each what it prints. A line of `...` stands
for any number of lines, `...` within a line for anything. A command without
output below it must only succeed. Spaces are compared as one.

A block after a line `<!-- same as PATH -->` must be what that file holds.
"""
import re
import subprocess
import sys


def blocks(text):
    """(first line number, command, expected lines) of every command."""
    inside, command, expected, start = False, None, [], 0
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("```"):
            if inside and command is not None:
                yield start, command, expected
            inside, command, expected = line == "```console", None, []
        elif inside and command is not None and command.endswith("\\"):
            command = command[:-1] + line
        elif inside and line.startswith("$ "):
            if command is not None:
                yield start, command, expected
            command, expected, start = line[2:], [], number
        elif inside and command is not None:
            expected.append(line)


def copies(text):
    """(path, block) of every block that is said to be a file."""
    return re.findall(r"^<!-- same as (\S+) -->\n```\w*\n(.*?)^```$", text, re.M | re.S)


def pattern(line):
    parts = [re.escape(" ".join(part.split())) for part in line.split("...")]
    return re.compile(".*".join(parts).replace(r"\ ", r"\s*") + r"\Z", re.DOTALL)


def find_difference(expected, got):
    """The expected line that no output line matches, or None."""
    got = [" ".join(line.split()) for line in got]
    at, anywhere = 0, False
    for line in expected:
        if line.strip() == "...":
            anywhere = True
            continue
        wanted, first = pattern(line), at
        while at < len(got) and not wanted.match(got[at]):
            if not anywhere:
                return line, got[first:first + 1]
            at += 1
        if at == len(got):
            return line, got[first:first + 3]
        at, anywhere = at + 1, False
    if at < len(got) and not anywhere:
        return "(the end of the output)", got[at:at + 3]
    return None


def trimmed(lines):
    lines = [line.rstrip() for line in lines]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def main():
    document, failures, count = sys.argv[1], 0, 0
    text = open(document, encoding="utf-8").read()
    for path, block in copies(text):
        if block != open(path, encoding="utf-8").read():
            print(f"{document}: the block that is said to be {path} is not")
            failures += 1
    for number, command, expected in blocks(text):
        count += 1
        run = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
        where = f"{document}:{number}: {command}"
        if run.returncode != 0:
            print(f"{where}\n  leaves with {run.returncode}: {run.stderr.strip()}")
            failures += 1
            continue
        expected = trimmed(expected)
        difference = expected and find_difference(expected, trimmed(run.stdout.split("\n")))
        if difference:
            print(f"{where}\n  expects:  {difference[0].strip()}\n  got:      "
                  + "\n            ".join(difference[1]))
            failures += 1
    print(f"{document}: {count} commands, {failures} failed")
    return failures > 0 or count == 0


if __name__ == "__main__":
    sys.exit(main())
