"""Redis goes away, stalls and fills up while mail flows through a real MTA: no
message is refused or lost, the counter says so, and it heals by itself.
tests/e2e runs it on Postfix and on Sendmail."""

import os
import re
import signal
import threading
import time

import lab as lab_module
import redisserver
import scenarios
from lab import wait_for
from tap import is_equal, note, ok

BOB = scenarios.BOB + '@direct.example'


class ReplayLab(lab_module.Lab):
    """Carrier B remembers used tokens in Redis."""

    def make_pki(self, plan):
        super().make_pki(plan)
        key = self.path('replay.key')
        with open(key, 'wb') as f:
            f.write(os.urandom(32))
        os.chmod(key, 0o600)
        self.redis = redisserver.Redis(self.dir).start()
        self.b_more = f'MaxAge 1h\nReplayStore redis:{self.redis.socket}\nReplayKey {key}\n'

    def stop(self):
        if getattr(self, 'redis', None):
            if self.redis.process:
                self.redis.resume()
            self.redis.kill()
        super().stop()


class Traffic(threading.Thread):
    """Signed messages from A to B, one after the other, until told to stop."""

    def __init__(self, crew):
        super().__init__()
        self.crew, self.sent, self.ending = crew, [], threading.Event()

    def run(self):
        while not self.ending.is_set():
            marker = f'flow{len(self.sent)}'
            self.crew.via_a(scenarios.mms(marker, text=f'See you at {marker}?'))
            self.sent.append(marker)
            time.sleep(0.05)

    def finish(self):
        self.ending.set()
        self.join()
        return self.sent


def results(crew, markers):
    out = []
    for marker in markers:
        octets = crew.fetch(marker)
        out.append(scenarios.read_result(octets) if octets else None)
    return out


def run(lab):
    crew = scenarios.Crew(lab)
    crew.via_a(scenarios.mms('first'))
    first = scenarios.read_result(crew.fetch('first') or b'')
    is_equal((first.get('reason'), first.get('replay')), ('ok', 'new'), 'a first message')
    traffic = Traffic(crew)
    traffic.start()
    for what, harm, heal in (('killed', lab.redis.kill, lab.redis.start), ('stalled', lab.redis.stall, lab.redis.resume),
                             ('full', lab.redis.full, lab.redis.emptied)):
        time.sleep(0.5)
        harm()
        time.sleep(1.5)
        heal()
        note(f'{what}: {len(traffic.sent)} messages so far')
        time.sleep(1.5)
    sent = traffic.finish()
    got = results(crew, sent)
    is_equal(got.count(None), 0, f'none of {len(sent)} messages is lost')
    is_equal({r.get('reason') for r in got if r}, {'ok'}, 'all of them pass')
    replays = [r.get('replay') for r in got if r]
    ok({'new', 'unknown'} >= set(replays), f'each is new, or unknown ({set(replays)})')
    ok(replays.count('unknown') >= 6, f'{replays.count("unknown")} were not looked up')
    ok(replays[-1] == 'new', 'the last one was again')
    ok(wait_for(lambda: lab.a.queue_empty() and lab.b.queue_empty()), 'nothing is left in a queue')
    os.kill(lab.milter_b.process.pid, signal.SIGUSR2)
    line = wait_for(lambda: re.search(r'redis: calls=\d+ failures=(\d+)', lab.milter_b.log()))
    ok(line and int(line.group(1)) > 0, 'the counter says how often Redis failed')
