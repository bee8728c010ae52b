"""A token used twice: found out in every store, after a reload, after kill -9, on
another host; never at the cost of mail when the store is gone."""

import os
import re
import signal
import socket
import sqlite3
import subprocess
import threading
import time

import redisserver
import tap
from milterclient import send_message
from milterdaemon import MAIL, RCPT, SENDER, STIRCTL, URL, Place, wait_for

OTHER = '+15550200003/TYPE=PLMN@b.example'


def signed(place, marker, rcpt=RCPT):
    # Two tokens of one second over one body would be one token.
    mail = MAIL.replace(b'<1@a.example>', b'<%s@a.example>' % marker.encode()).replace(b'Hello.', b'Hello, %s.' % marker.encode())
    r = subprocess.run([STIRCTL, 'sign', '--key', place.path('a.key'), '--cert', place.path('a.pem'), '--x5u', URL, '--rcpt', rcpt, '-'],
                       input=mail, stdout=subprocess.PIPE, check=True, timeout=30)
    return r.stdout


def again(octets, marker):
    """The same token and body in a message of another name."""
    return re.sub(rb'Message-ID: <[^>]*>', b'Message-ID: <%s@a.example>' % marker.encode(), octets)


def verdict(d, octets, rcpts=(RCPT,), client='192.0.2.1'):
    r = send_message(d.socket, octets, SENDER, list(rcpts), client_addr=client, daemon_name='MM4IN')
    field = ' '.join(''.join(r.inserted('Authentication-Results')).split())
    found = re.search(r'reason=(\S+)', field), re.search(r'policy\.replay=(\w+)', field)
    return tuple(f.group(1).rstrip(';') if f else None for f in found)


def test_store(place, name, store, *more):
    d = place.daemon(name, 'MaxAge 1h', f'ReplayStore {store}', *more)
    mail = signed(place, name + '1')
    tap.is_equal(verdict(d, mail), ('ok', 'new'), f'{name}: the first use')
    tap.is_equal(verdict(d, mail), ('ok', 'duplicate'), f'{name}: the same client tries again')
    tap.is_equal(verdict(d, mail, client='192.0.2.77'), ('replayed', 'replayed'), f'{name}: another client has it too')
    tap.is_equal(verdict(d, again(mail, 'x')), ('replayed', 'replayed'), f'{name}: another message with that token')
    tap.is_equal(verdict(d, signed(place, name + '2')), ('ok', 'new'), f'{name}: another token')
    d.hup()
    tap.is_equal(verdict(d, again(mail, 'y')), ('replayed', 'replayed'), f'{name}: after a reload')
    tap.is_equal(d.count('a restart forgets which tokens were used') > 0, store == 'memory', f'{name}: is said to be forgotten by a restart, or is not')
    return d, mail


def test_split(place, d):
    """Delivered to two recipients one after the other: each uses it once (profile.md Q13)."""
    mail = subprocess.run([STIRCTL, 'sign', '--key', place.path('a.key'), '--cert', place.path('a.pem'), '--x5u', URL, '--rcpt', RCPT, '--rcpt', OTHER, '-'],
                          input=MAIL.replace(b'To: <', b'To: <' + OTHER.encode() + b'>, <'), stdout=subprocess.PIPE, check=True, timeout=30).stdout
    tap.is_equal(verdict(d, mail), ('ok', 'new'), 'the first of two recipients')
    tap.is_equal(verdict(d, mail, (OTHER,)), ('ok', 'new'), 'the second')
    tap.is_equal(verdict(d, again(mail, 'z'), (OTHER,)), ('replayed', 'replayed'), 'the second once more, in another message')


def test_refused(place):
    """What is not let go on uses nothing up: the client is told to try again, and does."""
    with open(place.path('later.policy'), 'w') as f:
        f.write('policy 1 mode enforce\nrule LATER { when subject == "picture" final tempfail 4.7.1 "later" }\nactions { tag at 4 }\n')
    d = place.daemon('later', 'MaxAge 1h', 'ReplayStore memory', 'ReplaySize 16M', f'Policy {place.path("later.policy")}')
    mail = signed(place, 'later')
    r = send_message(d.socket, mail, SENDER, [RCPT], daemon_name='MM4IN')
    tap.ok(r.reply in (b'y', b't', 'y', 't') or r.text, f'asked to try again ({r.reply!r} {r.text!r})')
    with open(place.path('later.policy'), 'w') as f:
        f.write('policy 1 mode enforce\nactions { tag at 4 }\n')
    d.hup()
    tap.is_equal(verdict(d, again(mail, 'later2'), client='192.0.2.99'), ('ok', 'new'), 'not used up by a delivery that was put off')


