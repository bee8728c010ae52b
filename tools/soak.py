"""Runs three carriers for some minutes, disturbs them, watches them, and judges; tools/soak says more.

A signs; B verifies with its used tokens in Redis; C verifies with SQLite, and refuses what fails.
"""

import collections
import glob
import os
import re
import shutil
import signal
import sys
import threading
import time

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)), os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'tests', 'lib')]

import lab as lab_module    # noqa: E402
import postfix              # noqa: E402
import redisserver          # noqa: E402
import scenarios            # noqa: E402
import soak_page            # noqa: E402
import soak_traffic         # noqa: E402
from loopback import wait_for   # noqa: E402

CLIENTS, PAUSE_S = 4, 0.1
WARMERS = 1000          # what they send at random is not what comes later
SAMPLES = 600           # points of a curve
SETTLE_S = 90           # for the queues to run empty, and for what is idle to go
MEMORY_RATIO = 1.1
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LOG_KEPT = 1 << 20      # of each, where no message went astray
LOG_MOST = 64 << 20     # then it is begun anew

POLICY = '''policy 1 mode enforce
rule FAILED { when verify == fail  final reject 5.7.1 "no: %{rules}" }
'''
# Something in a log that is no message's fault.
ALARM = re.compile(r'Assertion|Sanitizer|runtime error:|reload failed|panic:|fatal:', re.I)


def say(text):
    print(time.strftime('%H:%M:%S ') + text, file=sys.stderr, flush=True)


class PatientPostfix(postfix.Postfix):
    """What can't be delivered is tried again soon, for as long as it takes."""

    RETRIES = True
    PATIENCE = {'maximal_queue_lifetime': '1d', 'bounce_queue_lifetime': '1d', 'queue_run_delay': '5s', 'minimal_backoff_time': '5s', 'maximal_backoff_time': '10s'}

    def write(self, milter, routes):
        super().write(milter, routes)
        path = f'{self.dir}/etc/main.cf'
        with open(path) as f:
            lines = [line for line in f if line.split(' ')[0] not in self.PATIENCE]
        with open(path, 'w') as f:
            f.writelines([f'{k} = {v}\n' for k, v in self.PATIENCE.items()] + lines)

    def waiting(self):
        return [p for q in ('maildrop', 'incoming', 'active', 'deferred', 'hold', 'corrupt') for p in glob.glob(f'{self.dir}/queue/{q}/**', recursive=True) if os.path.isfile(p)]

    def markers(self):
        """Of what still waits, in whatever form the queue has it."""
        out = set()
        for path in self.waiting():
            try:
                with open(path, 'rb') as f:
                    out |= {m.decode() for m in re.findall(rb'X-Lab: ([a-z]+-\d+)', f.read())}
            except OSError:
                pass        # just delivered
        return out


