"""What the kernel forbids the process of a Python grader. Linux only, and no root needed.

Two layers, each where it is to be had. *seccomp*, through libseccomp (which Debian, Ubuntu, Fedora
and their containers carry): no new process, no socket, no signal to another process, no look into
one, no change to a file or to the system. *Landlock* (Linux 5.13 and newer): only Python's own
installation and a few files of the system can be read. Both last for the life of the process, and
hold for native code too. docs/security.md says what is promised on which platform.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import site
import sys
from collections.abc import Iterable
from pathlib import Path

PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38
SIGKILL = 9
CAPABILITY_VERSION = 0x20080522

# Refused whatever the arguments. The numbers are for a libseccomp older than the system call:
# from 424 on they are the same on every architecture.
REFUSED = (
    "fork", "vfork", "execve", "execveat", "tkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo",
    "ptrace", "process_vm_readv", "process_vm_writev", "kcmp", "perf_event_open", "userfaultfd",
    "bpf", "socket", "connect", "bind", "listen", "mount", "umount", "umount2", "pivot_root",
    "chroot", "unshare", "setns", "keyctl", "add_key", "request_key", "init_module",
    "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot", "swapon",
    "swapoff", "sethostname", "setdomainname", "settimeofday", "clock_settime", "clock_adjtime",
    "adjtimex", "quotactl", "acct", "syslog", "iopl", "ioperm", "fanotify_init",
    "name_to_handle_at", "open_by_handle_at", "creat", "truncate", "ftruncate", "fallocate",
    "mknod", "mknodat", "mkdir", "mkdirat", "rmdir", "unlink", "unlinkat", "rename", "renameat",
    "renameat2", "link", "linkat", "symlink", "symlinkat", "chmod", "fchmod", "fchmodat",
    "chown", "fchown", "lchown", "fchownat", "utime", "utimes", "utimensat", "futimesat",
    "setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr",
    "shmget", "shmat", "shmctl", "msgget", "msgsnd", "msgrcv", "msgctl", "semget", "semop",
    "semtimedop", "semctl", "mq_open", "mq_unlink", "io_setup", "setpriority", "ioprio_set",
    "sched_setscheduler", "sched_setparam", "sched_setattr", "migrate_pages", "move_pages",
)  # fmt: skip
REFUSED_BY_NUMBER = {
    "pidfd_send_signal": 424, "io_uring_setup": 425, "open_tree": 428, "move_mount": 429,
    "fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433, "pidfd_open": 434,
    "pidfd_getfd": 438, "process_madvise": 440, "mount_setattr": 442, "quotactl_fd": 443,
    "process_mrelease": 448, "fchmodat2": 452, "setxattrat": 463, "removexattrat": 466,
    "open_tree_attr": 467, "file_setattr": 469,
}  # fmt: skip
# The C library tries these first and takes an older call, which is checked, if they do not exist.
ABSENT = {"clone3": 435, "openat2": 437}

ALLOW = 0x7FFF0000
NOT_EQUAL, MASKED_EQUAL = 1, 7
CLONE_THREAD = 0x10000
INT = 0xFFFFFFFF  # what the kernel takes of an argument that is an int
# Commands by which a file sends a signal (F_SETOWN, F_SETSIG, F_SETOWN_EX, FIOSETOWN, SIOCSPGRP),
# and the one by which this process would outlive its parent.
REFUSED_COMMANDS = (
    ("fcntl", 8), ("fcntl", 10), ("fcntl", 15), ("ioctl", 0x8901), ("ioctl", 0x8902),
    ("prctl", PR_SET_PDEATHSIG),
)  # fmt: skip
AF_UNIX = 1
SOCKET_TYPES = 0xF
OTHER_TYPES = (2, 3, 4, 5, 10)  # all but SOCK_STREAM: a pair of streams cannot reach anyone else

READ = 1 << 2 | 1 << 3  # Landlock: read a file, list a folder
ACCESS_OF_ABI = {1: 1 << 13, 2: 1 << 14, 3: 1 << 15, 5: 1 << 16}  # rights known: below this bit
NETWORK = 1 << 0 | 1 << 1  # rights of ABI 4: bind a TCP port, connect to one
SCOPES = 1 << 0 | 1 << 1  # of ABI 6: abstract sockets and signals stay among confined processes
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
SYSTEM_FILES = (
    "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/share/zoneinfo",
    "/etc/ld.so.cache", "/etc/localtime", "/dev/null", "/dev/zero", "/dev/urandom", "/dev/random",
    "/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system/cpu",
)  # fmt: skip


def confine(parent: int) -> list[str]:
    """Confine this process, and end it with its parent; returns the layers that are in force."""
    if sys.platform != "linux":
        return []
    libc = ctypes.CDLL(None, use_errno=True)
    drop_capabilities(libc)
    libc.prctl(PR_SET_PDEATHSIG, SIGKILL)
    if os.getppid() != parent:  # it ended before this was asked for
        os._exit(1)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    layers = {"Landlock": restrict_reading(libc), "seccomp": refuse_system_calls()}
    return [name for name, is_in_force in layers.items() if is_in_force]


def drop_capabilities(libc: ctypes.CDLL) -> None:
    """What root may do beyond any other user, such as raising its limits. An error means that this
    process has none."""
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0)
    libc.capset(header, (ctypes.c_uint32 * 6)())


def readable_paths() -> Iterable[str]:
    """Python's installation with its packages, and what the system's libraries read."""
    packages = [*site.getsitepackages(), str(Path(os.__file__).parent)]
    return {sys.prefix, sys.base_prefix, *packages, *SYSTEM_FILES} - {"/"}


def restrict_reading(libc: ctypes.CDLL) -> bool:
    """Landlock (https://docs.kernel.org/userspace-api/landlock.html): all access to files is gone,
    but for reading those of `readable_paths`. Newer kernels add TCP, abstract sockets and signals
    to other processes. Returns whether it is so."""
    abi = libc.syscall(CREATE_RULESET, None, 0, 1)
    if abi < 1:
        return False
    handled = max(bit for known, bit in ACCESS_OF_ABI.items() if known <= abi) - 1
    denied = (ctypes.c_uint64 * 3)(handled, NETWORK, SCOPES)
    size = 8 * (1 + (abi >= 4) + (abi >= 6))  # an older kernel knows the first fields only
    ruleset = libc.syscall(CREATE_RULESET, ctypes.byref(denied), size, 0)
    if ruleset < 0:
        return False
    for path in readable_paths():
        with contextlib.suppress(OSError):
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
            access = READ if Path(path).is_dir() else READ & 1 << 2
            rule = _Rule(access, place)
            libc.syscall(ADD_RULE, ruleset, 1, ctypes.byref(rule), 0)
            os.close(place)
    is_in_force: bool = libc.syscall(RESTRICT_SELF, ruleset, 0) == 0
    os.close(ruleset)
    return is_in_force


class _Rule(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("access", ctypes.c_uint64), ("folder", ctypes.c_int32))


class _Comparison(ctypes.Structure):
    """libseccomp's `scmp_arg_cmp`: the number of an argument, how, and with what."""

    _fields_ = (
        ("argument", ctypes.c_uint),
        ("how", ctypes.c_int),
        ("first", ctypes.c_uint64),
        ("second", ctypes.c_uint64),
    )


def refuse_system_calls() -> bool:
    """seccomp: what is refused fails with "operation not permitted". Returns whether it is so."""
    try:
        library = ctypes.CDLL("libseccomp.so.2")
    except OSError:
        return False
    library.seccomp_init.restype = ctypes.c_void_p
    rules = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(ALLOW)))

    def refuse(
        name: str,
        *comparisons: tuple[int, int, int, int],
        number: int = -1,
        error: int = errno.EPERM,
    ) -> None:
        known = library.seccomp_syscall_resolve_name(name.encode())
        known = known if known >= 0 else number
        if known >= 0:
            listed = (_Comparison * len(comparisons))(*(_Comparison(*c) for c in comparisons))
            action = ctypes.c_uint32(0x00050000 | error)
            library.seccomp_rule_add_array(rules, action, known, len(comparisons), listed)

    for name in REFUSED:
        refuse(name)
    for name, number in REFUSED_BY_NUMBER.items():
        refuse(name, number=number)
    for name, number in ABSENT.items():
        refuse(name, number=number, error=errno.ENOSYS)
    refuse("clone", (0, MASKED_EQUAL, CLONE_THREAD, 0))  # a thread is not a new process
    for name in ("kill", "tgkill"):
        refuse(name, (0, NOT_EQUAL, os.getpid(), 0))
    for name in ("prlimit64", "sched_setaffinity"):  # 0 is this process
        refuse(name, (0, NOT_EQUAL, 0, 0))
    for name, command in REFUSED_COMMANDS:
        refuse(name, (0 if name == "prctl" else 1, MASKED_EQUAL, INT, command))
    refuse("socketpair", (0, NOT_EQUAL, AF_UNIX, 0))
    for kind in OTHER_TYPES:
        refuse("socketpair", (1, MASKED_EQUAL, SOCKET_TYPES, kind))
    for name, argument in (("open", 1), ("openat", 2)):
        writing = [(os.O_ACCMODE, mode) for mode in (os.O_WRONLY, os.O_RDWR, os.O_ACCMODE)]
        for mask, value in (*writing, (os.O_CREAT, os.O_CREAT), (os.O_TRUNC, os.O_TRUNC)):
            refuse(name, (argument, MASKED_EQUAL, mask, value))
    is_in_force: bool = library.seccomp_load(rules) == 0
    library.seccomp_release(rules)
    return is_in_force
