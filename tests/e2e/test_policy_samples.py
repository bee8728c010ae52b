"""The policies in conf/ over the shared samples: spam and wanted mail, and SMS
texts wrapped as MMS mail, as they are and ten thousand at once.  Skipped where the
samples aren't there."""

import csv
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import tempfile
import time
from email.message import EmailMessage
from email.utils import formatdate

from tap import done, is_equal, note, ok, skip, skip_all

SRC = pathlib.Path(os.environ.get('srcdir', '.')).resolve()
SHARED = pathlib.Path(os.environ.get('STIR_SHARED') or SRC / '..' / 'shared').resolve()
SAMPLES = SHARED / 'samples'
STIRCTL = os.environ.get('STIRCTL') or os.path.abspath('stirctl')
POLICIES = ('observe', 'carrier-mm4', 'mail-to-text-gateway')
MANY = 10000                # messages in the long run
MEGABYTES = 200
PARALLEL = 1.2              # CPU seconds a second: two processors are at work
OTHERS = 0.3                # so much of a processor others may use while that is measured
HELD_WANTED = 0.01
NOON = 1793556000           # 1 November 2026, noon in Chicago
DAY = 86400
URL = 'https://certs.example/a.pem'


def missing():
    return [d for d in ('email-spam', 'sms-text', 'mms-email') if not (SAMPLES / d).is_dir()]


if missing():
    skip_all(f'no {", ".join(missing())} in {SAMPLES}; they are not part of the project')


def run(*args, data=None):
    r = subprocess.run([STIRCTL, *map(str, args)], capture_output=True, input=data, timeout=900, check=False)
    if r.returncode != 0:
        note(f'{[str(a) for a in args][:12]}: {r.returncode}\n{r.stderr.decode(errors="replace")[-2000:]}')
    return r


# --- what there is

def email_spam():
    """(wanted, abuse) files, by the label in their names."""
    wanted, abuse = [], []
    for path in sorted((SAMPLES / 'email-spam').rglob('*')):
        if path.is_file():
            label = path.name.split('__')[0]
            (wanted if re.match(r'negative|nice|.*ham', label) else abuse).append(path)
    return wanted, abuse


def sms_texts():
    """(wanted, abuse) texts of both collections."""
    wanted, abuse = [], []
    for line in (SAMPLES / 'sms-text/uci/SMSSpamCollection.half.tsv').read_text(encoding='utf-8', errors='replace').splitlines():
        label, _, text = line.partition('\t')
        (wanted if label == 'ham' else abuse).append(text)
    with open(SAMPLES / 'sms-text/mendeley-f45bkkt8pr/Dataset_5971.half.csv', encoding='utf-8', errors='replace', newline='') as f:
        for row in csv.DictReader(f):
            (wanted if row['LABEL'].lower() == 'ham' else abuse).append(row['TEXT'])
    return wanted, abuse


# --- texts as MMS mail

def mbox_entry(octets):
    return b'From sms@example.net Sun Nov  1 18:00:00 2026\n' + re.sub(rb'(?m)^(>*From )', rb'>\1', octets) + b'\n\n'


class Wrapper:
    """Numbers are +1 202 555 01xx and the like: 555-01xx is for examples."""

    def __init__(self, folder):
        self.random = random.Random(9475)
        self.folder, self.pki, self.certs = folder, folder / 'pki', folder / 'certs'
        run('pki', 'init', self.pki, '--not-before', NOON - DAY)
        run('pki', 'issue', self.pki, '--tn-auth', 'tn:+12025550100..+12025550169', '--url', URL, '--out', folder / 'a', '--certs', self.certs,
            '--not-before', NOON - DAY)
        self.key = ['--key', folder / 'a.key', '--cert', folder / 'a.pem', '--x5u', URL]
        self.verify = ['--trust', self.pki / 'anchors.pem', '--certs', self.certs]
        self.serial = 0

    def message(self, text, last, client, domain):
        """Half of them MM4, half a mail to a gateway; two seconds apart."""
        self.serial += 1
        m = EmailMessage()
        day = formatdate(NOON + 2 * self.serial)
        m['From'] = f'+1202555{100 + self.random.randrange(last):04d}' + ('/TYPE=PLMN@' if self.serial % 2 else '@') + domain
        m['To'] = f'+1312555{100 + self.random.randrange(100):04d}@text.gateway.example'
        m['Date'] = day
        m['Message-ID'] = f'<sms-{self.serial}@{domain}>'
        if self.serial % 2:
            m['X-Mms-Message-Type'] = 'MM4_forward.REQ'
            m['X-Mms-Message-Class'] = 'Personal'
        m.set_content(re.sub(r'[\r\n\0]+', ' ', text), cte=self.random.choice(('base64', 'quoted-printable', '8bit')))
        received = f'Received: from {domain} ({domain} [{client}])\n\tby mx.example (Postfix) with ESMTP id 1;\n\t{day}\n'
        octets = received.encode() + m.as_bytes()
        return mbox_entry(octets)

    def mailboxes(self, name, texts, wanted, abuse):
        """So many of each: nine in ten of the wanted signed, none of the abuse."""
        box = {label: self.folder / f'{name}-{label}.mbox' for label in ('bare', 'signed', 'stranger', 'abuse')}
        with open(box['bare'], 'wb') as bare, open(box['stranger'], 'wb') as stranger:
            for i in range(wanted):
                text = texts[0][i % len(texts[0])]
                if i % 10:
                    bare.write(self.message(text, 70, '198.51.100.7', 'mm4.partner-b.example'))
                else:
                    stranger.write(self.message(text, 70, '192.0.2.200', 'mms.stranger.example'))
        with open(box['abuse'], 'wb') as f:
            for i in range(abuse):
                client = self.random.choice(('198.51.100.8', '203.0.113.99', '192.0.2.222'))
                f.write(self.message(texts[1][i % len(texts[1])], 100, client, self.random.choice(('cheap.example', 'mms.gateway.example'))))
        with open(box['signed'], 'wb') as f:
            f.write(run('sign', *self.key, '--now', 'receipt', box['bare']).stdout)
        return ['--wanted', box['signed'], '--wanted', box['stranger'], '--abuse', box['abuse']]


