"""The alert rules with Prometheus' own tools: each is well formed, fires when it should and
not otherwise; and a real Prometheus scrapes the real program."""

import json
import os
import re
import socket
import subprocess
import urllib.parse
import urllib.request

import tap
from milterclient import send_message
from milterdaemon import MAIL, RCPT, SENDER, Place, wait_for

ROOT = os.environ.get('STIR_PROMETHEUS_ROOT', '/')
PROMTOOL, PROMETHEUS = (os.path.join(ROOT, 'usr/bin', n) for n in ('promtool', 'prometheus'))
RULES = os.path.join(os.environ.get('srcdir', '.'), 'conf', 'prometheus', 'stir-milter.rules.yml')
P = 'stir_milter_'

# alert: (series that make it fire: name -> values of each minute, the same that do not)
STEADY = '1x180'
CASES = {
    'StirMilterDown': ({'up{job="stir-milter"}': '0x180'}, {'up{job="stir-milter"}': STEADY}),
    'StirMilterNotReady': ({P + 'ready': '0x180'}, {P + 'ready': STEADY}),
    'StirMilterReloadFailed': ({P + 'reload_failed': STEADY}, {P + 'reload_failed': '0x180'}),
    'StirMilterCertificateEndsSoon': ({P + 'certificate_left_seconds{key="a"}': '1209599x180'}, {P + 'certificate_left_seconds{key="a"}': '1209600x180'}),
    'StirMilterCertificateEnds': ({P + 'certificate_left_seconds{key="a"}': '-1x180'}, {P + 'certificate_left_seconds{key="a"}': '172800x180'}),
    'StirMilterSigningFails': ({P + 'signed_total{outcome="key-failed"}': '0+1x180'}, {P + 'signed_total{outcome="no-number"}': '0+1x180', P + 'signed_total{outcome="key-failed"}': '5x180'}),
    'StirMilterFailuresRise': ({P + 'verified_total{result="fail",reason="stale"}': '0+9x180', P + 'verified_total{result="pass",reason="ok"}': '0+6x180'},
                               {P + 'verified_total{result="fail",reason="stale"}': '0+9x180', P + 'verified_total{result="pass",reason="ok"}': '0+10x180'}),
    'StirMilterCertificatesUnreachable': ({P + 'verified_total{result="temperror",reason="cert-unreachable"}': '0+1x180', P + 'verified_total{result="pass",reason="ok"}': '0+10x180'},
                                          {P + 'verified_total{result="temperror",reason="cert-unreachable"}': '0+1x180', P + 'verified_total{result="pass",reason="ok"}': '0+30x180'}),
    'StirMilterHostLeftAlone': ({P + 'hosts_left_alone': STEADY}, {P + 'hosts_left_alone': '0x180'}),
    'StirMilterFetchesWait': ({P + 'fetch_queue': '9x180', P + 'fetch_threads': '8x180', P + 'fetch_threads_busy': '8x180'},
                              {P + 'fetch_queue': '0x180', P + 'fetch_threads': '8x180', P + 'fetch_threads_busy': '8x180'}),
    'StirMilterRevocationOld': ({P + 'revocation_next_update_seconds': '-5x180'}, {P + 'revocation_next_update_seconds': '5x180'}),
    'StirMilterRevocationSkipped': ({P + 'skipped_checks_total{check="revocation"}': '0+1x180', P + 'revocation_lists': '3x180'},
                                    {P + 'skipped_checks_total{check="revocation"}': '0+1x180', P + 'revocation_lists': '0x180'}),
    'StirMilterTrustListOld': ({P + 'trust_list_age_seconds{domain="d"}': '700000x180', P + 'trust_list_max_age_seconds{domain="d"}': '604800x180'},
                               {P + 'trust_list_age_seconds{domain="d"}': '600000x180', P + 'trust_list_max_age_seconds{domain="d"}': '604800x180'}),
    'StirMilterReplayUnknown': ({P + 'skipped_checks_total{check="replay"}': '0+1x180'}, {P + 'skipped_checks_total{check="replay"}': '7x180'}),
    'StirMilterReplayStoreFull': ({P + 'replay_store_evicted_total': '0+1x180'}, {P + 'replay_store_evicted_total': '7x180'}),
    'StirMilterReplays': ({P + 'replay_total{answer="replayed"}': '0+1x180'}, {P + 'replay_total{answer="new"}': '0+9x180', P + 'replay_total{answer="replayed"}': '7x180'}),
    'StirMilterEvidenceLost': ({P + 'evidence_lost_total': '0+1x180'}, {P + 'evidence_lost_total': '7x180'}),
    'StirMilterFactsLost': ({P + 'fact_log_lost_total': '0+1x180'}, {P + 'fact_log_lost_total': '7x180'}),
    'StirMilterEditsIncomplete': ({P + 'edits_incomplete_total': '0+1x180'}, {P + 'edits_incomplete_total': '7x180'}),
    'StirMilterUnseen': ({P + 'unseen_messages_total': '0+1x180'}, {P + 'unseen_messages_total': '7x180'}),
    'StirMilterLimits': ({P + 'limits_total{limit="overload"}': '0+9x180'}, {P + 'limits_total{limit="message"}': '0+9x180'}),
    'StirMilterSlow': ({P + 'verdict_seconds_bucket{direction="verify",le="2.5"}': '0+8x180', P + 'verdict_seconds_bucket{direction="verify",le="5"}': '0+10x180',
                        P + 'verdict_seconds_bucket{direction="verify",le="+Inf"}': '0+10x180'},
                       {P + 'verdict_seconds_bucket{direction="verify",le="0.1"}': '0+10x180', P + 'verdict_seconds_bucket{direction="verify",le="+Inf"}': '0+10x180'}),
    'StirMilterDescriptors': ({'process_open_fds{job="stir-milter"}': '80x180', 'process_max_fds{job="stir-milter"}': '100x180'},
                              {'process_open_fds{job="stir-milter"}': '60x180', 'process_max_fds{job="stir-milter"}': '100x180'}),
}


