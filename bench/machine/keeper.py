"""Stands between the harness and one of its processes, and ends with either everything that the process has started.

    python -I -S keeper.py LIFELINE PID_PIPE CLOSED COMMAND       a script: nothing but the standard library is imported

A process that is killed ends none of its children, and a child can leave its parent's group. This one adopts what its
child's children leave behind (`PR_SET_CHILD_SUBREAPER`, on Linux), so that nothing escapes; it sleeps until its child
ends, the harness ends (the lifeline, a pipe, is then closed at the other end, however it ended), or SIGTERM asks it to.
It ends as its child did: with the same code, or by the same signal.

LIFELINE    descriptor to watch; it may be read by the command as well
PID_PIPE    descriptor to which the child's number is written
CLOSED      descriptors that the command has and this process must not keep open, as JSON
COMMAND     what to run, as JSON
"""

import json
import os
import select
import signal
import sys
import time
from contextlib import suppress

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
PATIENCE_SECONDS = 5.0
NOT_STARTED = 126


def main() -> None:
    """Start the command, wait, clear up, end alike."""
    lifeline, pid_pipe = int(sys.argv[1]), int(sys.argv[2])
    closed, command = json.loads(sys.argv[3]), json.loads(sys.argv[4])
    woken, wake = os.pipe()
    for end in (woken, wake):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    asked_to_end: list[int] = []
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, lambda number, _: asked_to_end.append(number))
    _linux(PR_SET_CHILD_SUBREAPER, 1)
    child = os.fork()
    if child == 0:
        _become(command, keeper=os.getppid())
    os.write(pid_pipe, f"{child}\n".encode())
    for descriptor in (pid_pipe, *closed):
        os.close(descriptor)
    watch = select.poll()
    watch.register(woken, select.POLLIN)
    watch.register(lifeline, 0)  # an end that was closed is told whatever is asked for
    status = None
    while status is None and not asked_to_end:
        events = dict(watch.poll())
        with suppress(BlockingIOError):
            os.read(woken, 4096)
        status = _reaped(child)
        if events.get(lifeline, 0):
            break
    _end_all(child)
    _end_like(status if status is not None else _reaped(child) or signal.SIGKILL)


def _become(command: list[str], *, keeper: int) -> None:
    """Run the command in the child; it dies with its keeper, and has the signals that a process begins with."""
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)
    signal.set_wakeup_fd(-1)
    os.setpgid(0, 0)
    _linux(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != keeper:
        os._exit(NOT_STARTED)
    try:
        os.execvp(command[0], command)  # noqa: S606 - it is what the keeper is for
    except OSError as error:
        os.write(2, f"{command[0]}: {error.strerror}\n".encode(errors="surrogateescape"))
        os._exit(NOT_STARTED)


def _linux(option: int, value: int) -> None:
    """Ask the kernel for something that only Linux has."""
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415 - Linux only

        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


_statuses: dict[int, int] = {}


def _reaped(child: int) -> int | None:
    """Let go of every child that has ended, and return how the first one did; None while it runs."""
    with suppress(ChildProcessError):
        while True:
            ended, status = os.waitpid(-1, os.WNOHANG)
            if ended == 0:
                break
            _statuses[ended] = status
    return _statuses.get(child)


def _end_all(child: int) -> None:
    """Kill the child's group and all that descends from here, until nothing is left."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child, signal.SIGKILL)
        for descendant in _descendants():
            with suppress(ProcessLookupError, PermissionError):
                os.kill(descendant, signal.SIGKILL)
        _reaped(child)
        if child in _statuses and not _descendants():
            return
        time.sleep(0.002)


def _descendants() -> list[int]:
    """Return the processes that descend from this one and have not ended; none where the system does not say."""
    parents: dict[int, int] = {}
    for name in os.listdir("/proc") if sys.platform == "linux" else ():  # noqa: PTH208 - pathlib doubles the start
        if name.isdigit():
            with suppress(OSError, ValueError, IndexError):
                with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123 - as above
                    state, parent = file.read().rpartition(b")")[2].split()[:2]
                if state not in (b"Z", b"X"):
                    parents[int(name)] = int(parent)
    found = {os.getpid()}
    while more := {process for process, parent in parents.items() if parent in found} - found:
        found |= more
    return sorted(found - {os.getpid()})


def _end_like(status: int) -> None:
    """End with the same code or by the same signal, without a second core file."""
    if os.WIFSIGNALED(status):
        import resource  # noqa: PLC0415 - rarely needed, and this process should start at once

        number = os.WTERMSIG(status)
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        time.sleep(PATIENCE_SECONDS)
    os._exit(os.waitstatus_to_exitcode(status) if not os.WIFSIGNALED(status) else NOT_STARTED)


if __name__ == "__main__":
    main()
