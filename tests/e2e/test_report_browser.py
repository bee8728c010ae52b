#!/usr/bin/env python3
"""The report of "stirctl policy run" in a real browser: it renders, asks for nothing, works, and hostile text stays text."""

import os
import pathlib
import re
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
import chromium
import tap
from policyworld import NOW, POLICY, World, mbox, message, run

PROGRAM = chromium.path()
if not PROGRAM:
    if os.environ.get('STIR_NEED_CHROMIUM') == '1':
        tap.ok(False, 'chromium is needed (STIR_NEED_CHROMIUM=1), and not installed')
        tap.done()
    tap.skip_all('chromium is not installed')

READY = 'document.documentElement.dataset.ready == "yes"'
HOSTILE = '</script><script>window.hacked=1</script><img src=x onerror=window.hacked=2>'


def report(w, name, *args):
    path = w.top / name
    run('policy', 'run', *w.verify, '--policy', w.policy, '--report', path, *args)
    return path


def opened(b, path):
    b.events.clear()
    b.open(path.resolve().as_uri(), READY)


def tiles(b):
    return b.js("[...document.querySelectorAll('#split .tile b')].map(e => e.textContent)")


def rows(b):
    return b.js("document.querySelectorAll('#list .row').length")


def silent(b, what):
    errors = b.said('Runtime.exceptionThrown', 'Runtime.consoleAPICalled', 'Log.entryAdded')
    tap.is_equal(errors, [], f'{what}: no error, no warning')
    asked = [p['request']['url'] for _, p in b.said('Network.requestWillBeSent')]
    tap.is_equal([u for u in asked if not u.startswith(('file:', 'data:'))], [], f'{what}: no request')
    tap.is_equal(len([u for u in asked if u.startswith('file:')]), 1, f'{what}: nothing but the page itself')


def test_page(b, w):
    path = report(w, 'r.html', '--wanted', w.wanted, '--abuse', w.abuse)
    opened(b, path)
    silent(b, 'the page')
    tap.ok(b.js("document.querySelector('h1').textContent").endswith('inbound.policy'), 'its title is the policy')
    text = b.js('document.body.innerText')
    tap.ok('mode enforce' in text and '29\nmessages judged' in text and '12\nwanted' in text, 'counts')
    tap.ok(b.js("document.querySelectorAll('#chart rect.wanted').length") > 0 and b.js("document.querySelectorAll('#chart rect.abuse').length") > 1, 'columns of both kinds')
    tap.is_equal(b.js("[...document.querySelectorAll('#rules tbody tr')].length"), 8, 'all rules')
    tap.is_equal(b.js("document.getElementById('changes-part').hidden"), True, 'no changes without another policy')
    csp = b.js("document.querySelector('meta[http-equiv]').content")
    tap.ok("default-src 'none'" in csp and 'http' not in re.sub(r'http-equiv', '', csp), 'its own rules forbid every network')
    b.js("window.stopped = []; document.addEventListener('securitypolicyviolation', e => stopped.push(e.effectiveDirective)); "
         "fetch('https://example.org/').catch(() => 0); new Image().src = 'https://example.org/x.png'; new Promise(r => setTimeout(r, 300))")
    tap.is_equal(b.js('stopped.sort()'), ['connect-src', 'img-src'], 'and the browser holds to it')


def test_slider(b):
    b.js("document.getElementById('threshold').value = 8; document.getElementById('threshold').dispatchEvent(new Event('input')); 0")
    before, line = tiles(b), b.js("document.querySelector('#chart .cut').getAttribute('x1')")
    tap.is_equal(before, ['0', '1', '16', '12'], 'at 8: false positives, false negatives, caught, let through')
    b.js("document.getElementById('threshold').focus()")
    for _ in range(20):
        b.key('ArrowRight', 39)
    tap.is_equal(b.js("document.getElementById('threshold').value"), '10', 'the slider moves by keyboard')
    tap.is_equal(tiles(b), ['0', '9', '8', '12'], 'and the numbers with it')
    tap.ok(b.js("document.querySelector('#chart .cut').getAttribute('x1')") != line, 'and the line')
    b.js("[...document.querySelectorAll('#preset button')].find(e => e.textContent == 'tag at 4').click()")
    tap.is_equal((b.js("document.getElementById('threshold-number').value"), tiles(b)), ('4', ['0', '0', '17', '12']), "the policy's thresholds are a click away")