def test_sqlite(place):
    d, mail = test_store(place, 'sqlite', 'sqlite:' + place.path('replay.sqlite'))
    key = place.path('replay.sqlite.key')
    tap.ok(os.stat(key).st_mode & 0o777 == 0o600, 'its key is beside it, for the owner only')
    d.signal(signal.SIGKILL)
    d.process.wait()
    d.start()
    tap.is_equal(verdict(d, again(mail, 'w')), ('replayed', 'replayed'), 'after kill -9')
    octets = b''.join(open(place.path(n), 'rb').read() for n in os.listdir(place.dir) if n.startswith('replay.sqlite'))
    tap.ok(b'15550100001' not in octets and b'15550200002' not in octets, 'no number stands in the file')


def test_many(place, d):
    """Of thirty that come at once with one token, one passes."""
    mail, seen, lock = signed(place, 'many'), [], threading.Lock()

    def one(i):
        v = verdict(d, again(mail, f'many{i}'), client=f'198.51.100.{i + 1}')
        with lock:
            seen.append(v)

    threads = [threading.Thread(target=one, args=(i,)) for i in range(30)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    tap.is_equal((seen.count(('ok', 'new')), seen.count(('replayed', 'replayed'))), (1, 29), 'of thirty at once, one is the first')


def test_redis(place):
    if not redisserver.there():
        tap.skip('no redis-server here')
        return
    with open(place.path('shared.key'), 'wb') as f:
        f.write(os.urandom(32))
    os.chmod(place.path('shared.key'), 0o600)
    redis = redisserver.Redis(place.dir, 'server').start()
    try:
        store, key = 'redis:' + redis.socket, 'ReplayKey ' + place.path('shared.key')
        one, mail = test_store(place, 'redis', store, key)
        two = place.daemon('two', 'MaxAge 1h', f'ReplayStore {store}', key)
        tap.is_equal(verdict(two, again(mail, 'v')), ('replayed', 'replayed'), 'another host refuses what the first has seen')
        mail = signed(place, 'two')
        tap.is_equal(verdict(two, mail, client='203.0.113.1'), ('ok', 'new'), 'first used at the other host')
        tap.is_equal(verdict(one, again(mail, 'u'), client='203.0.113.2'), ('replayed', 'replayed'), 'and refused here')
        test_many(place, one)
        for what, harm, heal in (('killed', redis.kill, redis.start), ('stalled', redis.stall, redis.resume), ('full', redis.full, redis.emptied)):
            harm()
            begun = time.monotonic()
            tap.is_equal(verdict(one, signed(place, what)), ('ok', 'unknown'), f'Redis {what}: mail goes on, and the field says so')
            tap.ok(time.monotonic() - begun < 2.0, f'Redis {what}: within two seconds ({time.monotonic() - begun:.2f})')
            if what == 'full':
                tap.ok(wait_for(lambda: one.count('ReplayStore: ') and one.count('it is full')), 'Redis full: the log says what to do')
            heal()
            mail = signed(place, what + '2')
            tap.ok(wait_for(lambda: verdict(one, signed(place, what + str(time.monotonic()))) == ('ok', 'new')), f'Redis {what}: heals by itself')
            verdict(one, mail)
            tap.is_equal(verdict(one, again(mail, what)), ('replayed', 'replayed'), f'Redis {what}: and finds out again')
        before = len(one.log())
        one.signal(signal.SIGUSR2)
        line = wait_for(lambda: re.search(r'redis: calls=\d+ failures=(\d+) down=no', one.log()[before:]))
        tap.ok(line and int(line.group(1)) >= 3, 'the counter says how often it failed')
    finally:
        redis.resume() if redis.process else None
        redis.kill()


def test_locked(place):
    """A file that another program keeps locked: in time, and the log says why."""
    path = place.path('locked.sqlite')
    d = place.daemon('locked', 'MaxAge 1h', 'ReplayStore sqlite:' + path, 'ReplayTimeout 400ms')
    verdict(d, signed(place, 'locked1'))
    db = sqlite3.connect(path, isolation_level=None)
    db.execute('BEGIN IMMEDIATE')
    begun = time.monotonic()
    tap.is_equal(verdict(d, signed(place, 'locked2')), ('ok', 'unknown'), 'locked by another program: mail goes on, and the field says so')
    took = time.monotonic() - begun
    tap.ok(took < 1.0, f'in time ({took:.2f} s)')
    tap.ok(wait_for(lambda: d.count('ReplayStore: ' + path + ': another process kept it locked')), 'the log says why')
    for i in range(5):
        verdict(d, signed(place, f'locked{i + 3}'))
    tap.is_equal(d.count('another process kept it locked'), 1, 'once a minute')
    db.execute('ROLLBACK')
    db.close()
    d.signal(signal.SIGUSR2)
    tap.ok(wait_for(lambda: d.count('replay: unknown=6 forgotten-early=0')), 'the counter says how often')


class SlowRedis:
    """Answers that nothing is there, each time just before the client gives up."""

    def __init__(self, path, seconds):
        self.seconds, self.asked = seconds, 0
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(path)
        self.socket.listen(64)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            threading.Thread(target=self.serve, args=(self.socket.accept()[0],), daemon=True).start()

    def serve(self, c):
        try:
            while c.recv(65536):
                self.asked += 1
                time.sleep(self.seconds)
                c.sendall(b'$-1\r\n')
        except OSError:
            pass


def test_slow(place):
    """ReplayTimeout is for a message, not for each of its recipients."""
    redis = SlowRedis(place.path('slow.redis'), 0.3)
    d = place.daemon('slow', 'MaxAge 1h', 'ReplayStore redis:' + place.path('slow.redis'), 'ReplayKey ' + place.path('shared.key'), 'ReplayTimeout 1s')
    rcpts = [f'+1555020{i:04d}/TYPE=PLMN@b.example' for i in range(30)]
    to = ', '.join(f'<{r}>' for r in rcpts).encode()
    args = [a for r in rcpts for a in ('--rcpt', r)]
    mail = subprocess.run([STIRCTL, 'sign', '--key', place.path('a.key'), '--cert', place.path('a.pem'), '--x5u', URL, *args, '-'],
                          input=MAIL.replace(b'To: <' + RCPT.encode() + b'>', b'To: ' + to), stdout=subprocess.PIPE, check=True, timeout=30).stdout
    begun = time.monotonic()
    tap.is_equal(verdict(d, mail, rcpts), ('ok', 'unknown'), 'thirty recipients, and a Redis that is slow, not gone')
    took = time.monotonic() - begun
    tap.ok(took < 1.2, f'the message waits ReplayTimeout, not that for each of them ({took:.2f} s)')
    tap.is_equal(redis.asked, 2, 'and asks no more')
    tap.ok(wait_for(lambda: d.count('ReplayStore: the store is slow')), 'the log says why')


def test_password(place):
    """One that was changed is taken over by a reload, without a change of the configuration."""
    redis = redisserver.Redis(place.dir, 'withpassword').start()
    try:
        def password(text, mode=0o600):
            with open(place.path('password'), 'w') as f:
                f.write(text)
            os.chmod(place.path('password'), mode)

        redis.cli('config', 'set', 'requirepass', 'a:b')
        password('wrong\n')
        d = place.daemon('secured', 'MaxAge 1h', 'ReplayStore redis:' + redis.socket, 'ReplayKey ' + place.path('shared.key'), 'RedisPasswordFile ' + place.path('password'))
        tap.is_equal(verdict(d, signed(place, 'secured1')), ('ok', 'unknown'), 'a wrong password')
        tap.ok(wait_for(lambda: d.count('it refuses the password')) and 'wrong\n' not in d.log(), 'is said, and not told')
        password(':a:b\n')
        d.hup()
        tap.is_equal(verdict(d, signed(place, 'secured2')), ('ok', 'new'), 'corrected, with a colon in it: a reload takes it')
        password(':a:b\n', 0o644)
        d.hup()
        tap.ok(d.count('reload failed') == 1 and 'everybody may read it' in d.log(), 'a password that everybody may read is refused')
        tap.is_equal(verdict(d, signed(place, 'secured3')), ('ok', 'new'), 'and the store in force stays')
    finally:
        redis.kill()


with Place() as p:
    p.make_pki()
    memory, _ = test_store(p, 'memory', 'memory', 'ReplaySize 16M')
    test_split(p, memory)
    test_many(p, memory)
    test_refused(p)
    test_sqlite(p)
    test_locked(p)
    test_redis(p)
    if redisserver.there():
        test_slow(p)
        test_password(p)
tap.done()
