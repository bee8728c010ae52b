"""The README's commands of "Try it on files" and "Policy", typed as they stand."""

import os
import re
import shutil
import subprocess
import tempfile

from tap import done, is_equal, note, ok

SRC = os.path.abspath(os.environ.get('srcdir', '.'))
STIRCTL = os.environ.get('STIRCTL') or os.path.abspath('stirctl')


def examples(section):
    with open(os.path.join(SRC, 'README.md')) as f:
        part = f.read().split(f'## {section}\n', 1)[1].split('\n## ', 1)[0]
    return re.findall(r'^    (.*)$', part, re.M)


def run(line, folder):
    env = dict(os.environ, PATH=os.path.dirname(STIRCTL) + ':' + os.environ['PATH'])
    return subprocess.run(line, shell=True, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)


def try_it(folder):
    commands = examples('Try it on files')
    ok(len(commands) >= 8, 'the commands were found')
    for line in commands:
        r = run(line, folder)
        changed = 'changed.eml' in line and 'explain' in line
        if not is_equal(r.returncode, 1 if changed else 0, line[:70]):
            note(r.stdout)
        if 'verify' in line:
            ok('pass' in r.stdout, 'the signed message passes')
        if changed:
            ok('msgi-mismatch' in r.stdout, 'the changed one fails, and explain says why')


def policy(folder):
    lines = examples('Policy')
    commands = [line for line in lines if re.match(r'(cp|sed|stirctl) ', line)]
    with open(os.path.join(folder, 'shown.policy'), 'w') as f:
        f.write('policy 1\nlist shorteners host { "bit.ly" }\n' + '\n'.join(line for line in lines if line not in commands) + '\n')
    r = run('stirctl policy check shown.policy', folder)
    if not is_equal(r.returncode, 0, 'the rules shown are rules'):
        note(r.stdout)
    is_equal(len(commands), 6, "the policy's commands were found")
    os.symlink(os.path.join(SRC, 'conf'), os.path.join(folder, 'conf'))
    for line in commands:
        r = run(line, folder)
        changes = 'policy diff' in line
        if not is_equal(r.returncode, 1 if changes else 0, line[:70]):
            note(r.stdout)
        if changes:
            ok('quarantine -> reject: 1 message' in r.stdout, 'diff shows what the change does')
        if 'policy explain' in line:
            ok('* OTHER_CONTENT, +8' in r.stdout, 'explain says which rule hit')
        if 'policy run' in line:
            ok('OTHER_CONTENT' in r.stdout, 'the changed message hits OTHER_CONTENT')
        if 'policy check' in line:
            ok('mode enforce' in r.stdout, 'and the copy enforces')


folder = tempfile.mkdtemp(prefix='tap-readme-', dir=os.getcwd())
try:
    try_it(folder)
    policy(folder)
finally:
    run('chmod -R u+w lists carrier-mm4.policy', folder)
    shutil.rmtree(folder, ignore_errors=True)
done()
