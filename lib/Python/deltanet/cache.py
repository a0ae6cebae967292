"""Where packages come from: those shipped, then the user's cache, then the compiler.

A package is named by its content: a digest of the operator's text, the compiler's arguments,
the version, and for this machine's processor what instructions it has. Processes that want
the same one at the same time compile it once. Standard library only.
"""
import contextlib
import fcntl
import hashlib
import logging
import os
import platform
import shlex
import shutil
import subprocess
import tempfile

from .version import __version__

logger = logging.getLogger("deltanet")


class CompileError(RuntimeError):
    """No package, and why."""


def shipped():
    """The folders of packages that exist already: of this installation, then DELTANET_PACKAGES."""
    here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "packages")
    return [here] + [path for path in os.environ.get("DELTANET_PACKAGES", "").split(os.pathsep) if path]


def folder():
    """The user's cache: DELTANET_CACHE, else `deltanet` in XDG_CACHE_HOME or ~/.cache."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.environ.get("DELTANET_CACHE") or os.path.join(base, "deltanet")


def compiler():
    """The program `deltanet`: DELTANET, else on PATH; None where there is none."""
    given = os.environ.get("DELTANET")
    if given:
        found = shutil.which(given)
        if not found:
            raise CompileError(f"expects a program in DELTANET, got '{given}'")
        return found
    return shutil.which("deltanet")


def _processor():
    """What instructions this machine's processor has: a package for `host` may need all of them."""
    text = platform.machine()
    with contextlib.suppress(OSError), open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith(("flags", "Features")):
                text += " ".join(sorted(line.partition(":")[2].split()))
                break
    return text


def key(text, words):
    """The name of the package of this program, compiled with these arguments."""
    content = [__version__, text, *words]
    if "host" in words:
        content.append(_processor())
    return hashlib.sha256("\0".join(content).encode()).hexdigest()[:32]


def command(text_path, words, out):
    return ["compile", text_path, *words, "-o", out]


def find(text, words):
    """The path of the package of `text`, compiled with `words`: existing, or made now."""
    name = key(text, words)
    for place in shipped():
        path = os.path.join(place, name + ".so")
        if os.path.exists(path):
            return path
    program = compiler()
    path = os.path.join(folder(), name + ".so")
    if _is_current(path, program):
        return path
    if program is None:
        raise CompileError(_how_to(text, words, name))
    return _compile_once(program, text, words, name)


def _is_current(path, program):
    """Whether the cache has it, not older than the compiler: a new compiler makes it anew."""
    with contextlib.suppress(OSError):
        made = os.path.getmtime(path)
        return program is None or made >= os.path.getmtime(program)
    return False


def _how_to(text, words, name):
    """Why there is no package, and the commands that make it."""
    source = os.path.join(folder(), name + ".mlir")
    with contextlib.suppress(OSError):
        os.makedirs(folder(), exist_ok=True)
        _write(source, text.encode())
    command_ = " ".join(map(shlex.quote, ["deltanet", *command(source, words, os.path.join(folder(), name))]))
    lines = ["expects a compiled package for this operator, or `deltanet` on PATH (or in DELTANET) to compile it; got "
             "neither.", "Where deltanet is installed, these make it:"]
    if not os.path.exists(source):
        lines.append(f"  the text below, written to {source}")
    lines += [f"  {command_}", f"  mv {os.path.join(folder(), name, 'deltanet.so')} "
              f"{os.path.join(folder(), name + '.so')}"]
    return "\n".join(lines + ([] if os.path.exists(source) else [text]))


def _write(path, data):
    """A file that is whole whenever it is seen."""
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path))
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    os.chmod(temporary, 0o644)
    os.replace(temporary, path)


@contextlib.contextmanager
def _locked(path):
    """One process at a time; says so when it has to wait."""
    with open(path, "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            logger.warning("another process compiles this operator: waiting for it (%s)", path)
            fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)


def _compile_once(program, text, words, name):
    place = folder()
    os.makedirs(place, exist_ok=True)
    path = os.path.join(place, name + ".so")
    with _locked(os.path.join(place, name + ".lock")):
        if _is_current(path, program):  # made while we waited
            return path
        source = os.path.join(place, name + ".mlir")
        _write(source, text.encode())
        logger.warning("compiling an operator for its first use: %s", " ".join(words[1:2]) + " " + source)
        with tempfile.TemporaryDirectory(dir=place) as out:
            done = subprocess.run([program, *command(source, words, out)], capture_output=True, text=True)
            made = os.path.join(out, "deltanet.so")
            if done.returncode or not os.path.exists(made):
                said = [line for line in done.stderr.splitlines() if "error: " in line or "note: " in line]
                raise CompileError(f"`{shlex.join([program, *command(source, words, place)])}` ended with "
                                   f"{done.returncode}:\n" + ("\n".join(said) or done.stderr.strip()))
            os.replace(made, path)
        logger.warning("compiled: %s", path)
    return path