class SoakLab(lab_module.Lab):
    def __init__(self, book):
        self.book = book
        super().__init__(mutate=scenarios.mutate, mtas=(PatientPostfix,))

    def make_carriers(self):
        with open(self.path('replay.key'), 'wb') as f:
            f.write(os.urandom(32))
        os.chmod(self.path('replay.key'), 0o600)
        with open(self.path('c.policy'), 'w') as f:
            f.write(POLICY)
        os.mkdir(self.path('store'))
        self.redis = redisserver.Redis(self.dir)
        self.redis.start()
        self.sink = soak_traffic.KeepingSink(self.book)
        signer = f'''Mode s
InternalHosts 127.0.0.0/8
KeyFile {self.path('a.key')}
CertificateFile {self.path('a.pem')}
CertificateURL https://certs.example/a.pem
NumberPlan {self.path('plan')}
'''
        verifier = f'''Mode v
AuthservID mx.b.example
TrustAnchors {self.path('pki', 'anchors.pem')}
CertificateDir {self.path('certs')}
NumberPlan {self.path('plan')}
MaxAge 30m
'''
        self.milters = {
            'A': lab_module.Milter(self, 'milter-a', signer),
            'B': lab_module.Milter(self, 'milter-b', verifier + f'ReplayStore redis:{self.redis.socket}\nReplayKey {self.path("replay.key")}\n'),
            'C': lab_module.Milter(self, 'milter-c', verifier + f'ReplayStore sqlite:{self.path("store", "replay.db")}\nPolicy {self.path("c.policy")}\nStateFile {self.path("state")}\n'),
        }
        for m in self.milters.values():
            self.up(m)
        self.b = PatientPostfix(self, 'b', self.milters['B'], {'*': self.sink.port})
        self.c = PatientPostfix(self, 'c', self.milters['C'], {'*': self.sink.port})
        self.middle = soak_traffic.Relay(forward=(self.b.port, self.mutate))
        self.no8bit = soak_traffic.Relay(forward=(self.b.port, lambda octets: octets), eightbit=False)
        self.a = PatientPostfix(self, 'a', self.milters['A'],
                                {'no8bit.example': self.no8bit.port, 'middle.example': self.middle.port, 'lite.example': self.c.port, '*': self.b.port})
        for mta in (self.b, self.c, self.a):
            self.up(mta)

    def ports(self):
        return {'a': self.a.port, 'b': self.b.port, 'c': self.c.port}

    def up(self, thing):
        """Who interrupts us while it starts wants it stopped, too."""
        self.running.append(thing)
        thing.start()
        return thing

    def stop(self):
        self.running = [t for t in self.running if isinstance(t, PatientPostfix) or hasattr(t, 'process')]
        if getattr(self, 'redis', None):
            if self.redis.process:
                self.redis.resume()
            self.redis.kill()
        super().stop()


class LogTail:
    """What a process has said since the last look."""

    def __init__(self, path):
        self.path, self.at = path, 0

    def read(self):
        with open(self.path, 'rb') as f:
            f.seek(self.at)
            octets = f.read()
            self.at += len(octets)
        return octets.decode('utf-8', 'replace')

    def trim(self):
        """They append, so an empty file goes on."""
        if os.path.getsize(self.path) > LOG_MOST:
            os.truncate(self.path, 0)
            self.at = 0


class Watch(threading.Thread):
    """A row a moment: seconds, {name: (RSS in kB, descriptors, threads)}, counts of messages, files in queues."""

    def __init__(self, soak, every):
        super().__init__(daemon=True)
        self.soak, self.lab, self.book, self.every = soak, soak.lab, soak.book, every
        lab = soak.lab
        self.rows, self.began, self.ending = [], time.monotonic(), threading.Event()
        self.alarms, self.deaths = [], []
        self.said = {name: [] for name in lab.milters}      # of reloads, read by Trouble
        self.tails = {name: LogTail(m.log_path) for name, m in lab.milters.items()}

    def seconds(self):
        return time.monotonic() - self.began

    @staticmethod
    def process(pid):
        with open(f'/proc/{pid}/status') as f:
            status = f.read()
        return (int(re.search(r'VmRSS:\s+(\d+)', status).group(1)), len(os.listdir(f'/proc/{pid}/fd')), int(re.search(r'Threads:\s+(\d+)', status).group(1)))

    def look(self):
        out = {}
        for name, m in self.lab.milters.items():
            try:
                out[name] = self.process(m.process.pid)
            except (OSError, AttributeError):
                pass        # gone, or about to be: deaths has it
            # Ctrl-C at a terminal goes to them, too.
            if m.process.poll() is not None and not self.soak.interrupted:
                self.deaths.append(f'stir-milter {name} ended by itself ({m.process.returncode}) after {self.seconds():.0f} s')
                m.start()
            self.listen(name)
        return out

    def listen(self, name):
        for line in self.tails[name].read().splitlines():
            if ALARM.search(line):
                self.alarms.append(f'{name}: {line[:300]}')
            if 'configuration read again' in line or 'reload failed' in line:
                self.said[name].append(line)
        self.tails[name].trim()

    def sample(self):
        mtas = self.lab.a, self.lab.b, self.lab.c
        queue = sum(len(mta.waiting()) for mta in mtas)
        for mta in mtas:
            LogTail(f'{mta.dir}/log').trim()
        row = self.seconds(), self.look(), dict(self.book.counts), queue
        self.rows.append(row)
        return row

    def run(self):
        while not self.ending.wait(self.every):
            self.sample()

    def finish(self):
        self.ending.set()
        self.join()


