"""Test Anything Protocol for the scripts: ok(), is_equal(), skip_all(), done()."""

import sys

_count = 0
_failed = 0


def ok(good, text):
    global _count, _failed
    _count += 1
    _failed += not good
    print(('' if good else 'not ') + f'ok {_count} - ' + text.replace('#', ''), flush=True)
    return good


def is_equal(got, want, text):
    good = ok(got == want, text)
    if not good:
        note(f'  got {got!r}')
        note(f' want {want!r}')
    return good


def note(text):
    for line in str(text).splitlines() or ['']:
        print('# ' + line, flush=True)


def skip(text):
    global _count
    _count += 1
    print(f'ok {_count} # SKIP {text}', flush=True)


def skip_all(why):
    """Nothing here can run, and why; ends the program."""
    print(f'1..0 # SKIP {why}', flush=True)
    sys.exit(0)


def done():
    print(f'1..{_count}', flush=True)
    sys.exit(1 if _failed else 0)
