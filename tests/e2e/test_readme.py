"""The README's commands "Try it on files", typed as they stand."""

import os
import re
import shutil
import subprocess
import tempfile

from tap import done, is_equal, note, ok

README = os.path.join(os.environ.get('srcdir', '.'), 'README.md')
STIRCTL = os.environ.get('STIRCTL') or os.path.abspath('stirctl')


def commands():
    with open(README) as f:
        part = f.read().split('## Try it on files', 1)[1].split('\n## ', 1)[0]
    return re.findall(r'^    (.*)$', part, re.M)


def run(line, folder):
    env = dict(os.environ, PATH=os.path.dirname(STIRCTL) + ':' + os.environ['PATH'])
    return subprocess.run(line, shell=True, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)


folder = tempfile.mkdtemp(prefix='tap-readme-', dir=os.getcwd())
try:
    ok(len(commands()) >= 8, 'the commands were found')
    for line in commands():
        r = run(line, folder)
        changed = 'changed.eml' in line and 'explain' in line
        if not is_equal(r.returncode, 1 if changed else 0, line[:70]):
            note(r.stdout)
        if 'verify' in line:
            ok('pass' in r.stdout, 'the signed message passes')
        if changed:
            ok('msgi-mismatch' in r.stdout, 'the changed one fails, and explain says why')
finally:
    shutil.rmtree(folder, ignore_errors=True)
done()
