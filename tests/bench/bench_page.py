"""One page of the figures: no script, nothing loaded, drawn for light and dark."""

import html as escape
import math

from bench_corpus import FIELDS, SIZES

STYLE = '''
:root { color-scheme: light dark; --page: #fff; --ink: #1d2126; --soft: #5c6570; --line: #d9dee4; --noop: #8f98a3; --crypto: #2f74c9; --own: #d9701a;
  --s-noop: #7b8591; --s-floor: #2f74c9; --s-verify: #d9701a; --s-sign: #1f8a56; --s-dkimv: #8a56c2; --s-dkims: #b0508c; --good: #1b7f45; --bad: #c0302b; }
@media (prefers-color-scheme: dark) { :root { --page: #15181c; --ink: #e7eaee; --soft: #a2abb5; --line: #343a42; --noop: #78828e; --crypto: #5b9bea; --own: #f0924a;
  --s-noop: #98a2ae; --s-floor: #5b9bea; --s-verify: #f0924a; --s-sign: #4fbf86; --s-dkimv: #b48ae6; --s-dkims: #dd7fb8; --good: #56c287; --bad: #f2766f; } }
body { background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: .2rem; } h2 { font-size: 1.15rem; margin: 2.2rem 0 .4rem; } p { margin: .4rem 0; } .soft { color: var(--soft); }
svg { width: 100%; height: auto; display: block; } svg text { fill: var(--ink); font-size: 13px; } svg .soft { fill: var(--soft); font-size: 12px; }
svg .grid { stroke: var(--line); stroke-width: 1; } svg .end { text-anchor: end; } svg .mid { text-anchor: middle; } svg .strong { font-weight: 600; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(25rem, 100%), 1fr)); gap: 1.2rem 2rem; } figure { margin: 0; max-width: 31rem; } figcaption { font-weight: 600; }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.3rem; margin: .5rem 0 .8rem; } .legend i { display: inline-block; width: .85rem; height: .85rem; border-radius: .2rem;
  margin-right: .4rem; vertical-align: -.08rem; } .wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: .9rem; }
th, td { text-align: left; padding: .28rem .8rem .28rem 0; border-bottom: 1px solid var(--line); vertical-align: top; } th { color: var(--soft); font-weight: 600; }
.yes { color: var(--good); font-weight: 600; } .no { color: var(--bad); font-weight: 600; } td.n { white-space: nowrap; }
'''
# column: (colour, what it is)
SERIES = {
    'numbers of a list': ('floor', ''), 'ranges of a list': ('verify', ''), 'ranges of SPCTable': ('sign', ''),
    'noop-nr': ('noop', 'libmilter alone'), 'noop-nrall': ('noop', 'libmilter alone'), 'floor': ('floor', 'floor: what cannot be left out'), 'stir-verify': ('verify', 'stir-milter verifies'),
    'stir-sign': ('sign', 'stir-milter signs'), 'dkim-verify': ('dkimv', 'OpenDKIM verifies'), 'dkim-sign': ('dkims', 'OpenDKIM signs'),
}


def quoted(text):
    return escape.escape(str(text))


def nice_step(top, ticks=5):
    rough = top / ticks
    power = 10 ** math.floor(math.log10(rough)) if rough > 0 else 1
    return next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= rough)


def us(value):
    return f'{value / 1000:.1f} ms' if value >= 9999 else f'{value:,.0f} µs'.replace(',', ' ')


def legend(items):
    return '<div class="legend">' + ''.join(f'<span><i style="background:var(--{c})"></i>{quoted(t)}</span>' for c, t in items) + '</div>'


# --- bars ------------------------------------------------------------------------------

def parts(report, cell, kind, size):
    """(libmilter, cryptography, ours), adding up to the whole."""
    whole, noop = report.spread(cell, 'stir-' + kind).median, report.spread(cell, 'noop-nr').median
    crypto = min(report.crypto(kind, size), max(0, whole - noop))
    return noop, crypto, max(0, whole - noop - crypto)


def bar_rows(report, kind):
    for size in SIZES:
        cell = f'{size} c=2'
        if report.has(cell, 'stir-' + kind, 'noop-nr'):
            dkim = report.spread(cell, 'dkim-' + kind).median if report.has(cell, 'dkim-' + kind) else None
            yield size, parts(report, cell, kind, size), report.spread(cell, report.floors[kind == 'sign']).median, dkim


