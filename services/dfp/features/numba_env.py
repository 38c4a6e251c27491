"""Compiler settings that must stand in the environment before numba is imported; so import this module first.

Intel's SVML replaces `log` and friends by versions with other last bits on some processors, and a kernel compiled for
the build machine may use instructions that another one has not. Replay parity needs the same bits everywhere.
"""

import os

os.environ.setdefault("NUMBA_DISABLE_INTEL_SVML", "1")
os.environ.setdefault("NUMBA_CPU_NAME", "generic")
