#!/usr/bin/env python3
"""What stir-milter costs, beside a milter that does nothing, the floor of what no
verifier or signer can do without, and OpenDKIM if it is here.

  bench.py [quick] [--only GROUP,...] [-r ROUNDS] [-t SECONDS] [-n MESSAGES] [--json FILE] [--html FILE]

Started in the folder of a build; "make bench" does.  Each round runs every cell
with every milter, cells and milters in shuffled order; what is compared was
measured in the same round.  Groups: sizes connections latency early recipients
fields tokens kept cold memory tables syscalls.
doc/performance.md explains what comes out.
"""

import argparse
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, '..', 'lib')]

import bench_corpus as corpus       # noqa: E402
import bench_judge as judge         # noqa: E402
import bench_page as page           # noqa: E402
import bench_targets as targets     # noqa: E402
from workfolder import WorkFolder   # noqa: E402

GROUPS = 'sizes connections latency early recipients fields tokens kept cold memory tables syscalls'.split()
STALE = ' x-stir=fail reason=stale'
# More than LIMIT_IDENTITY_READ.
TOKENS = (1, 2, 8, 40)
# Certificates, each of which signed one message.
COLD = 100


def say(text, end='\n'):
    print(text, end=end, file=sys.stderr, flush=True)


class Cell:
    """columns: {name: (target, corpus, expectation or None for the target's own)}"""

    def __init__(self, group, name, args, columns, longer=1):
        self.group, self.name, self.args, self.columns, self.longer = group, name, args, columns, longer