class Trouble:
    """Reloads and stores that go away, in turn; events: [(seconds, kind, what)]."""

    def __init__(self, lab, watch):
        self.lab, self.watch = lab, watch
        self.events, self.failed, self.turn = [], [], 0
        self.store = lab.path('store', 'replay.db')

    def note(self, kind, what):
        self.events.append((self.watch.seconds(), kind, what))

    def reload(self):
        before = {name: len(lines) for name, lines in self.watch.said.items()}
        self.note('reload', 'all')
        for m in self.lab.milters.values():
            os.kill(m.process.pid, signal.SIGHUP)
        for name, lines in self.watch.said.items():
            if not wait_for(lambda: len(lines) > before[name], 30) or 'read again' not in lines[-1]:
                self.failed.append(f'{name} did not take a reload after {self.watch.seconds():.0f} s: {lines[before[name]:]}')

    def redis_killed(self):
        self.lab.redis.kill()
        time.sleep(2)
        self.lab.redis.start()

    def redis_stalled(self):
        self.lab.redis.stall()
        time.sleep(2)
        self.lab.redis.resume()

    def sqlite_moved(self):
        """Under an open store: what is written goes to the file that was moved, until a reload."""
        away = self.store + '.away'
        for tail in ('', '-wal', '-shm'):
            if os.path.exists(self.store + tail):
                os.replace(self.store + tail, away + tail)
        time.sleep(2)
        for tail in ('', '-wal', '-shm'):
            if os.path.exists(away + tail) and not os.path.exists(self.store):
                os.replace(away + tail, self.store + tail)

    def sqlite_gone(self):
        """For good: a new file after the reload."""
        for tail in ('', '-wal', '-shm'):
            if os.path.exists(self.store + tail):
                os.remove(self.store + tail)

    def store_restart(self):
        ways = (self.redis_killed, self.sqlite_moved, self.redis_stalled, self.sqlite_gone)
        way = ways[self.turn % len(ways)]
        self.turn += 1
        self.note('store', way.__name__.replace('_', ' '))
        way()