# --- running

def policy_args(policy, wrapper, *more):
    return [STIRCTL, 'policy', 'run', '--policy', str(SRC / 'conf' / f'{policy}.policy'), *map(str, wrapper.verify), *map(str, more)]


def tell(policy, what, found):
    """The summary, for people."""
    judged = found['judged']
    note(f'{what}, {policy}: {judged["wanted"]} wanted, {judged["abuse"]} abuse')
    for label in 'wanted', 'abuse':
        if judged[label]:
            note('  ' + label + ': ' + ', '.join(f'{n[label]} {action}' for action, n in found['would'].items() if n[label]))
    hits = [r for r in found['rules'] if r['hits']]
    note('  ' + '  '.join(f'{r["name"]} {r["by"]["wanted"]}/{r["by"]["abuse"]}' for r in hits))


def false_positives(found):
    """Wanted messages at the threshold of reject."""
    return next(t['at_or_above']['wanted'] for t in found['thresholds'] if t['action'] == 'reject')


def busy():
    """Seconds of CPU that the machine has used."""
    with open('/proc/stat') as f:
        user, nice, system, _, _, irq, softirq = map(int, f.readline().split()[1:8])
    return (user + nice + system + irq + softirq) / os.sysconf('SC_CLK_TCK')


def measured(policy, wrapper, what, total, allowed, *more):
    """One run: does it hold? Gives (found, seconds, seconds of CPU, MB, processors that others used)."""
    start, before = time.monotonic(), busy()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        p = subprocess.Popen(policy_args(policy, wrapper, '--json', *more), stdout=out, stderr=err)
        _, status, usage = os.wait4(p.pid, 0)
        p.returncode = os.waitstatus_to_exitcode(status)
        seconds, cpu = time.monotonic() - start, usage.ru_utime + usage.ru_stime
        others = (busy() - before - cpu) / seconds
        out.seek(0)
        err.seek(0)
        text, said = out.read(), err.read().decode(errors='replace')
    if not ok(p.returncode == 0 and text, f'{what}, {policy}: ends well ({p.returncode})'):
        note(said[-2000:])
        return None
    found = json.loads(text)
    tell(policy, what, found)
    is_equal(sum(found['judged'].values()), total, f'{what}, {policy}: every message is judged')
    ok(all(r['errors'] == 0 for r in found['rules']), f'{what}, {policy}: no rule failed')
    n = false_positives(found)
    ok(n <= found['judged']['wanted'] * allowed / 100, f'{what}, {policy}: {n} wanted messages at the threshold of reject, at most {allowed} %')
    return found, seconds, cpu, usage.ru_maxrss / 1024, others


def test_email_spam(wrapper):
    """Ordinary mail, as if it had been sent to a phone and stored by our MTA."""
    paths, serial = [], 0
    for label, files in zip(('--wanted', '--abuse'), email_spam()):
        path = wrapper.folder / f'email{label}.mbox'
        with open(path, 'wb') as f:
            for file in files:
                serial += 1
                octets = re.sub(rb'\A(>?From [^\n]*\n)+', b'', file.read_bytes())
                client = f'203.0.113.{100 + serial % 150}'
                f.write(mbox_entry(f'Received: from mail.example (mail.example [{client}])\n\tby mx.example (Postfix) with ESMTP id 1;\n'
                                   f'\t{formatdate(NOON + 60 * serial)}\n'.encode() + octets))
        paths += [label, path]
    for policy in POLICIES:
        measured(policy, wrapper, 'email-spam', serial, 1, '--rcpt', '+12025550130@text.gateway.example', *paths)


