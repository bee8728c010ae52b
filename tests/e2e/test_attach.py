"""stir-milter-attach with the real postconf(1), and lists of milters as people write them:
what it puts in is there once, what others put there stays as it was."""

import os
import shutil
import stat
import subprocess
import tempfile

import tap
from postfix import Postfix

SCRIPT = os.path.join(os.environ.get('srcdir', '.'), 'tools', 'stir-milter-attach.in')
OURS = 'inet:127.0.0.1:8895'
SETTINGS = 'connect_timeout=5s, command_timeout=10s, content_timeout=60s, default_action=accept'
ENTRY = f'{{ {OURS}, {SETTINGS} }}'


class Host:
    """The script between programs that stand in for those of a host; only postconf is real.
    It waits until a file is some seconds old, and is told that it is."""

    def __init__(self, folder):
        self.dir = folder
        for sub in ('bin', 'etc/stir-milter', 'postfix', 'libexec/stir-milter'):
            os.makedirs(f'{folder}/{sub}')
        self.write('postfix/main.cf', 'compatibility_level = 3.6\n')
        self.write('postfix/master.cf', 'smtp inet n - n - - smtpd\n')
        self.socket('inet:8895@127.0.0.1')
        self.program('bin/stir-milter', f'[ ! -e {folder}/broken ] || {{ echo broken >&2; exit 78; }}\n[ "$1" != --print-config ] || cat {folder}/settings')
        root = Postfix.root()
        library = f'export LD_LIBRARY_PATH={root}/usr/lib/postfix' if root != '/' else ':'
        self.program('bin/postconf', f'{library}\ntouch -d "1 hour ago" {folder}/postfix/*.cf\n[ ! -e {folder}/no-edit ] || [ "$1" != -e ] || exit 1\nexec {root}/usr/sbin/postconf -c {folder}/postfix "$@"')
        self.program('bin/id', 'echo 0')
        for name in ('bin/systemctl', 'bin/postfix', 'libexec/stir-milter/configured'):
            self.program(name, 'exit 0')
        with open(SCRIPT) as f:
            text = f.read()
        for name, value in (('sbindir', 'bin'), ('libexecdir', 'libexec'), ('sysconfdir', 'etc')):
            text = text.replace(f'@{name}@', f'{folder}/{value}')
        # No service of this host is started anew by a test.
        text = text.replace('/run/systemd/system', folder).replace('/etc/init.d', f'{folder}/init.d')
        self.write('attach', text)

    def write(self, name, text):
        with open(f'{self.dir}/{name}', 'w') as f:
            f.write(text)

    def program(self, name, text):
        self.write(name, '#!/bin/sh\n' + text + '\n')
        os.chmod(f'{self.dir}/{name}', stat.S_IRWXU)

    def socket(self, spec):
        self.write('settings', f'Socket    {spec}\nMode      v\n')

    def lists(self, smtpd, non_smtpd='', more=''):
        self.write('postfix/main.cf', f'compatibility_level = 3.6\n{more}smtpd_milters = {smtpd}\nnon_smtpd_milters = {non_smtpd}\n')

    def run(self, *args):
        r = subprocess.run(['/bin/sh', f'{self.dir}/attach', *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
        if r.returncode:
            tap.note(r.stdout)
        return r.returncode

    def get(self, name='smtpd_milters', *how):
        r = subprocess.run([f'{self.dir}/bin/postconf', '-h', *how, name], stdout=subprocess.PIPE, text=True, timeout=60)
        return r.stdout.strip()

    def has(self, name):
        return os.path.exists(f'{self.dir}/{name}')


# A list, and what is left of it without ours.
LISTS = (
    ('', ''),
    (OURS, ''),
    (f'{OURS} {OURS}', ''),
    (f'{{ {OURS} default_action=accept }}', ''),
    (f'{{{OURS},default_action=accept}}, inet:127.0.0.1:1', 'inet:127.0.0.1:1'),
    (f'{{ {OURS}, default_action={{accept}} }}, inet:127.0.0.1:1', 'inet:127.0.0.1:1'),
    ('inet:127.0.0.1:1,\n    { inet:127.0.0.1:2,\n      default_action=accept },\n    ' + OURS,
     'inet:127.0.0.1:1, { inet:127.0.0.1:2, default_action=accept }'),
    (f'{OURS}0, unix:x/{OURS}', f'{OURS}0, unix:x/{OURS}'),
    ('${others?{inet:127.0.0.1:1 inet:127.0.0.1:2}}, {}', '${others?{inet:127.0.0.1:1 inet:127.0.0.1:2}}, {}'),
)


def test_lists(h):
    for written, rest in LISTS:
        what = ' '.join(written.split()) or 'empty'
        h.lists(written)
        first = h.run(), h.get()
        tap.ok(first[0] == 0 and first[1] == (f'{rest}, {ENTRY}' if rest else ENTRY), f'attached: {what}')
        second = h.run(), h.get()
        tap.is_equal(second, first, 'once more: the same')
        tap.is_equal((h.run('--detach'), h.get()), (0, rest), 'detached: what others put there')


def test_by_way_of_another(h):
    for smtpd, non_smtpd, more in (('', '$smtpd_milters', ''), ('', '$smtpd_milters, inet:127.0.0.1:1', ''), ('', '${smtpd_milters}', ''),
                                   ('$others', '', f'others = inet:127.0.0.1:1, {OURS}\n')):
        h.lists(smtpd, non_smtpd, more)
        h.run()
        h.run()
        tap.is_equal([h.get(n, '-x').count(OURS) for n in ('smtpd_milters', 'non_smtpd_milters')], [1, 1], f'asked once: {smtpd or non_smtpd}')


def test_another_socket(h):
    h.lists('inet:127.0.0.1:1')
    h.run()
    h.socket('inet:8896@127.0.0.1')
    h.run()
    tap.ok(OURS not in h.get() and '8896' in h.get() and 'inet:127.0.0.1:1, ' in h.get(), 'another Socket: the one that is gone is no longer asked')
    h.socket('inet:8897@127.0.0.1')
    h.write('no-edit', '')
    tap.ok(h.run() != 0 and '8896' in h.get(), 'interrupted before the lists are written')
    os.unlink(f'{h.dir}/no-edit')
    h.socket('inet:8898@127.0.0.1')
    h.run()
    tap.ok(h.get().count('default_action') == 1 and '8898' in h.get(), 'run again: one of them is left')
    h.write('broken', '')
    tap.is_equal((h.run(), h.get().count('8898')), (78, 1), 'a broken configuration is not attached')
    tap.is_equal((h.run('--detach'), h.get(), h.get('non_smtpd_milters')), (0, 'inet:127.0.0.1:1', ''), 'but can be detached')
    tap.ok(not h.has('etc/stir-milter/attached'), 'and nothing remembers it')
    os.unlink(f'{h.dir}/broken')
    tap.is_equal((h.run('--detach'), h.get()), (0, 'inet:127.0.0.1:1'), 'detached twice')


def main():
    postconf = f'{Postfix.root()}/usr/sbin/postconf'
    if not os.access(postconf, os.X_OK):
        tap.skip_all('no Postfix here; tools/get-postfix DIR and STIR_POSTFIX_ROOT=DIR bring one without installing it')
    folder = tempfile.mkdtemp(prefix='stir-attach-')
    try:
        h = Host(folder)
        test_lists(h)
        test_by_way_of_another(h)
        test_another_socket(h)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    tap.done()


main()
