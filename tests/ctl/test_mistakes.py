"""Every mistake that the checkers of other mail filters let pass, or told without
its place: stir-milter -n and stirctl policy check find it, with file, line and
column, and what was meant where that can be told."""

import os
import re
import subprocess

import tap
from milterdaemon import MILTER, STIRCTL, Place, as_we_are

# What is wrong in the configuration (a line beside good ones), and what is said.
SETTINGS = [
    ('an unknown option', 'RequireSafeKey yes', r'conf:9:1: .*did you mean .*RequireSafeKeys'),
    ('a bad boolean', 'RequireSafeKeys yep', r'conf:9:17: .*yes'),
    ('a boolean of one letter', 'RequireSafeKeys y', r'conf:9:17: '),
    ('a bad number', 'FetchThreads eight', r'conf:9:14: '),
    ('a number out of bounds', 'FetchThreads 65', r'conf:9:14: .*64'),
    ('a unit that there is not', 'MaxAge 60 sec', r'conf:9:'),
    ('a misspelt word', 'UnsafeBody rejct', r'conf:9:12: .*reject'),
    ('an action of another filter', 'On-BadSignature rejct', r'conf:9:1: '),
    ('a network that can not be', 'InternalHosts 10.0.0.0/99,foo..bar', r'conf:9:15: .*10\.0\.0\.0/99'),
    ('a name for a network', 'InternalHosts 10.0.0.0/8,foo..bar', r'conf:9:26: .*foo\.\.bar'),
    ('host bits beyond the prefix', 'InternalHosts 10.0.0.1/8', r'conf:9:15: '),
    ('a setting twice', 'Mode s', r'conf:9:1: Mode is set for the second time; the first is at .*conf:8'),
    ('a table that is missing', 'NumberPlan nowhere/plan', r'nowhere/plan.*no such file'),
    ('an include that is missing', 'Include nowhere/more.conf', r'nowhere/more\.conf'),
    ('a setting without effect', 'SyslogFacility mail', r'SyslogFacility has no effect'),
    ('a line that ends with CR', 'SyslogFacility mail\r', r'conf:9:20: .*carriage return'),
    ('half a line', 'TrustedScores', r'conf:9:'),
]

POLICY = 'policy 1 mode tag\n'
POLICIES = [
    ('a bracket that is not closed', 'rule A { when (verify == fail score 1 }\n', r'p:2:\d+: '),
    ('a brace that is not closed', 'rule A { when verify == fail score 1\n', r'p:[23]:\d+: '),
    ('an action that is misspelt', 'actions { rejct at 15 }\n', r'p:2:11: .*did you mean .*reject'),
    ('an unknown word', 'rulle A { when verify == fail score 1 }\n', r'p:2:1: .*did you mean .*rule'),
    ('a bad score', 'rule A { when verify == fail score 1.2.3 }\n', r'p:2:\d+: '),
    ('a score that is no number', 'rule A { when verify == fail score much }\n', r'p:2:36: '),
    ('a bad regular expression', 'rule A { when subject ~ /(unclosed/ score 1 }\n', r'p:2:\d+: '),
    ('a fact that there is not', 'rule A { when verfiy == fail score 1 }\n', r'p:2:15: .*did you mean .*verify'),
    ('a word that the fact never has', 'rule A { when verify == failed score 1 }\n', r'p:2:25: .*did you mean .*fail'),
    ('a list that there is not', 'rule A { when orig.tn in @nosuch score 1 }\n', r'p:2:\d+: .*nosuch'),
    ('two rules of one name', 'rule A { when verify == fail score 1 }\nrule A { when verify == pass score 1 }\n', r'p:3:\d+: .*A'),
    ('text where a number is due', 'rule A { when url.count > "3" score 1 }\n', r'p:2:\d+: '),
    ('three misspelt names at once', 'rule A { wehn verfiy == fial scroe 1 }\n', r'p:2:10: .*did you mean .*when'),
]


def base(place):
    return [f'Socket local:{place.path("x.sock")}', 'UMask 007', 'AuthservID mx.b.example', f'KeyFile {place.path("a.key")}',
            f'CertificateFile {place.path("a.pem")}', 'CertificateURL https://certs.example/a.pem', 'MTA MM4OUT', 'Mode s']


def run(*args):
    r = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    return r.returncode, r.stdout.decode(errors='replace').strip()


def test_settings(place):
    conf = place.path('conf')
    for what, line, want in SETTINGS:
        with open(conf, 'w', newline='') as f:
            f.write('\n'.join([*base(place), line, *as_we_are(), '']))
        status, text = run(MILTER, '-n', '-c', conf)
        tap.ok(status == 78 and re.search(want, text), f'{what}: {text}')


def test_policies(place):
    path = place.path('p')
    for what, text, want in POLICIES:
        with open(path, 'w') as f:
            f.write(POLICY + text)
        status, said = run(STIRCTL, 'policy', 'check', path)
        tap.ok(status == 78 and re.search(want, said), f'{what}: {said.splitlines()[0] if said else said}')


with Place() as p:
    p.make_pki()
    os.chdir(p.dir)
    test_settings(p)
    test_policies(p)
tap.done()
