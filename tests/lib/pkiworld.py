"""A PKI of stirctl pki in a folder below the build tree, for the tests of its
commands, and messages signed and judged with what they made."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

import tap

STIRCTL = os.environ.get('STIRCTL') or os.path.abspath('stirctl')
FROM, TO = '+15550100001', '+15550300001'


class PkiWorld:
    """with PkiWorld() as w: w.pki('init', 'pilot') ...; names are relative to its folder."""

    def __init__(self):
        if not os.access(STIRCTL, os.X_OK):
            tap.skip_all(f'{STIRCTL} is not built')
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix='tap-pki-', dir=os.getcwd()))
        self.now = int(time.time())

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        shutil.rmtree(self.dir, ignore_errors=True)

    def path(self, name):
        return self.dir / name

    def run(self, *args, data=None, env=None):
        return subprocess.run([str(a) for a in args], input=data, capture_output=True, cwd=self.dir, env=env, timeout=120, check=False)

    def pki(self, *args, want=0, says=None):
        """The completed command; a test point when its status is not as wanted (None: any will do), or when something should be said."""
        r = self.run(STIRCTL, 'pki', *args)
        err = r.stderr.decode(errors='replace')
        if want not in (None, r.returncode) or says is not None:
            good = want in (None, r.returncode) and (says is None or re.search(says, err))
            if not tap.ok(good, f'pki {" ".join(map(str, args))[:90]}: {want}{", " + says if says else ""}'):
                tap.note(f'status {r.returncode}: {err}')
        return r

    def openssl(self, *args):
        r = self.run('openssl', *args)
        return r.returncode, (r.stdout + r.stderr).decode(errors='replace')

    def message(self, number=FROM):
        return (f'From: {number}/TYPE=PLMN@mms.a.example\nTo: {TO}/TYPE=PLMN@mms.b.example\nDate: Mon, 30 Nov 2026 12:00:00 +0000\n\n'
                'See you at eight?\n').encode()

    def sign(self, name, url, number=FROM, at=None):
        return self.run(STIRCTL, 'sign', '--key', f'{name}.key', '--cert', f'{name}.pem', '--x5u', url, *(['--now', str(at)] if at else []), '-',
                        data=self.message(number))

    def verify(self, message, *options, at=None):
        """'pass ok' and the like."""
        r = self.run(STIRCTL, 'verify', *options, *(['--now', str(at)] if at else []), '--json', '-', data=message)
        found = re.search(rb'"result": ?"(\w+)".*?"reason": ?"([\w-]+)"', r.stdout)
        return b' '.join(found.groups()).decode() if found else r.stderr.decode(errors='replace')
