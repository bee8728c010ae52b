"""The table that tools/demo prints: what was sent, what arrived, what was found."""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'tests', 'lib'))

import lab as lab_module    # noqa: E402
import scenarios            # noqa: E402


def describe(arrived, want, found):
    if arrived is None:
        return 'NOT DELIVERED', '', False
    if not want:
        return 'untouched', '', not found
    word = found.get('result', '(no result)')
    return word, found.get('reason', ''), all(found.get(k) == v for k, v in want.items())


def main():
    why = lab_module.Lab.missing()
    if why:
        print('demo: ' + why, file=sys.stderr)
        return 77
    keep = os.path.join(os.getcwd(), 'arrived')
    os.makedirs(keep, exist_ok=True)
    print('starting: a PKI, two Postfix instances on loopback, a stir-milter behind each ...', flush=True)
    began = time.monotonic()
    with lab_module.Lab(mutate=scenarios.mutate) as lab:
        crew = scenarios.Crew(lab)
        print(f'  A signs   smtp {lab_module.HOST}:{lab.a.port}   B verifies   smtp {lab_module.HOST}:{lab.b.port}   ({time.monotonic() - began:.1f} s)\n')
        print(f'{"what was sent":47} {"result":10} {"reason":22} {"content":9}')
        print('-' * 92)
        wrong = 0
        for marker, what, run, want in scenarios.TABLE:
            run(crew)
            arrived = crew.fetch(marker)
            found = scenarios.read_result(arrived) if arrived else {}
            word, reason, good = describe(arrived, want, found)
            wrong += not good
            print(f'{what:47} {word:10} {reason:22} {found.get("msgi", ""):9}{"" if good else "  <- expected " + str(want)}', flush=True)
            with open(os.path.join(keep, marker + '.eml'), 'wb') as f:
                f.write(arrived or b'')
        for name, milter in (('a', lab.milter_a), ('b', lab.milter_b)):
            with open(os.path.join(keep, f'stir-milter-{name}.log'), 'w') as f:
                f.write(milter.log())
    rel = os.path.relpath(keep, os.environ.get('STIR_DEMO_FROM', os.getcwd()))
    print(f'''
Where to look: {rel}/*.eml             each message as it arrived, our fields on top
               {rel}/stir-milter-b.log one line per message: every check and why
Everything that was started has been stopped.''')
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
