"""A folder of a test's own in the build tree, with a name short enough for sockets in it."""

import os
import shutil
import tempfile

# The path of a local socket has at most 107 octets; this much is for its place in the folder.
ROOM = 40
LONGEST = 107 - ROOM


def too_long(path):
    return len(os.fsencode(path)) > LONGEST


class WorkFolder:
    """path is what to use; where the tree's own path is too long, it leads there over a link."""

    def __init__(self, prefix):
        self.real = tempfile.mkdtemp(prefix=prefix, dir=os.getcwd())
        self.path = self.real
        self._link = None
        if too_long(self.real):
            self._link = tempfile.mkdtemp(prefix='stir-')
            # What is in the folder says who may have it.
            os.chmod(self._link, 0o711)
            self.path = os.path.join(self._link, 'w')
            os.symlink(self.real, self.path)

    def __enter__(self):
        return self.path

    def __exit__(self, *exc):
        self.remove()

    def remove(self):
        shutil.rmtree(self.real, ignore_errors=True)
        if self._link:
            shutil.rmtree(self._link, ignore_errors=True)
