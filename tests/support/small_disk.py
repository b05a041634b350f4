"""A small ext4 of its own for a test, on a loop device over a file, that can lose its power.

    disk = SmallDisk(test, megabytes=256)     # Skips the test, in words, where it cannot be had.
    disk.cut()                                # From now on nothing reaches the disk any more.
    ... the processes that use it are killed ...
    disk.come_back()                          # Unmounted, mounted again: what was on the disk is what there is.

What it took is given back when the test ends, also when it fails.
"""

import fcntl
import os
import pathlib
import struct
import subprocess
import tempfile

from sluice_test import wait_until

EXT4_IOC_SHUTDOWN = 0x8004587D  # _IOR('X', 125, __u32)
NO_LOG_FLUSH = 2  # Not even the file system's own journal is written out: as when the plug is pulled.


def run(*command):
    result = subprocess.run(command, capture_output=True, timeout=60)
    if result.returncode != 0:
        raise OSError(f"{' '.join(map(str, command))}: {result.stderr.decode(errors='replace').strip()}")
    return result.stdout.decode().strip()


class SmallDisk:
    def __init__(self, test, megabytes):
        if os.geteuid() != 0:
            test.skipTest("mounting a file system takes root")
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="sluice-disk."))
        test.addCleanup(os.rmdir, self.directory)
        self.image, self.path = self.directory / "image", self.directory / "mounted"
        self.path.mkdir()
        test.addCleanup(os.rmdir, self.path)
        with open(self.image, "wb") as image:
            image.truncate(megabytes << 20)
        test.addCleanup(os.unlink, self.image)
        try:
            run("mkfs.ext4", "-q", "-F", "-m", "0", self.image)
            self.device = run("losetup", "--find", "--show", self.image)
        except OSError as error:
            test.skipTest(f"no ext4 on a loop device here: {error}")
        test.addCleanup(run, "losetup", "--detach", self.device)
        self.mounted = False
        test.addCleanup(self.unmount)
        try:
            self.mount()
        except OSError as error:
            test.skipTest(f"no ext4 on a loop device here: {error}")

    def mount(self):
        run("mount", "-t", "ext4", self.device, self.path)
        self.mounted = True

    def unmount(self):
        if not self.mounted:
            return
        # A killed process lets go of its files a moment after it was reaped.
        wait_until(self._try_unmount, 20, f"unmounting of {self.path}")
        self.mounted = False

    def _try_unmount(self):
        try:
            run("umount", self.path)
        except OSError:
            return False
        return True

    def cut(self):
        directory = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.ioctl(directory, EXT4_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        finally:
            os.close(directory)

    def come_back(self):
        self.unmount()
        self.mount()

    def free_bytes(self):
        found = os.statvfs(self.path)
        return found.f_bavail * found.f_frsize