def test_rules(b):
    def names():
        return b.js("[...document.querySelectorAll('#rules tbody tr td:first-child button')].map(e => e.textContent)")

    first = names()
    b.js("document.querySelectorAll('#rules th button')[0].click()")
    tap.is_equal(names(), sorted(first), 'rules by name')
    b.js("document.querySelectorAll('#rules th button')[0].click()")
    tap.is_equal(names(), sorted(first, reverse=True), 'and the other way round')
    b.js("document.querySelectorAll('#rules th button')[1].click()")
    tap.ok(names()[0] == 'NEW' and b.js("document.querySelector('#rules th[aria-sort]').getAttribute('aria-sort')") == 'descending', 'by hits, the most first')
    b.js("[...document.querySelectorAll('#rules td button')].find(e => e.textContent == 'FORGED').click()")
    tap.is_equal((rows(b), b.js("document.getElementById('by-rule').selectedOptions[0].textContent")), (8, 'FORGED'), "a rule's messages")


def test_messages(b, w):
    b.js("document.querySelectorAll('#list .row')[0].focus()")
    b.key('Enter', 13, '\r')
    text = b.js("document.querySelector('#list .detail').innerText")
    for what in (f'{w.abuse}:1', 'quarantine (by the score), score 9.00', 'FORGED', 'reason', 'msgi-mismatch', '+*********01', 'Judged as of'):
        tap.ok(what in text, f'a message, by keyboard: {what}')
    tap.ok('5555501' not in text, 'without its number')
    b.key('Enter', 13, '\r')
    tap.is_equal(b.js("document.querySelectorAll('#list .detail').length"), 0, 'and closed again')
    b.js("document.querySelector('#filter button').click(); new Promise(r => setTimeout(r, 50))")
    tap.is_equal(rows(b), 29, 'all again')
    for select, value, want in (('by-verdict', 'quarantine', 16), ('by-label', 'wanted', 12)):
        b.js(f"(() => {{ const s = document.getElementById('{select}'); s.value = [...s.options].find(o => o.textContent == '{value}').value; s.dispatchEvent(new Event('input')); }})()")
        tap.is_equal(rows(b), want if select == 'by-verdict' else 0, f'{select} {value}')
    b.js("document.querySelector('#filter button').click(); new Promise(r => setTimeout(r, 50))")
    b.js("(() => { const s = document.getElementById('sort'); s.value = 'high'; s.dispatchEvent(new Event('input')); })()")
    tap.is_equal(b.js("document.querySelector('#list .score').textContent"), '14.00', 'the highest score first')


def test_changes(b, w):
    old = w.write('old.policy', POLICY.replace('score 9 ', 'score 2 '))
    opened(b, report(w, 'c.html', '--wanted', w.wanted, '--abuse', w.abuse, '--against', old))
    silent(b, 'with changes')
    tap.ok('accept → quarantine: 8' in b.js("document.getElementById('changes').innerText"), 'what changes')
    b.js("document.querySelector('#changes button').click()")
    tap.is_equal(rows(b), 8, 'which messages')
    tap.ok('was accept' in b.js("document.querySelector('#list .name').textContent"), 'and what they were')


def test_unlabelled(b, w):
    opened(b, report(w, 'u.html', w.wanted, w.abuse))
    silent(b, 'without labels')
    tap.ok(b.js("document.querySelectorAll('#chart rect.unlabelled').length") > 1 and rows(b) == 29, 'without labels: one kind of columns')
    tap.is_equal(tiles(b), ['16', '13'], 'at or above, below')
    ordinary = mbox(w.top / 'ordinary.mbox', [message(1).replace(b'+15555550101', b'anna').replace(b'+15555550102', b'bert')])
    path = report(w, 'e.html', ordinary)
    opened(b, path)
    silent(b, 'nothing to judge')
    tap.ok(rows(b) == 0 and '0\nmessages judged' in b.js('document.body.innerText'), 'nothing to judge: an empty page, no error')
    tap.ok('<noscript>' in path.read_text(), 'numbers without scripts')