def bars(report, kind):
    rows = list(bar_rows(report, kind))
    if not rows:
        return '<p class="soft">Not measured.</p>'
    left, width, text, high = 64, 560, 652, 62
    scale = width / max(max(sum(p), floor, d or 0) for _, p, floor, d in rows)
    out = []
    for i, (size, values, floor, dkim) in enumerate(rows):
        y, x = i * high + 6, left
        out.append(f'<text class="strong end" x="{left - 10}" y="{y + 16}">{size}</text>')
        for colour, value in zip(('noop', 'crypto', 'own'), values):
            out.append(f'<rect x="{x:.1f}" y="{y}" width="{value * scale:.1f}" height="22" style="fill:var(--{colour})"/>')
            x += value * scale
        at = left + floor * scale
        out.append(f'<path d="M{at:.1f} {y - 4}v30" style="stroke:var(--ink);stroke-width:1.5;stroke-dasharray:3 2"/>')
        out.append(f'<text class="strong" x="{text}" y="{y + 10}">{us(sum(values))}</text>')
        shares = ' + '.join(f'{v:.0f}' for v in values)
        out.append(f'<text class="soft" x="{text}" y="{y + 26}">{shares}; floor {floor:.0f}</text>')
        if dkim:
            out.append(f'<rect x="{left}" y="{y + 27}" width="{dkim * scale:.1f}" height="6" style="fill:var(--s-dkim{kind[0]})"/>')
            out.append(f'<text class="soft" x="{text}" y="{y + 42}">OpenDKIM {us(dkim)}</text>')
    return f'<svg viewBox="0 0 860 {len(rows) * high + 4}" role="img" aria-label="Where the time of a message goes, {kind}">{"".join(out)}</svg>'


# --- curves ------------------------------------------------------------------------------

def apart(ends, lowest, gap=15):
    """Heights of labels, moved so that none covers another, nor what is below."""
    ends = sorted(ends)
    for i in range(1, len(ends)):
        ends[i] = (max(ends[i][0], ends[i - 1][0] + gap), *ends[i][1:])
    for end in reversed(range(len(ends))):
        ends[end] = (min(ends[end][0], lowest), *ends[end][1:])
        lowest = ends[end][0] - gap
    return ends


def curve(title, unit, series, log=False, form=us):
    """series: {column: [(x, us)]}; the labels stand at the ends of the lines."""
    series = {n: p for n, p in series.items() if len(p) > 1}
    if not series:
        return ''
    left, top, width, height = 62, 10, 310, 200
    xs = sorted({x for p in series.values() for x, _ in p})
    highest = max(y for p in series.values() for _, y in p)
    step = nice_step(highest)
    ceiling = math.ceil(highest / step) * step
    across = (lambda x: math.log(x)) if log else float
    low, span = across(xs[0]) if log else 0.0, across(xs[-1]) - (across(xs[0]) if log else 0.0)

    def place(x, y):
        return left + (across(x) - low) / span * width, top + height - y / ceiling * height

    out = []
    for k in range(round(ceiling / step) + 1):
        y = place(xs[0], k * step)[1]
        out.append(f'<path class="grid" d="M{left} {y:.1f}h{width}"/><text class="soft end" x="{left - 8}" y="{y + 4:.1f}">{k * step:g}</text>')
    last = -99
    for x in xs:
        at = place(x, 0)[0]
        if at - last > 30:
            out.append(f'<text class="soft mid" x="{at:.1f}" y="{top + height + 18}">{round(x)}</text>')
            last = at
    out.append(f'<text class="soft mid" x="{left + width / 2}" y="{top + height + 38}">{unit}</text>')
    ends = []
    for name, points in series.items():
        colour = SERIES[name][0]
        where = [place(x, y) for x, y in points]
        out.append(f'<polyline points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in where)}" style="fill:none;stroke:var(--s-{colour});stroke-width:2.2"/>')
        out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" style="fill:var(--s-{colour})"/>' for x, y in where]
        ends.append((where[-1][1], colour, points[-1][1]))
    for y, colour, value in apart(ends, top + height):
        out.append(f'<text x="{left + width + 8}" y="{y + 4:.1f}" style="fill:var(--s-{colour})">{form(value)}</text>')
    return (f'<figure><figcaption>{quoted(title)}</figcaption><svg viewBox="0 0 450 {top + height + 44}" role="img" aria-label="{quoted(title)}">'
            f'{"".join(out)}</svg></figure>')


def along(report, columns, cells):
    """{column: [(x, median)]}; "floor" is the one that applies."""
    found = {}
    for column in columns:
        real = report.floors[0] if column == 'floor' else column
        found[column] = [(x, report.spread(cell, real).median) for x, cell in cells if report.has(cell, real)]
    return found