def run(*args, **options):
    return subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, text=True, **options)


def alerts():
    """{name: {"severity":, "summary":, "runbook":}} of the rules, which are one a line."""
    found, name = {}, None
    with open(RULES) as f:
        for line in f:
            m = re.match(r' *- alert: (\w+)', line)
            if m:
                name = m.group(1)
                found[name] = {}
            for key in ('severity', 'summary', 'runbook'):
                m = re.search(rf'\b{key}: (.*)', line)
                if m and name:
                    value = m.group(1).rstrip('}') if key == 'severity' else m.group(1)
                    found[name][key] = json.loads(value) if value.startswith('"') else value
    return found


def labels_of(series):
    """What an alert keeps of the labels of a series that made it fire."""
    return dict(re.findall(r'(\w+)="([^"]*)"', series))


DROPPED = ('outcome', 'reason', 'result', 'direction', 'le')


def unit(name, about, series, fires):
    first = labels_of(list(series)[0])
    gone = DROPPED if name in ('StirMilterSigningFails', 'StirMilterFailuresRise', 'StirMilterCertificatesUnreachable', 'StirMilterSlow') else ()
    labels = {k: v for k, v in first.items() if k not in gone}
    expected = [{'exp_labels': dict(labels, severity=about['severity']), 'exp_annotations': {'summary': about['summary'], 'runbook': about['runbook']}}]
    return {'interval': '1m', 'input_series': [{'series': s, 'values': v} for s, v in series.items()],
            'alert_rule_test': [{'eval_time': '150m', 'alertname': name, 'exp_alerts': expected if fires else []}]}


def test_rules(place):
    r = run(PROMTOOL, 'check', 'rules', RULES)
    tap.ok(r.returncode == 0, f'promtool check rules ({r.stdout.split()})')
    found = alerts()
    tap.is_equal(sorted(found), sorted(CASES), 'every alert has a case here')
    for name, (fires, quiet) in CASES.items():
        about = found.get(name, {'severity': '', 'summary': '', 'runbook': ''})
        for series, what in ((fires, True), (quiet, False)):
            path = place.path('unit.yml')
            with open(path, 'w') as f:
                json.dump({'rule_files': [os.path.abspath(RULES)], 'evaluation_interval': '1m', 'tests': [unit(name, about, series, what)]}, f)
            r = run(PROMTOOL, 'test', 'rules', path)
            tap.ok(r.returncode == 0, f'{name} {"fires" if what else "keeps quiet"}')
            if r.returncode:
                tap.note(r.stdout)


def query(port, what):
    url = f'http://127.0.0.1:{port}/api/v1/query?' + urllib.parse.urlencode({'query': what})
    try:
        with urllib.request.urlopen(url, timeout=5) as r:
            return [(x['metric'], float(x['value'][1])) for x in json.load(r)['data']['result']]
    except OSError:
        return []


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def test_scrape(place):
    """Once with the real thing."""
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        port = s.getsockname()[1]
        d = place.daemon('s', f'MetricsSocket fd:{s.fileno()}', start=False)
        d.start(pass_fds=[s.fileno()])
    mail = send_message(d.socket, MAIL, SENDER, [RCPT], daemon_name='MM4OUT').message
    send_message(d.socket, mail, SENDER, [RCPT], daemon_name='MM4IN')
    r = subprocess.run([PROMTOOL, 'check', 'metrics'], input=urllib.request.urlopen(f'http://127.0.0.1:{port}/metrics', timeout=5).read(),
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    tap.is_equal((r.returncode, r.stdout), (0, b''), 'promtool check metrics has nothing to say')
    with open(place.path('prometheus.yml'), 'w') as f:
        json.dump({'global': {'scrape_interval': '1s', 'evaluation_interval': '1s'}, 'rule_files': [os.path.abspath(RULES)],
                   'scrape_configs': [{'job_name': 'stir-milter', 'static_configs': [{'targets': [f'127.0.0.1:{port}']}]}]}, f)
    web = free_port()
    with open(place.path('prometheus.log'), 'wb') as log:
        p = subprocess.Popen([PROMETHEUS, '--config.file=' + place.path('prometheus.yml'), '--storage.tsdb.path=' + place.path('tsdb'),
                              f'--web.listen-address=127.0.0.1:{web}'], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        tap.ok(wait_for(lambda: [v for _, v in query(web, 'up{job="stir-milter"}')] == [1.0], 60.0), 'Prometheus scrapes it')
        got = query(web, P + 'verified_total > 0')
        tap.is_equal([(m['result'], m['reason'], v) for m, v in got], [('pass', 'ok', 1.0)], 'and has the counts')
        tap.is_equal(len(query(web, f'{P}verdict_seconds_bucket{{direction="sign"}}')), 15, 'and the histograms')
    finally:
        p.terminate()
        p.wait(30)
    d.stop()


if not os.access(PROMTOOL, os.X_OK) or not os.access(PROMETHEUS, os.X_OK):
    if os.environ.get('STIR_NEED_PROMETHEUS'):
        tap.ok(False, 'no Prometheus here')
        tap.done()
    tap.skip_all('no Prometheus here; tools/get-promtool DIR and STIR_PROMETHEUS_ROOT=DIR bring one without installing it')
with Place() as place:
    place.make_pki()
    test_rules(place)
    test_scrape(place)
tap.done()