class Soak:
    def __init__(self, seconds):
        self.seconds, self.book, self.interrupted = seconds, soak_traffic.Book(), False
        self.first, self.last, self.audit, self.left = {}, {}, self.book.audit(()), {}
        self.warm, self.lab = 0, None

    def idle(self):
        """Nothing waits, and nothing is at work: the smallest that each process comes to."""
        end, best = time.monotonic() + 10, None
        while time.monotonic() < end:
            now = self.watch.look()
            best = now if best is None else {n: (now[n][0], *(min(x) for x in zip(now[n][1:], best[n][1:]))) if n in best else now[n] for n in now}
            time.sleep(0.5)
        return best

    def settle(self, seconds=SETTLE_S):
        mtas = (self.lab.a, self.lab.b, self.lab.c)
        wait_for(lambda: not any(m.waiting() for m in mtas), seconds, 0.5)

    def run(self):
        self.watch = Watch(self, max(1.0, self.seconds / SAMPLES))
        self.trouble = Trouble(self.lab, self.watch)
        ending = threading.Event()
        stock = soak_traffic.Stock(scenarios.Crew(self.lab), ending)
        clients = [soak_traffic.Client(n, self.lab.ports(), stock, self.book, ending, PAUSE_S) for n in range(CLIENTS)]
        say('warming up: each kind of message, some reloads, each store')
        self.watch.start()
        self.warm_up(stock)
        self.settle()
        self.first, self.warm = self.idle(), self.watch.seconds()
        say(f'{self.seconds / 60:g} minutes begin')
        for thread in (stock, *clients):
            thread.start()
        try:
            self.disturb()
        finally:
            ending.set()
            for c in clients:
                c.join()
            self.left = sum((c.left for c in clients), collections.Counter())
            if self.interrupted:
                self.settle(10)
        say('no more mail; the queues run empty')
        self.settle()
        self.last = self.idle()

    def warm_up(self, stock):
        """Until the heap of each process has seen what will come: some reloads under load, each store away once."""
        ending = threading.Event()
        clients = [soak_traffic.Client(WARMERS + n, self.lab.ports(), stock, self.book, ending, PAUSE_S) for n in range(CLIENTS)]
        try:
            for c in clients:
                c.start()
            for c in clients:
                c.warm.wait()
            for way in (self.trouble.redis_killed, self.trouble.sqlite_moved, self.trouble.redis_stalled, self.trouble.sqlite_gone):
                way()
                for _ in range(2):
                    self.trouble.reload()
                    time.sleep(1)
        finally:
            ending.set()
            for c in clients:
                c.join()

    def disturb(self):
        reload_s, store_s = min(60.0, self.seconds / 4), min(90.0, self.seconds / 5)
        end, next_reload, next_store, told = self.warm + self.seconds, self.warm + reload_s / 2, self.warm + store_s / 3, self.warm
        while self.watch.seconds() < end:
            now = self.watch.seconds()
            if now >= next_reload:
                self.trouble.reload()
                next_reload += reload_s
            elif now >= next_store:
                self.trouble.store_restart()
                next_store += store_s
            if now - told >= 15:
                told = now
                self.progress(now - self.warm)
            time.sleep(0.2)

    def progress(self, now):
        c, row = self.book.counts, self.watch.rows[-1]
        say(f'{now / 60:5.1f} min: {c["taken"]} taken, {c["delivered"]} delivered, {c["refused"]} refused, {c["given up"]} given up, {row[3]} in queues; '
            + ', '.join(f'{n} {rss // 1024} MB {fds} fd {threads} thr' for n, (rss, fds, threads) in row[1].items()))

    def close(self):
        self.watch.finish()
        self.audit = self.book.audit(set().union(*(m.markers() for m in (self.lab.a, self.lab.b, self.lab.c))))
        wrong = self.book.wrong or self.audit['lost'] or self.audit['twice'] or self.audit['ghosts']
        for name, thing in (*((f'stir-milter-{n.lower()}', m) for n, m in self.lab.milters.items()), *(('postfix-' + m.name, m) for m in (self.lab.a, self.lab.b, self.lab.c))):
            path = getattr(thing, 'log_path', None) or f'{thing.dir}/log'
            with open(path, 'rb') as f, open(name + '.log', 'wb') as out:
                if not wrong:
                    f.seek(max(0, os.path.getsize(path) - LOG_KEPT))
                shutil.copyfileobj(f, out)

    # --- what is judged ------------------------------------------------------------

    def memory(self, name):
        """(after the first tenth, at the end): the middle of some moments under load each."""
        under_load = [(t - self.warm, look[name][0]) for t, look, _, _ in self.watch.rows if name in look and self.warm <= t <= self.warm + self.seconds]
        parts = ([v for t, v in under_load if lo <= t / self.seconds <= hi] for lo, hi in ((0.1, 0.15), (0.9, 1.0)))
        return tuple(sorted(p)[len(p) // 2] if p else None for p in parts)

    def checks(self):
        """[(good, what, detail)]"""
        out = [(not self.interrupted, 'ran to its end', f'{self.seconds / 60:g} minutes')]
        for name in self.lab.milters:
            tenth, end = self.memory(name)
            out.append((bool(tenth and end and end <= MEMORY_RATIO * tenth), f'{name}: memory at the end <= {MEMORY_RATIO} x after the first tenth',
                        f'{end} kB / {tenth} kB = {end / tenth:.3f}' if tenth and end else 'not measured'))
            for i, what in ((1, 'descriptors'), (2, 'threads')):
                before, after = (x.get(name, (0, -1, -1))[i] for x in (self.first, self.last))
                out.append((0 < after <= before, f'{name}: {what} back to the start', f'{before} -> {after}'))
        c, trouble = self.book.counts, self.trouble
        reloads = sum(kind == 'reload' for _, kind, _ in trouble.events)
        lists = [('no message lost', self.audit['lost'], f'{c["taken"]} taken'), ('none came twice', self.audit['twice'], f'{c["delivered"]} deliveries'),
                 ('none came that was refused or given up', self.audit['ghosts'], f'{c["refused"]} refused, {c["given up"]} given up'),
                 ('every answer and verdict as expected', self.book.wrong, f'{len(self.book.found)} kinds of outcome'),
                 ('no stir-milter ended by itself', self.watch.deaths, ''), ('nothing alarming in their logs', self.watch.alarms, ''), ('every reload taken', trouble.failed, f'{reloads} reloads')]
        out += [(not bad, what, '; '.join([f'{len(bad)} not', *bad[:5]]) if bad else detail) for what, bad, detail in lists]
        out.append((self.audit['queued'] == 0, 'the queues ran empty', f'{self.audit["queued"]} still queued'))
        out.append((self.book.strange == 0, 'nothing arrived that was not sent', f'{self.book.strange} messages'))
        replayed = sum(n for (kind, what), n in self.book.found.items() if kind == 'replayed' and 'pass' not in what)
        out.append((replayed > 0, 'used tokens were recognised', f'{replayed} times'))
        return out


def finish(soak):
    checks = soak.checks()
    with open('report.html', 'w', encoding='utf-8') as f:
        f.write(soak_page.page(soak, checks))
    with open('samples.csv', 'w') as f:
        f.write('seconds,process,rss_kb,descriptors,threads,taken,delivered\n')
        f.writelines(f'{t:.1f},{name},{",".join(map(str, look[name]))},{counts.get("taken", 0)},{counts.get("delivered", 0)}\n' for t, look, counts, _ in soak.watch.rows for name in look)
    c = soak.book.counts
    print(f'{soak.book.number} messages begun: {c["taken"]} taken, {c["refused"]} refused with a reason, {c["given up"]} given up, {c["unsure"]} without waiting for the answer; '
          f'{c["delivered"]} deliveries, {c["bounced"]} bounces, {soak.audit["queued"]} queued')
    for good, what, detail in checks:
        print(f'{"PASS" if good else "FAIL"}  {what}' + (f' ({detail})' if detail else ''))
    print(f'{sum(g for g, _, _ in checks)} passed, {sum(not g for g, _, _ in checks)} failed; {os.path.abspath("report.html")}')
    return 130 if soak.interrupted else 0 if all(g for g, _, _ in checks) else 1


def main(args):
    why = lab_module.Lab.missing() or (None if redisserver.there() else 'no redis-server here; tools/deps test installs it')
    if why:
        print('tools/soak: ' + why, file=sys.stderr)
        return 77
    soak = Soak(max(1.0, float(args[0]) * 60))

    def interrupt(*_):
        # Nothing may keep it from stopping what it started.
        for sign in SIGNALS:
            signal.signal(sign, signal.SIG_IGN)
        soak.interrupted = True
        raise KeyboardInterrupt
    for sign in SIGNALS:
        if signal.getsignal(sign) != signal.SIG_IGN:    # as under nohup
            signal.signal(sign, interrupt)
    try:
        say('starting: a PKI, three Postfix instances on loopback, a stir-milter behind each, Redis')
        soak.lab = SoakLab(soak.book)
        try:
            soak.run()
        except KeyboardInterrupt:
            if not soak.warm:
                raise
            say('interrupted; what was seen so far:')
        soak.close()
        return finish(soak)
    except KeyboardInterrupt:
        say('interrupted; stopping all that was started')
        return 130
    finally:
        if soak.lab:
            soak.lab.stop()


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
