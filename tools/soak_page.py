"""The page of tools/soak: no script, nothing loaded, drawn for light and dark."""

import html
import math
import time

STYLE = '''
:root { color-scheme: light dark; --page: #fff; --ink: #1d2126; --soft: #5c6570; --line: #d9dee4; --A: #2f74c9; --B: #d9701a; --C: #1f8a56; --D: #8a56c2; --E: #b0508c;
  --reload: #b9c2cc; --store: #e3a08f; --good: #1b7f45; --bad: #c0302b; }
@media (prefers-color-scheme: dark) { :root { --page: #15181c; --ink: #e7eaee; --soft: #a2abb5; --line: #343a42; --A: #5b9bea; --B: #f0924a; --C: #4fbf86; --D: #b48ae6; --E: #dd7fb8;
  --reload: #4b545e; --store: #8a4a3c; --good: #56c287; --bad: #f2766f; } }
body { background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: .2rem; } h2 { font-size: 1.15rem; margin: 2.2rem 0 .4rem; } p { margin: .4rem 0; } .soft { color: var(--soft); }
svg { width: 100%; height: auto; display: block; } svg text { fill: var(--soft); font-size: 12px; } .end { text-anchor: end; } .mid { text-anchor: middle; }
.grid { stroke: var(--line); } .curve { fill: none; stroke-width: 1.8; } .reload { stroke: var(--reload); } .store { stroke: var(--store); } .edge { stroke: var(--soft); stroke-dasharray: 4 3; }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.3rem; } .legend i { display: inline-block; width: .85rem; height: .85rem; border-radius: .2rem; margin-right: .4rem; vertical-align: -.08rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: .9rem; } .wide { overflow-x: auto; }
th, td { text-align: left; padding: .28rem .8rem .28rem 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; } th { color: var(--soft); }
.yes { color: var(--good); font-weight: 600; } .no { color: var(--bad); font-weight: 600; }
'''
WIDTH, HIGH, LEFT, TOP, RIGHT, LOW = 900, 240, 62, 12, 14, 28


def quoted(text):
    return html.escape(str(text))


def nice_step(top, ticks=5):
    rough = max(top, 1e-9) / ticks
    power = 10 ** math.floor(math.log10(rough))
    return next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= rough * 0.999)


def number(v):
    return f'{v:,.0f}'.replace(',', ' ') if abs(v - round(v)) < 1e-6 else f'{v:g}'


def legend(series):
    return '<p class="legend">' + ''.join(f'<span><i style="background:var(--{colour})"></i>{quoted(name)}</span>' for name, colour, _ in series) + '</p>'


def chart(soak, title, series):
    """series: [(name, colour, [(seconds, value)])], with a line for each event."""
    end = max([t for _, _, points in series for t, _ in points] + [1])
    top = max([v for _, _, points in series for _, v in points] + [1]) * 1.08
    inner = WIDTH - LEFT - RIGHT, HIGH - TOP - LOW

    def x(t):
        return LEFT + t / end * inner[0]

    def y(v):
        return TOP + (1 - v / top) * inner[1]
    out = [f'<svg viewBox="0 0 {WIDTH} {HIGH}" role="img" aria-label="{quoted(title)}">']
    out += [f'<path class="{kind}" d="M{x(t):.1f} {TOP}V{HIGH - LOW}"><title>{quoted(kind)}: {quoted(what)}</title></path>' for t, kind, what in soak.trouble.events]
    step = nice_step(top)
    for i in range(int(top / step) + 1):
        out.append(f'<path class="grid" d="M{LEFT} {y(i * step):.1f}H{WIDTH - RIGHT}"/><text class="end" x="{LEFT - 8}" y="{y(i * step) + 4:.1f}">{number(i * step)}</text>')
    step = nice_step(end / 60, 8)
    for i in range(int(end / 60 / step) + 1):
        out.append(f'<text class="mid" x="{x(i * step * 60):.1f}" y="{HIGH - 8}">{number(i * step)} min</text>')
    for t in (soak.warm, soak.warm + soak.seconds):
        if t <= end:
            out.append(f'<path class="edge" d="M{x(t):.1f} {TOP}V{HIGH - LOW}"/>')
    for name, colour, points in series:
        if points:
            path = 'L'.join(f'{x(t):.1f} {y(v):.1f}' for t, v in points)
            out.append(f'<path class="curve" style="stroke:var(--{colour})" d="M{path}"><title>{quoted(name)}</title></path>')
    return f'<h2>{quoted(title)}</h2>{legend(series)}' + ''.join(out) + '</svg>'