def curves(report):
    sizes = [(n / 1000, f'{size} c=2') for size, n in SIZES.items()]
    all_of_them = ('noop-nr', 'floor', 'stir-verify', 'stir-sign', 'dkim-verify', 'dkim-sign')
    own = ('noop-nrall', 'stir-verify')
    tokens = {'stir-verify': [(n, report.spread('tokens', f'tokens={n}').median) for n in (1, 2, 8, 40) if report.has('tokens', f'tokens={n}')]}
    found = [
        curve('Size of the message', 'KB', along(report, all_of_them, sizes)),
        curve('Connections at once, 2 KB', 'connections, a message each', along(report, all_of_them, [(c, f'2KB c={c}') for c in (1, 2, 8, 64, 500)]), log=True),
        curve('Recipients, 2 KB', 'recipients', along(report, own, [(n, f'rcpts={n}') for n in (1, 10, 100, 500)])),
        curve('Header fields, 2 KB', 'header fields', along(report, own, [(n, f'fields={n}') for n in (FIELDS, 117, 1000)])),
        curve('Tokens on a message, 2 KB', 'Identity fields; 8 are verified', tokens),
    ]
    looks = {kind: [(x[0], 1000 * x[1]) for x in points] for kind, points in report.look_ups().items()}
    found.append(curve('Look-up: number (blue), range (orange), SPCTable (green)', 'entries; nanoseconds', looks, log=True, form=lambda v: f'{v:.0f} ns'))
    found = [f for f in found if f]
    if not found:
        return '<p class="soft">Not measured.</p>'
    return legend([('s-' + SERIES[c][0], SERIES[c][1]) for c in all_of_them]) + f'<div class="charts">{"".join(found)}</div>'


# --- tables --------------------------------------------------------------------------------

def table(head, rows):
    return (f'<div class="wide"><table><tr>{"".join(f"<th>{quoted(h)}</th>" for h in head)}</tr>'
            + ''.join(f'<tr>{"".join(cells)}</tr>' for cells in rows) + '</table></div>')


def targets_table(report):
    rows = []
    for r in report.rows:
        mark = {True: 'yes', False: 'no', None: ''}[r.holds]
        word = {True: '✓ yes', False: '✗ no', None: '–'}[r.holds] + (' ~' if r.unsteady else '')
        rows.append([f'<td class="n">{r.name}</td>', f'<td>{quoted(r.what)}</td>', f'<td class="n">{quoted(r.must)}</td>', f'<td class="n">{quoted(r.measured)}</td>',
                     f'<td class="n {mark}">{word}</td>', f'<td class="soft">{quoted(r.note)}</td>'])
    return table(['', 'What', 'Must', 'Measured', 'Holds', ''], rows)


def latency_table(report):
    rows = []
    for cell in report.groups_of('latency'):
        for column in report.samples[cell]:
            figures = [report.spread(cell, column, m) for m in ('cpu_us', 'eom_p50_us', 'eom_p99_us')]
            rows.append([f'<td>{quoted(cell)}</td>', f'<td>{quoted(column)}</td>'] + [f'<td class="n">{s.text()}</td>' for s in figures])
    return table(['', '', 'processor, µs', 'p50 of the end, µs', 'p99 of the end, µs'], rows) if rows else '<p class="soft">Not measured.</p>'


def html(report):
    m, how = report.machine, report.how
    count = sum(d['messages'] for cell in report.samples.values() for rounds in cell.values() for d in rounds)
    kinds = legend([('noop', 'libmilter, doing nothing'), ('crypto', 'cryptography: one ES256 operation and one SHA-256 of the body'), ('own', 'our own work')])
    return f'''<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>stir-milter: where the time goes</title><style>{STYLE}</style></head><body>
<h1>Where the time goes</h1>
<p class="soft">{quoted(m["version"])}, {quoted(m["date"])}, {m["cores"]} × {quoted(m["cpu"])}, Linux {quoted(m["kernel"])}, load {m["load"]:.1f};
{how["rounds"]} rounds, {count:,} messages, each result checked. Processor time of the milter for a message, medians. Compare ratios, not microseconds:
doc/performance.md says how to read this.</p>
<h2>A message that is verified</h2>
{kinds}
{bars(report, 'verify')}
<h2>A message that is signed</h2>
{bars(report, 'sign')}
<p class="soft">The dashed line is the floor milter ({quoted(", ".join(report.floors))}); the thin bar below is OpenDKIM with an RSA key of 2048 bits.</p>
<h2>How it grows</h2>
<p class="soft">Microseconds of the milter for a message.</p>
{curves(report)}
<h2>At a steady rate, with pauses as SMTP has them</h2>
{latency_table(report)}
<h2>Targets</h2>
{targets_table(report)}
<p class="soft">~ the milter that does nothing varied by more than 1.4 in that cell: measure again on a quieter host.</p>
</body></html>
'''
