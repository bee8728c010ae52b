"""Medians, ratios of the same round, and the targets: what must hold, what was
measured, whether it holds."""

import os
import platform
import re
import statistics
import subprocess
import time

import bench_targets
from bench_corpus import FIELDS, SIZES

# A cell in which the milter that does nothing varies more than this proves nothing.
UNSTEADY = 1.4
METRICS = {
    'cpu_us': lambda d: d['cpu_us'], 'per_second': lambda d: d['per_second'], 'eom_p50_us': lambda d: d['eom_us']['p50'],
    'eom_p99_us': lambda d: d['eom_us']['p99'], 'message_max_us': lambda d: d['message_us']['max'], 'threads': lambda d: d['threads_max'],
}
KB = {size: n / 1000 for size, n in SIZES.items()}


class Spread:
    """A median with the least and the most."""

    def __init__(self, values):
        values = list(values)
        self.median, self.min, self.max = statistics.median(values), min(values), max(values)

    def text(self, form='{:.0f}'):
        return f'{form} ({form}..{form})'.format(self.median, self.min, self.max)

    def data(self):
        return {'median': round(self.median, 3), 'min': round(self.min, 3), 'max': round(self.max, 3)}


def short(us):
    return f'{us:.0f}' if us >= 100 else f'{us:.1f}'


class Row:
    """holds: True, False, or None if it was not measured."""

    def __init__(self, name, what, must, measured='not measured', holds=None, note='', unsteady=False):
        self.name, self.what, self.must, self.measured, self.holds, self.note, self.unsteady = name, what, must, measured, holds, note, unsteady

    @property
    def word(self):
        return '-' if self.holds is None else ('yes' if self.holds else 'NO') + (' ~' if self.unsteady else '')