def of_processes(soak, i, scale=1):
    return [(f'stir-milter {name}', name, [(t, look[name][i] / scale) for t, look, _, _ in soak.watch.rows if name in look]) for name in soak.lab.milters]


def of_messages(soak):
    rows = soak.watch.rows
    return [(what, colour, [(t, counts.get(key, 0)) for t, _, counts, _ in rows]) for what, key, colour in
            (('taken', 'taken', 'A'), ('delivered', 'delivered', 'C'), ('refused with a reason', 'refused', 'B'), ('given up by the client', 'given up', 'D'))]


def table(heads, rows):
    return '<div class="wide"><table><tr>' + ''.join(f'<th>{quoted(h)}</th>' for h in heads) + '</tr>' + \
        ''.join('<tr>' + ''.join(f'<td>{quoted(c)}</td>' for c in row) + '</tr>' for row in rows) + '</table></div>'


def events(soak):
    def group(kind):
        return [(t, what) for t, k, what in soak.trouble.events if k == kind]
    steps = {kind: [(0, 0)] + [p for i, (t, _) in enumerate(group(kind)) for p in ((t, i), (t, i + 1))] for kind in ('reload', 'store')}
    end = soak.watch.rows[-1][0] if soak.watch.rows else 0
    for points in steps.values():
        points.append((end, points[-1][1]))
    return [('reloads', 'A', steps['reload']), ('stores restarted, stalled, moved', 'B', steps['store'])]


def page(soak, checks):
    failed = sum(not good for good, _, _ in checks)
    counts, book = soak.book.counts, soak.book
    out = [f'<!DOCTYPE html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>stir-milter: soak</title><style>{STYLE}</style>',
           f'<h1>stir-milter: {soak.seconds / 60:g} minutes of good and bad mail</h1><p class="soft">{time.strftime("%Y-%m-%d %H:%M")}; A signs, B verifies with Redis, C verifies with SQLite '
           'and refuses what fails; each behind a Postfix of its own. Between the dashed lines there was load; upright lines are reloads (grey) and stores that went away (red).</p>',
           f'<p class="{"no" if failed else "yes"}">{f"{failed} of {len(checks)} checks failed" if failed else f"all {len(checks)} checks passed"}</p>',
           '<div class="wide"><table><tr><th></th><th>what must hold</th><th>what was seen</th></tr>',
           *(f'<tr><td class="{"yes" if good else "no"}">{"PASS" if good else "FAIL"}</td><td>{quoted(what)}</td><td>{quoted(detail)}</td></tr>' for good, what, detail in checks),
           '</table></div>',
           chart(soak, 'Memory (RSS), MB', of_processes(soak, 0, 1024)), chart(soak, 'Descriptors', of_processes(soak, 1)), chart(soak, 'Threads', of_processes(soak, 2)),
           chart(soak, 'Messages', of_messages(soak)), chart(soak, 'Waiting in queues', [('files', 'E', [(t, queue) for t, _, _, queue in soak.watch.rows])]),
           chart(soak, 'Reloads and stores', events(soak)),
           '<h2>Messages</h2>', table(('begun', 'taken', 'refused', 'given up', 'unsure', 'deliveries', 'bounces', 'queued'),
                                      [(book.number, *(counts[k] for k in ('taken', 'refused', 'given up', 'unsure', 'delivered', 'bounced')), soak.audit['queued'])]),
           '<h2>Where clients left</h2>', table(('stage', 'times'), sorted(soak.left.items())),
           '<h2>What became of each kind</h2>', table(('kind', 'outcome', 'times'), [(*key, n) for key, n in sorted(book.found.items())])]
    bad = book.wrong + [line for k in ('lost', 'twice', 'ghosts') for line in soak.audit[k]] + soak.watch.alarms + soak.watch.deaths + soak.trouble.failed
    if bad:
        out.append(f'<h2>What was wrong (the first 200 of {len(bad)})</h2>' + table(('',), [(b,) for b in bad[:200]]))
    return '\n'.join(out) + '</html>\n'