class Bench:
    def __init__(self, o):
        self.o = o
        self.sizes = ['2KB', '300KB'] if o.quick else list(corpus.SIZES)
        self.folder = WorkFolder('tap-bench-')
        self.place = self.folder.path
        self.targets = {}
        self.samples, self.costs, self.memory, self.syscalls, self.tables = {}, [], {}, {}, ''

    # --- before ---------------------------------------------------------------------

    def add(self, target):
        self.targets[target.name] = target.start()
        return target

    def save(self, target, source, folder):
        os.makedirs(os.path.join(self.place, folder))
        count = len(os.listdir(os.path.join(self.place, source)))
        targets.client(target, source, '-n', count, '--save', os.path.join(self.place, folder))

    def prepare(self):
        say('messages, keys and certificates ...')
        corpus.make(self.place, self.sizes)
        targets.make_pki(self.place)
        for kind in ('nr', 'nrall'):
            self.add(targets.noop(self.place, kind))
        for name in targets.FLOORS:
            self.add(targets.floor(self.place, name))
        sign = self.add(targets.stir_sign(self.place))
        self.add(targets.stir_verify(self.place, 'stir-verify'))
        self.add(targets.stir_verify(self.place, 'stir-stale', age='1s', expect='x-stir=fail reason=stale'))
        for size in self.sizes:
            self.save(sign, 'plain-' + size, 'signed-' + size)
        if 'tokens' in self.o.only:
            more = ['signed-2KB', *(f'more-{i}' for i in range(1, max(TOKENS)))]
            for folder in more[1:]:
                self.save(sign, 'plain-2KB', folder)
            for n in TOKENS:
                corpus.stacked(self.place, [os.path.join(self.place, f) for f in more], n)
        if 'cold' in self.o.only:
            targets.sign_with_many(self.place, 'signed-many', COLD)
        corpus.malformed(self.place)
        with_msgc = '"msgc"' in corpus.payload_of(next(corpus.read(os.path.join(self.place, 'signed-2KB')))[1])
        self.floors = ('floor-mime-verify', 'floor-mime-sign') if with_msgc else ('floor-verify', 'floor-sign')
        self.dkim = bool(targets.dkim_program())
        if self.dkim:
            targets.dkim_key(self.place)
            signer = self.add(targets.dkim(self.place, 'sign'))
            self.add(targets.dkim(self.place, 'verify'))
            for size in self.sizes:
                self.save(signer, 'plain-' + size, 'dkim-' + size)
        else:
            say('no opendkim here: not compared (tools/get-neighbours and STIR_NEIGHBOURS_ROOT bring it without installing)')
        # The tokens must be older than the second that stir-stale allows.
        time.sleep(2)

    # --- what is run ------------------------------------------------------------------

    def columns(self, size, *names):
        return {n: (n, f'{self.targets[n].corpus}-{size}', None) for n in names if n in self.targets}

    def cells(self):
        both = ('stir-verify', 'stir-sign', 'dkim-verify', 'dkim-sign')
        own = ('noop-nr', 'noop-nrall', 'stir-verify')
        quick = self.o.quick
        for size in self.sizes:
            yield Cell('sizes', f'{size} c=2', ['-c', 2], self.columns(size, 'noop-nr', 'noop-nrall', *targets.FLOORS, *both))
        for c in (64,) if quick else (1, 8, 64, 500):
            yield Cell('connections', f'2KB c={c}', ['-c', c], self.columns('2KB', 'noop-nr', self.floors[0], *both))
        for c in () if quick else (1, 8, 64):
            yield Cell('connections', f'300KB c={c}', ['-c', c], self.columns('300KB', 'noop-nr', self.floors[0], *both))
        for size, rate in (('2KB', 200), ('300KB', 100)):
            yield Cell('latency', f'{size} rate={rate}', ['-c', 64, '--rate', rate, '--pause', 2000],
                       self.columns(size, 'noop-nr', self.floors[0], *both[:2]), longer=3)
        yield Cell('early', 'early', ['-c', 2], {
            **self.columns('2KB', 'noop-nr', 'noop-nrall'),
            'no Identity': ('stir-verify', 'plain-2KB', 'Authentication-Results: x-stir=none reason=no-identity'),
            'malformed': ('stir-verify', 'malformed', 'Authentication-Results: reason=claims-invalid'),
            'stale': ('stir-stale', 'signed-2KB', None)})
        for n in (1, 100) if quick else (1, 10, 100, 500):
            yield Cell('recipients', f'rcpts={n}', ['-c', 2, '--rcpts', n], self.columns('2KB', *own))
        for n in (corpus.FIELDS, 117) if quick else (corpus.FIELDS, 117, 1000):
            yield Cell('fields', f'fields={n}', ['-c', 2, '--fields', n - corpus.FIELDS], self.columns('2KB', *own))
        yield Cell('tokens', 'tokens', ['-c', 2], {'noop-nr': ('noop-nr', 'plain-2KB', None), **{
            f'tokens={n}': ('stir-verify', f'tokens-{n}', None) for n in TOKENS}})
        for c in (2, 4):
            # Nobody pauses: where libmilter's pool may forget a connection.
            yield Cell('kept', f'2KB c={c} kept', ['-c', c, '-m', 0], self.columns('2KB', 'noop-nr', self.floors[0], 'stir-verify', 'stir-sign'))

    def measure(self, cell, column):
        name, folder, expect = cell.columns[column]
        if self.o.n:
            length = ['-n', self.o.n]
        else:
            length = ['-t', self.o.t * cell.longer, '--warmup', self.o.t / 5]
        more = ['--expect', expect] if expect else []
        return targets.client(self.targets[name], folder, *cell.args, *length, *more)

    def measure_cold(self):
        """A process that knows no certificate sees each once, and then once more."""
        t = targets.stir_verify(self.place, 'cold')
        self.targets[t.name] = t.start()
        targets.client(t, 'signed-2KB', '-n', 20)
        for column in ('each certificate new', 'each known'):
            self.samples['cold'][column].append(targets.client(t, 'signed-many', '-n', COLD, '-c', 2))
        t.stop()

    def rounds(self):
        cells = [c for c in self.cells() if c.group in self.o.only]
        self.names = [c.name for c in cells]
        self.groups = {c.name: c.group for c in cells}
        self.samples = {c.name: {column: [] for column in c.columns} for c in cells}
        if 'cold' in self.o.only:
            self.groups['cold'], self.samples['cold'] = 'cold', {'each certificate new': [], 'each known': []}
        total, done, began = self.o.r * sum(len(c.columns) for c in cells), 0, time.monotonic()
        for r in range(self.o.r):
            order = random.Random(r)
            self.costs.append(json.loads(subprocess.check_output([targets.tool('floor_milter'), 'costs'], stdin=subprocess.DEVNULL)))
            for cell in order.sample(cells, len(cells)):
                for column in order.sample(list(cell.columns), len(cell.columns)):
                    self.samples[cell.name][column].append(self.measure(cell, column))
                    done += 1
                left = (time.monotonic() - began) / done * (total - done)
                say(f'\r  round {r + 1} of {self.o.r}, {cell.name:<16} {100 * done // total:3} %, {left:4.0f} s left ', end='')
            if 'cold' in self.o.only:
                self.measure_cold()
        say('')

    def measure_memory(self):
        """Kilobytes: at the start, for each kept connection, for each body of 300 KB under way."""
        m = self.memory
        for name, big in (('kept', False), ('flight', True)):
            t = targets.stir_verify(self.place, 'memory-' + name).start()
            self.targets[t.name] = t
            m['start'] = t.rss_kb()
            targets.client(t, 'signed-2KB', '-n', 20)
            if big:
                base = targets.client(t, 'signed-2KB', '-n', 640, '-c', 64, '-m', 0)['rss_end_kb']
                top = targets.client(t, 'signed-300KB', '-n', 64, '-c', 64, '-m', 0, '--body-pause', 100000)['rss_max_kb']
                m['flight'] = max(0, top - base) / 64
            else:
                base = t.rss_kb()
                for n in (64, 500):
                    m[f'kept {n}'] = (targets.client(t, 'signed-2KB', '-n', 10 * n, '-c', n, '-m', 0)['rss_end_kb'] - base) / n
            t.stop()

    def measure_tables(self):
        """What the programs that measure lists and number tables print."""
        for name in ('bench_list', 'bench_spctable'):
            if os.access(targets.tool(name), os.X_OK):
                self.tables += subprocess.run([targets.tool(name)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True).stdout.decode()
            else:
                say(f'{name} is not built; "make bench" does it')

    def measure_syscalls(self):
        if not shutil.which('strace'):
            say('no strace here: system calls are not counted')
            return
        for name in ('noop-nr', 'noop-nrall', 'stir-verify', 'stir-sign', 'dkim-verify', 'dkim-sign'):
            t = self.targets.get(name)
            if t:
                self.syscalls[name] = self.traced(t, 200)
        if not any(self.syscalls.values()):
            say('strace may not attach here: system calls are not counted')

    def traced(self, target, count):
        out = os.path.join(self.place, 'strace')
        p = subprocess.Popen(['strace', '-f', '-c', '-U', 'name,calls', '-o', out, '-p', str(target.pid)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL, preexec_fn=targets.die_with_us)
        try:
            end = time.monotonic() + 5
            while p.poll() is None and not self.is_traced(target.pid):
                if time.monotonic() > end:
                    return None
                time.sleep(0.02)
            if p.poll() is not None:
                return None
            # Threads that were there are attached one after the other.
            time.sleep(0.2)
            targets.client(target, f'{target.corpus}-2KB', '-n', count)
        finally:
            if p.poll() is None:
                p.send_signal(signal.SIGINT)
            p.wait(10)
        with open(out) as f:
            calls = {w[0]: int(w[1]) / count for w in (line.split() for line in f) if len(w) == 2 and w[1].isdigit()}
        calls['total'] = calls.get('total') or sum(calls.values())
        return calls

    def is_traced(self, pid):
        with open(f'/proc/{pid}/status') as f:
            return not re.search(r'^TracerPid:\t0$', f.read(), re.M)

    # --- after ------------------------------------------------------------------------

    def stop(self):
        for t in self.targets.values():
            t.stop()
        self.folder.remove()

    def report(self):
        return judge.Report(self.samples, self.costs, self.memory, self.syscalls, self.tables, self.floors, self.groups,
                            dict(rounds=self.o.r, seconds=self.o.t, quick=self.o.quick, messages_each=self.o.n))


def options():
    p = argparse.ArgumentParser(description='What stir-milter costs; doc/performance.md explains it.')
    p.add_argument('quick', nargs='?', choices=['quick'], help='few cells, under two minutes')
    p.add_argument('--only', help='some of: ' + ' '.join(GROUPS))
    p.add_argument('-r', type=int, help='rounds (5; quick: 3)')
    p.add_argument('-t', type=float, help='seconds of each measurement (0.55; quick: 0.4)')
    p.add_argument('-n', type=int, help='messages of each measurement instead of seconds')
    p.add_argument('--json', help='the figures')
    p.add_argument('--html', help='a page with pictures')
    o = p.parse_args()
    # They need long runs, or are about what quick leaves out.
    o.only = o.only.split(',') if o.only else [g for g in GROUPS if not o.quick or g not in ('tokens', 'kept', 'cold', 'memory', 'tables')]
    if [g for g in o.only if g not in GROUPS]:
        p.error('groups are ' + ' '.join(GROUPS))
    o.r = o.r or (3 if o.quick else 5)
    o.t = o.t or (0.4 if o.quick else 0.55)
    return o


def ended(number, _):
    sys.exit(128 + number)


def main():
    o = options()
    for program in (targets.MILTER, targets.STIRCTL, *map(targets.tool, ('milter_client', 'noop_milter', 'floor_milter'))):
        if not os.access(program, os.X_OK):
            sys.exit(f'{program} is not built; "make bench" does it')
    signal.signal(signal.SIGTERM, ended)
    b = Bench(o)
    try:
        b.prepare()
        b.rounds()
        if 'memory' in o.only:
            say('memory ...')
            b.measure_memory()
        if 'tables' in o.only:
            say('tables ...')
            b.measure_tables()
        if 'syscalls' in o.only:
            say('system calls ...')
            b.measure_syscalls()
        report = b.report()
    except KeyboardInterrupt:
        sys.exit('interrupted')
    except RuntimeError as e:
        sys.exit(f'bench.py: {e}')
    finally:
        b.stop()
    print(report.text())
    if o.json:
        with open(o.json, 'w') as f:
            json.dump(report.data(), f, indent=1)
    if o.html:
        with open(o.html, 'w') as f:
            f.write(page.html(report))
        say(f'the page is {o.html}')


if __name__ == '__main__':
    main()