def machine():
    model = platform.processor()
    try:
        with open('/proc/cpuinfo') as f:
            model = next(line.split(':')[1].strip() for line in f if line.startswith('model name'))
    except (OSError, StopIteration):
        pass
    version = subprocess.run([bench_targets.MILTER, '-V'], stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout.decode(errors='replace')
    return {'cpu': model, 'cores': os.cpu_count(), 'kernel': platform.release(), 'load': os.getloadavg()[0],
            'version': version.strip().split('\n')[0], 'date': time.strftime('%Y-%m-%d %H:%M:%S')}


class Report:
    def __init__(self, samples, costs, memory, syscalls, tables, floors, groups, how):
        self.samples, self.costs, self.memory, self.syscalls, self.tables = samples, costs, memory, syscalls, tables
        self.floors, self.groups, self.how = floors, groups, how
        self.machine = machine()
        self.rows = [row for f in (self.processor, self.neighbours, self.protocol, self.latency, self.memory_rows, self.growth, self.table_rows, self.others) for row in f()]

    # --- figures ----------------------------------------------------------------------

    def has(self, cell, *columns):
        return all(c in self.samples.get(cell, {}) for c in columns)

    def values(self, cell, column, metric='cpu_us'):
        return [METRICS[metric](d) for d in self.samples[cell][column]]

    def spread(self, cell, column, metric='cpu_us'):
        return Spread(self.values(cell, column, metric))

    def ratio(self, cell, a, b, metric='cpu_us'):
        return Spread(x / y for x, y in zip(self.values(cell, a, metric), self.values(cell, b, metric)))

    def above(self, cell, a, b):
        return Spread(x - y for x, y in zip(self.values(cell, a), self.values(cell, b)))

    def cost(self, name):
        return statistics.median(c[name] for c in self.costs)

    def crypto(self, kind, size):
        """What the signature and one digest of the body cost, by themselves."""
        return self.cost(kind + '_us') + self.cost('sha256_us_per_kb') * KB[size]

    def unsteady(self, *cells):
        return any(self.has(c, 'noop-nr') and (lambda s: s.max > UNSTEADY * s.min)(self.spread(c, 'noop-nr')) for c in cells)

    def at_most(self, name, what, most, found, cells, form='{:.2f}', note=''):
        return Row(name, what, '<= ' + form.format(most), found.text(form), found.median <= most, note, self.unsteady(*cells))

    def at_least(self, name, what, least, found, cells, form='{:.2f}', note=''):
        return Row(name, what, '>= ' + form.format(least), found.text(form), found.median >= least, note, self.unsteady(*cells))

    # --- targets ----------------------------------------------------------------------

    def processor(self):
        verify, sign = self.floors
        for kind, column, floor, plain, musts in (
                ('verify', 'stir-verify', verify, 'floor-verify', {'2KB': ('T1', 1.30), '300KB': ('T2', 1.20), '1MB': ('T2', 1.15)}),
                ('sign', 'stir-sign', sign, 'floor-sign', {'2KB': ('T3', 1.35), '300KB': ('T3', 1.20), '1MB': ('T3', 1.15)})):
            for size, (name, most) in musts.items():
                cell = f'{size} c=2'
                what = f'processor time, {kind} {size} / {floor}'
                if not self.has(cell, column, floor):
                    yield Row(name, what, f'<= {most:.2f}')
                    continue
                others = [f for f in (plain, 'floor-decode') if f != floor and f.endswith((kind, 'decode')) and self.has(cell, f)]
                beside = ', '.join(f'{self.ratio(cell, column, f).median:.2f} of {f}' for f in others if kind == 'verify' or f != 'floor-decode')
                yield self.at_most(name, what, most, self.ratio(cell, column, floor), [cell], note=beside)
                if name == 'T1':
                    yield self.at_most('T1', 'the same above noop-nr, us', 200, self.above(cell, column, 'noop-nr'), [cell], '{:.0f}')
        for size, least in (('2KB', 35), ('300KB', 30 if 'mime' in verify else 45), ('1MB', 30 if 'mime' in verify else 45)):
            cell = f'{size} c=2'
            if self.has(cell, 'stir-verify', 'noop-nr'):
                share = Spread(100 * self.crypto('verify', size) / max(1, x) for x in
                               (a - b for a, b in zip(self.values(cell, 'stir-verify'), self.values(cell, 'noop-nr'))))
                yield self.at_least('T4', f'cryptography in what we add, verify {size}, %', least, share, [cell], '{:.0f}')

    def neighbours(self):
        for kind, leasts in (('verify', {'2KB': 2.2, '300KB': 1.7, '1MB': 2.0}), ('sign', {'2KB': 4.0, '300KB': 3.0, '1MB': 2.4})):
            ours, theirs = 'stir-' + kind, 'dkim-' + kind
            for size, least in leasts.items():
                cells = [c for c in (f'{size} c={n}' for n in (1, 2, 8, 64)) if self.has(c, ours, theirs)]
                what = f'messages/s, {kind} {size} / OpenDKIM rsa2048'
                if not cells:
                    yield Row('T5', what, f'>= {least:.2f}')
                    continue
                found = {c: self.ratio(c, ours, theirs, 'per_second') for c in cells}
                worst = min(cells, key=lambda c: found[c].median)
                yield self.at_least('T5', what, least, found[worst], [worst], note=f'at {worst.split()[1]}, the least of {len(cells)}')
        for size, least in (('2KB', 0.52), ('300KB', 0.42), ('1MB', 0.38)):
            cell = f'{size} c=2'
            if self.has(cell, 'stir-verify', 'noop-nr'):
                yield self.at_least('T6', f'messages/s, verify {size} / noop-nr', least, self.ratio(cell, 'stir-verify', 'noop-nr', 'per_second'), [cell])

    def protocol(self):
        for column in ('stir-verify', 'stir-sign'):
            ours, noop = self.syscalls.get(column), self.syscalls.get('noop-nr')
            if ours and noop:
                more = ours['total'] - noop['total']
                yield Row('T7', f'system calls of a message above noop-nr, {column}', '<= 12', f'{more:.1f}', more <= 12,
                          f'{ours["total"]:.0f} and {noop["total"]:.0f}')
            else:
                yield Row('T7', f'system calls of a message above noop-nr, {column}', '<= 12')

    def latency(self):
        for size, rate in (('2KB', 200), ('300KB', 100)):
            cell = f'{size} rate={rate}'
            if not self.has(cell, 'stir-verify', self.floors[0]):
                yield Row('T8', f'p99 of the end, {size}, {rate}/s / {self.floors[0]}', '<= 2.00')
                continue
            yield self.at_most('T8', f'p99 of the end, {size}, {rate}/s / {self.floors[0]}', 2.0, self.ratio(cell, 'stir-verify', self.floors[0], 'eom_p99_us'), [cell])
            slowest = self.spread(cell, 'stir-verify', 'message_max_us')
            yield Row('T8', f'the slowest message of these, ms (its pauses are 8)', '<= 100', f'{slowest.max / 1000:.0f}', slowest.max <= 100000,
                      f'{self.floors[0]} {self.spread(cell, self.floors[0], "message_max_us").max / 1000:.0f}',
                      unsteady=self.unsteady(cell))
        if self.has('cold', 'each known'):
            yield self.at_most('T10', 'a certificate that is new, us', 600, self.above('cold', 'each certificate new', 'each known'), [], '{:.0f}',
                               note='fetched from a folder, parsed, chain verified')
        if self.has('early', 'noop-nr'):
            for column in ('no Identity', 'malformed', 'stale'):
                yield self.at_most('T11', f'{column}, above noop-nr, us', 40, self.above('early', column, 'noop-nr'), ['early'], '{:.0f}',
                                   note=f'{self.above("early", column, "noop-nrall").median:.0f} above noop-nrall')

    def memory_rows(self):
        m = self.memory
        if m:
            yield Row('T12', 'memory at the start, MB', '<= 24', f'{m["start"] / 1024:.1f}', m['start'] <= 24 * 1024)
            for n in (64, 500):
                yield Row('T12', f'for each of {n} kept connections, KB', '<= 16', f'{m[f"kept {n}"]:.1f}', m[f'kept {n}'] <= 16)
            yield Row('T12', 'for each 300 KB body under way, KB', '<= 48', f'{m["flight"]:.1f}', m['flight'] <= 48)

    def slope(self, column, low, high, steps):
        """Microseconds of each step between two cells, paired."""
        return Spread((b - a) / steps for a, b in zip(self.values(low, column), self.values(high, column)))

    def growth(self):
        low, high = '2KB c=2', '1MB c=2'
        for column, floor in zip(('stir-verify', 'stir-sign'), self.floors):
            if self.has(low, column, floor) and self.has(high, column, floor):
                ours, theirs = self.slope(column, low, high, 998), self.slope(floor, low, high, 998)
                r = ours.median / theirs.median
                yield Row('T14', f'growth with size, {column} / {floor}', '<= 1.15', f'{r:.2f}', r <= 1.15, f'{ours.median:.2f} and {theirs.median:.2f} us/KB',
                          self.unsteady(low, high))
            else:
                yield Row('T14', f'growth with size, {column} / {floor}', '<= 1.15')
        yield from self.growth_of('T15', 'recipient', 'rcpts', (1, 100, 500), 11)
        if self.has('rcpts=500', 'stir-verify'):
            r = self.spread('rcpts=500', 'stir-verify').median / self.spread('rcpts=100', 'stir-verify').median
            yield Row('T15', 'processor time of 500 recipients / 100', '<= 5.2', f'{r:.2f}', r <= 5.2, unsteady=self.unsteady('rcpts=500', 'rcpts=100'))
        yield from self.growth_of('T16', 'header field', 'fields', (FIELDS, 117, 1000), 9.5)
        if self.has('fields=1000', 'stir-verify'):
            r = self.slope('stir-verify', 'fields=117', 'fields=1000', 883).median / self.slope('stir-verify', f'fields={FIELDS}', 'fields=117', 100).median
            yield Row('T16', 'the slope from 117 to 1000 fields / from 17 to 117', '<= 1.25', f'{r:.2f}', r <= 1.25, unsteady=self.unsteady('fields=1000', 'fields=117'))

    def growth_of(self, name, what, word, steps, most):
        steps = [n for n in steps if self.has(f'{word}={n}', 'stir-verify')]
        if len(steps) > 1:
            low, high = f'{word}={steps[0]}', f'{word}={steps[-1]}'
            noop = self.slope('noop-nrall', low, high, steps[-1] - steps[0]).median
            yield self.at_most(name, f'each {what} more ({steps[0]} to {steps[-1]}), us', most, self.slope('stir-verify', low, high, steps[-1] - steps[0]),
                               [low, high], '{:.1f}', note=f'noop-nrall {noop:.1f}')

    def look_ups(self):
        """{kind: [(entries, us of a look-up, octets of an entry, ms to load)]}, out of what bench_list and bench_spctable print."""
        found, columns = {}, []
        for line in self.tables.splitlines():
            words = line.split()
            values = [float(w) for w in words if re.fullmatch(r'[\d.]+', w)]
            if 'octets each' in line:
                columns = re.split(r'\s{2,}', line.strip())
            elif columns and len(values) == len(columns):
                d = dict(zip(columns, values))
                kind = ' '.join(words[:-len(columns)])
                if kind in ('numbers', 'ranges') and {'entries', 'hit', 'load ms'} <= d.keys():
                    found.setdefault(kind + ' of a list', []).append((d['entries'], d['hit'] / 1000, d['octets each'], d['load ms']))
                elif not kind and {'ranges', 'us', 'disordered'} <= d.keys():
                    found.setdefault('ranges of SPCTable', []).append((d['ranges'], d['us'], d['octets each'], d['disordered']))
        return found

    def table_rows(self):
        looks = self.look_ups()
        for what, us, octets in (('numbers of a list', 0.2, 24), ('ranges of a list', 0.5, 32), ('ranges of SPCTable', 0.5, 32)):
            must = f'<= {us} us, {octets} octets, 1 s'
            name = f'a million {what}: look-up, each, loading'
            million = [x for x in looks.get(what, []) if x[0] == 1000000]
            if million:
                _, look, each, ms = million[0]
                yield Row('T18', name, must, f'{look:.2f} us, {each:.1f} octets, {ms / 1000:.2f} s', look <= us and each <= octets and ms <= 1000)
            else:
                yield Row('T18', name, must)

    def others(self):
        if self.has('tokens', 'tokens=1'):
            one = self.values('tokens', 'tokens=1')
            for n in (2, 8):
                each = Spread((b - a) / n for a, b in zip(one, self.values('tokens', f'tokens={n}')))
                yield self.at_most('T19', f'{n} tokens: for each, above one, us', 80, each, ['tokens'], '{:.0f}')
            more = Spread(b / a for a, b in zip(self.values('tokens', 'tokens=8'), self.values('tokens', 'tokens=40')))
            yield self.at_most('T19', '40 tokens / 8: what is beyond the limit costs no cryptography', 1.5, more, ['tokens'])
        for c, most in ((64, 1.15), (500, 1.3)):
            cell = f'2KB c={c}'
            if not self.has(cell, 'stir-verify') or not self.has('2KB c=2', 'stir-verify'):
                continue
            for column in ('stir-verify', 'stir-sign'):
                found = Spread(b / a for a, b in zip(self.values('2KB c=2', column), self.values(cell, column)))
                beside = Spread(b / a for a, b in zip(self.values('2KB c=2', 'noop-nr'), self.values(cell, 'noop-nr')))
                yield self.at_most('T20', f'processor time at {c} connections / at 2, {column}', most, found, [cell, '2KB c=2'], note=f'noop-nr {beside.median:.2f}')

    # --- out -----------------------------------------------------------------------------

    def groups_of(self, group):
        return [c for c in self.groups if self.groups[c] == group and c in self.samples]

    def table(self, group, metric, form=short):
        """Lines of text: a milter a line, a cell a column."""
        cells = self.groups_of(group)
        rows = [['', *(cell + (' ~' if self.unsteady(cell) else '') for cell in cells)]]
        for column in dict.fromkeys(c for cell in cells for c in self.samples[cell]):
            spreads = [self.spread(cell, column, metric) if self.has(cell, column) else None for cell in cells]
            rows.append([column] + [f'{form(s.median)} ({form(s.min)}..{form(s.max)})' if s else '' for s in spreads])
        return lines(rows)

    def text(self):
        out = [f'{self.machine["version"]} on {self.machine["cores"]} x {self.machine["cpu"]}, load {self.machine["load"]:.1f}; '
               f'{self.how["rounds"]} rounds; median (least..most)', '']
        for group in dict.fromkeys(self.groups.values()):
            out += [f'{group}: processor time of the milter for a message, us', *self.table(group, 'cpu_us'), '']
            if group == 'latency':
                out += ['p99 from end of message to the answer, us', *self.table(group, 'eom_p99_us'), '']
            if group == 'kept':
                out += ['the slowest message, us', *self.table(group, 'message_max_us'), '']
            if group in ('sizes', 'connections'):
                out += ['messages a second, the client on the same cores', *self.table(group, 'per_second'), '']
        if any(self.syscalls.values()):
            calls = {n: c for n, c in self.syscalls.items() if c}
            kinds = ('total', 'read', 'poll', 'write', 'writev', 'futex')
            out += ['system calls for a message, 2 KB', *lines([['', *kinds], *([n, *(f'{c.get(k, 0):.1f}' for k in kinds)] for n, c in calls.items())]), '']
        out += ['what must hold ("~": the milter that does nothing varied too much in that cell)',
                *lines([['', '', 'must', 'measured', 'holds', '']] + [[r.name, r.what, r.must, r.measured, r.word, r.note] for r in self.rows])]
        bad = [r.name for r in self.rows if r.holds is False]
        out += ['', f'{sum(r.holds is True for r in self.rows)} hold, {len(bad)} do not' + (f' ({", ".join(dict.fromkeys(bad))})' if bad else '')]
        return '\n'.join(out)

    def data(self):
        cells = {cell: {c: {m: self.spread(cell, c, m).data() for m in METRICS} | {'messages': sum(d['messages'] for d in self.samples[cell][c])}
                        for c in self.samples[cell]} for cell in self.samples}
        return {'machine': self.machine, 'how': self.how, 'floors': self.floors, 'cells': cells,
                'unsteady': [c for c in self.samples if self.unsteady(c)], 'cryptography': {k: self.cost(k) for k in self.costs[0]},
                'memory_kb': self.memory, 'tables': self.tables, 'syscalls': self.syscalls,
                'targets': [{'target': r.name, 'what': r.what, 'must': r.must, 'measured': r.measured, 'holds': r.holds, 'unsteady': r.unsteady, 'note': r.note}
                            for r in self.rows]}


def lines(rows):
    width = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
    return ['  ' + '  '.join(w.ljust(n) for w, n in zip(r, width)).rstrip() for r in rows]