def test_mms_email(wrapper):
    """Carriers' MMS mail, unsigned as it is."""
    files = sorted(p for p in (SAMPLES / 'mms-email').rglob('*') if p.is_file())
    paths = [a for f in files for a in ('--wanted', f)]
    for policy in POLICIES:
        measured(policy, wrapper, 'mms-email', len(files), 0, '--rcpt', '+12025550130@text.gateway.example', *paths)


def test_sms_text(wrapper):
    texts = sms_texts()
    note(f'sms-text: {len(texts[0])} wanted, {len(texts[1])} abuse')
    boxes = wrapper.mailboxes('sms', texts, MANY * 4 // 5, MANY // 5)
    for policy in POLICIES:
        got = measured(policy, wrapper, 'sms-text', MANY, 0, *boxes)
        if not got:
            continue
        found = got[0]
        is_equal(found['judged'], {'wanted': MANY * 4 // 5, 'abuse': MANY // 5, 'unlabelled': 0}, f'sms-text, {policy}: all ten thousand are judged')
        if policy == 'observe':
            is_equal(sum(sum(n.values()) for a, n in found['action'].items() if a != 'accept'), 0, 'observe does nothing')
            continue
        stopped = {label: sum(n[label] for a, n in found['would'].items() if a not in ('accept', 'tag')) / found['judged'][label] for label in ('wanted', 'abuse')}
        ok(stopped['wanted'] <= HELD_WANTED, f'sms-text, {policy}: {stopped["wanted"]:.2%} of the wanted would be held or worse')
        ok(stopped['abuse'] > 10 * stopped['wanted'], f'sms-text, {policy}: {stopped["abuse"]:.2%} of the abuse')
    if got:
        resources(wrapper, boxes, got)
        test_progress(wrapper, got[2])


def resources(wrapper, boxes, got):
    """Memory and processors; others may need the machine too, so there are three tries."""
    with open(STIRCTL, 'rb') as f:
        sanitized = re.search(rb'__(asan|tsan|msan)_init', f.read())
    runs = [got]
    while len(runs) < 3 and runs[-1] and runs[-1][2] / runs[-1][1] <= PARALLEL:
        runs.append(measured(POLICIES[-1], wrapper, 'again', MANY, 0, *boxes))
    runs = [r for r in runs if r]
    for _, seconds, cpu, memory, others in runs:
        note(f'{MANY} messages: {seconds:.1f} s, {MANY / seconds:.0f} a second, CPU/wall {cpu / seconds:.2f}, {memory:.0f} MB; others use {others:.2f} processors')
    best = max(r[2] / r[1] for r in runs)
    if len(os.sched_getaffinity(0)) < 2:
        skip('one processor only')
    elif best <= PARALLEL and all(r[4] > OTHERS for r in runs):
        skip('others are using the processors')
    else:
        ok(best > PARALLEL, f'more than one processor works: CPU/wall {best:.2f}')
    if sanitized:
        skip('memory is not measured with a sanitizer')
    else:
        memory = max(r[3] for r in runs)
        ok(memory < MEGABYTES, f'at most {MEGABYTES} MB: {memory:.0f}')


def test_progress(wrapper, seconds):
    """On a terminal, from the third second on: ten seconds of work, for one."""
    boxes = [b for b in sorted(wrapper.folder.glob('sms-*.mbox')) if b.name != 'sms-bare.mbox'] * (int(10 / seconds) + 1)
    master, slave = os.openpty()
    args = policy_args('carrier-mm4', wrapper, '--jobs', 1, *boxes)
    p = subprocess.Popen(args, stdout=subprocess.DEVNULL, stderr=slave)
    os.close(slave)
    said = b''
    while True:
        try:
            octets = os.read(master, 4096)
        except OSError:
            break
        if not octets:
            break
        said += octets
    is_equal(p.wait(), 0, 'a long run ends well')
    os.close(master)
    ok(re.search(rb'policy run: [0-9]+ messages, [0-9]+ a second', said), 'and shows its progress')


def test_bare_pass(wrapper):
    """A signed text of no interest to any rule."""
    mail = wrapper.folder / 'bare.eml'
    bare = wrapper.message('See you at eight?', 70, '198.51.100.7', 'mm4.partner-b.example').split(b'\n', 1)[1]
    mail.write_bytes(run('sign', *wrapper.key, '--now', 'receipt', '-', data=bare).stdout)
    for policy in POLICIES:
        r = run('verify', '--json', '--policy', SRC / 'conf' / f'{policy}.policy', *wrapper.verify, '--now', 'receipt', mail)
        line = json.loads(r.stdout)
        is_equal((line['result'], line['score'], line['would']), ('pass', 0, 'accept'), f'{policy}: a bare pass scores 0')


tmp = pathlib.Path(tempfile.mkdtemp(prefix='tap-samples-', dir=os.getcwd()))
try:
    w = Wrapper(tmp)
    test_bare_pass(w)
    test_mms_email(w)
    test_email_spam(w)
    test_sms_text(w)
finally:
    shutil.rmtree(tmp, ignore_errors=True)
done()
