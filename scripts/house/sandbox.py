"""A place of our own: network, mount and process namespaces that end with us.

Everything that the house starts lives in here, so the kernel itself sees to it that nothing is left over and that nothing of the
machine is touched. Root uses its rights; anybody else gets a user namespace, where the kernel allows that.
"""

import os
import shutil
import subprocess
import sys

MARK = "PNGW_SANDBOX"


def is_inside():
    return os.environ.get(MARK) == "1"


def command(words):
    """The command line that runs `words` in a sandbox."""
    unshare = shutil.which("unshare")
    if unshare is None:
        sys.exit("unshare is missing: run scripts/install-deps, or install util-linux")
    spaces = ["--net", "--mount", "--pid", "--fork", "--kill-child=KILL", "--mount-proc", "--propagation", "private"]
    if os.geteuid() != 0:
        spaces = ["--user", "--map-root-user"] + spaces
    setup = "set -e; mount -t tmpfs -o mode=755 tmpfs /run; mkdir -p /run/netns /run/lock; ip link set lo up; "
    if os.geteuid() != 0:
        # Here there is one user only; avahi-daemon wants its folder to belong to its own.
        setup += "".join(
            f"sed 's/^avahi:x:[0-9:]*:/avahi:x:{ids}:/' /etc/{file} > /run/{file}; mount --bind /run/{file} /etc/{file}; "
            for file, ids in (("passwd", "0:0"), ("group", "0")))
    setup += 'exec "$@"'
    return [unshare, *spaces, "sh", "-c", setup, "sandbox", *words]


def enter(argv):
    """Replaces this process by one in a sandbox that runs `argv`. Does nothing when it is in one already."""
    if is_inside():
        return
    if os.geteuid() != 0 and not allows_user_namespaces():
        sys.exit(
            "the house needs network namespaces: run as root, or allow user namespaces to everybody\n"
            "(sysctl kernel.unprivileged_userns_clone=1, or kernel.apparmor_restrict_unprivileged_userns=0)")
    os.environ[MARK] = "1"
    words = command(argv)
    os.execv(words[0], words)


def allows_user_namespaces():
    return subprocess.run(["unshare", "--user", "--map-root-user", "true"], capture_output=True).returncode == 0


if __name__ == "__main__":
    # python3 scripts/house/sandbox.py COMMAND…
    enter(sys.argv[1:])
    os.execvp(sys.argv[1], sys.argv[1:])
