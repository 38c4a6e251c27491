"""Ties a child's life to its parent's: the kernel kills it when `dfp up` is gone, however `dfp up` died.

`python -m dfp.local.tether PARENT COMMAND…` sets the death signal and becomes COMMAND, so the program stays a direct
child with the same pid. A wrapper rather than Popen's `preexec_fn`, which runs Python between fork and exec and may
deadlock. It imports nothing of ours: it costs a bare interpreter start.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
"""linux/prctl.h. The setting survives execve."""


def main() -> None:
    """Become `sys.argv[2:]`, tied to the parent `sys.argv[1]`."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    libc = ctypes.CDLL(None, use_errno=True)
    # SIGKILL cannot be missed, and it is safe: every service and the append-only file stand a kill at any instant.
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:  # it died before the setting took hold
        sys.exit(1)
    os.execvp(command[0], command)  # noqa: S606 - the supervisor's own list, no shell


if __name__ == "__main__":
    main()