def test_narrow(b):
    b.size(400, 800)
    b.js("window.dispatchEvent(new Event('resize'))")
    tap.ok(b.js('document.documentElement.scrollWidth') <= 400, 'nothing sticks out at 400 pixels')
    light = b.js('getComputedStyle(document.body).backgroundColor')
    b.dark(True)
    tap.ok(b.js('getComputedStyle(document.body).backgroundColor') != light, 'dark where the reader likes it dark')
    b.dark(False)
    b.size(1200, 900)


def test_hostile(b, w):
    policy = w.write('hostile.policy', 'policy 1\nrule A { when verify == none score 5 describe "' + HOSTILE + '" }\n'
                     'rule B { when any(mime.name) ~ /script/ score 1 }\nrule C { when subject ~ /script/ score 1 }\nactions { tag at 4 }\n')
    odd = w.top / 'x<img src=y onerror=window.hacked=3>.mbox'
    mail = message(1, sender='+15555550177', extra=f'Subject: {HOSTILE}\n').replace(
        b'Content-Type: text/plain; charset=utf-8', b'Content-Type: text/plain; name="' + HOSTILE.replace('/', '_').encode() + b'"')
    mbox(odd, [mail, message(2, text='plain')])
    path = w.top / 'h.html'
    for full in ([], ['--numbers', 'full']):
        run('policy', 'run', *w.verify, '--policy', policy, '--report', path, '--wanted', odd, *full)
        opened(b, path)
        silent(b, 'hostile text')
        b.js("document.querySelectorAll('#list .row').forEach(e => e.click())")
        b.js('new Promise(r => setTimeout(r, 200))')
        tap.is_equal((b.js('window.hacked'), b.js("document.querySelectorAll('img, script:not([type])').length")), (None, 1), 'does nothing, and makes no element')
        tap.ok(HOSTILE in b.js("document.getElementById('rules').innerText"), 'and is shown as it is')
        shown = HOSTILE in b.js("document.getElementById('list').innerText")
        tap.is_equal(shown, bool(full), 'subjects only when asked for')
    silent(b, 'hostile text, opened')


def test_many(b, w):
    box = mbox(w.top / 'many.mbox', (message(i, sender=f'+1555555{i % 900 + 1000}', text='look http://bit.ly/x' if i % 3 else 'hello', received=NOW + i)
                                     for i in range(int(os.environ.get('STIR_TEST_MESSAGES', '10000')))))
    path = report(w, 'many.html', '--abuse', box)
    tap.ok(path.stat().st_size < 20 * 1000 * 1000, f'many messages: {path.stat().st_size // 1024} KiB')
    opened(b, path)
    silent(b, 'many messages')
    tap.is_equal(rows(b), 50, 'fifty at a time')
    ms = b.js("(() => { const t = performance.now(); const s = document.getElementById('by-name'); s.value = '77'; s.dispatchEvent(new Event('input')); return performance.now() - t; })()")
    tap.ok(ms < 1000, f'a filter answers at once ({ms:.0f} ms)')
    b.js("document.getElementById('next').click()")
    tap.ok('page 2 of' in b.js("document.getElementById('page').textContent"), 'and the next page')


with tempfile.TemporaryDirectory(prefix='tap-report-', dir='.') as top:
    w = World(pathlib.Path(top))
    w.mailboxes()
    b = chromium.Browser(PROGRAM)
    try:
        b.size(1200, 900)
        test_page(b, w)
        test_slider(b)
        test_rules(b)
        test_messages(b, w)
        test_narrow(b)
        test_changes(b, w)
        test_unlabelled(b, w)
        test_hostile(b, w)
        test_many(b, w)
    finally:
        b.close()
tap.done()
