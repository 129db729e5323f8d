"""Scenarios as a TAP program: each is a function, each runs in a world of its own.

A scenario takes one argument, the World; the first line of its docstring is its name. It succeeds
by returning. Worlds make scenarios independent: whatever one leaves behind is gone with it.
"""

import os
import sys
import time
import traceback

from . import binary, world

TIMEOUT_S = 300


class Failure(Exception):
    """What a scenario expected did not come true; the text says what."""


def check(condition, what):
    """Raises Failure with `what` unless the condition holds."""
    if not condition:
        raise Failure(what)


def equal(seen, wanted, what):
    """Raises Failure unless both are equal."""
    if seen != wanted:
        raise Failure(f"{what}: {seen!r}, not {wanted!r}")


def note(text):
    """A line for the reader of the whole output."""
    for line in str(text).splitlines() or [""]:
        print(f"# {line}", flush=True)


def diagnose(text):
    """Lines that tell why a scenario failed: on stderr, so that `prove` shows them."""
    for line in str(text).splitlines() or [""]:
        print(f"# {line}", file=sys.stderr, flush=True)


def main(scenarios, needs=()):
    """Runs scenarios and ends the program: 0 when all passed, 1 otherwise, 130 interrupted.

    Arguments of the command line choose scenarios by a part of the function's name; `--list` lists
    them. `needs` are files without which nothing can be tested.
    """
    words = sys.argv[1:]
    if "--list" in words:
        for function in scenarios:
            print(f"{function.__name__}: {_title(function)}")
        sys.exit(0)
    chosen = [function for function in scenarios
              if not words or any(word in function.__name__ for word in words)]
    reason = world.missing() if chosen else f"no scenario is called {words}"
    absent = [path for path in needs if not os.access(path, os.X_OK)]
    if absent:
        reason = f"no {absent[0]}: run make, or set ORDAIN"
    try:
        binary.content()
    except OSError as error:
        reason = str(error)
    if reason:
        print(f"Bail out! {reason}", flush=True)
        print(reason, file=sys.stderr)
        sys.exit(1)
    print(f"1..{len(chosen)}", flush=True)
    failed = sum(not _one(number, function) for number, function in enumerate(chosen, 1))
    if failed:
        print(f"# {failed} of {len(chosen)} failed", flush=True)
    sys.exit(1 if failed else 0)


def _one(number, function):
    """Runs one scenario; True when it passed."""
    begin = time.monotonic()
    status = world.run(lambda w: _guarded(function, w), getattr(function, "timeout_s", TIMEOUT_S))
    word = "ok" if status == 0 else "not ok"
    print(f"{word} {number} - {_title(function)} # {time.monotonic() - begin:.1f} s", flush=True)
    if status == 130:
        print("Bail out! interrupted", flush=True)
        sys.exit(130)
    return status == 0


def _guarded(function, one_world):
    """In the world: the scenario, with its failure told."""
    try:
        function(one_world)
        return 0
    except Failure as failure:
        diagnose(f"{function.__name__}: {failure}")
    except world.Interrupted:
        diagnose(f"{function.__name__}: ended from outside, or over its time")
    except Exception:  # pylint: disable=broad-except
        diagnose(f"{function.__name__}:\n{traceback.format_exc()}")
    return 1


def _title(function):
    return (function.__doc__ or function.__name__).strip().splitlines()[0].rstrip(".")


def timeout(seconds):
    """Decorator: this scenario may take so long (default TIMEOUT_S)."""
    def mark(function):
        function.timeout_s = seconds
        return function
    return mark
