"""Two real Sendmail instances, a real stir-milter behind each: what
test_postfix.py shows on Postfix.  And what the sample for sendmail.mc becomes."""

import re
import subprocess

import mailchecks
import scenarios
import sendmail
from lab import Lab
from sendmail import Sendmail
from tap import done, is_equal

Lab.or_skip(Sendmail)


def filters(*defines):
    """The lines about milters in the sendmail.cf that is made from the sample."""
    mc = ''.join(f'{line}\n' for line in (f'include(`{sendmail.cf_folder()}/m4/cf.m4\')', "OSTYPE(`linux')", *defines,
                                          f"include(`{sendmail.SNIPPET}')dnl", "MAILER(`smtp')"))
    r = subprocess.run(sendmail.m4_command() + ['-'], input=mc.encode(), stdout=subprocess.PIPE, check=True, timeout=60)
    return re.findall('(?m)^(?:X|O InputMailFilters).*$', r.stdout.decode())


is_equal(filters(), ['O InputMailFilters=stir-milter', 'Xstir-milter, S=local:/run/stir-milter/stir-milter.sock, F=T, T=C:5s;S:10s;R:30s;E:2m'],
         'the sample, as it is')
is_equal(filters("define(`STIR_MILTER_SOCKET', `local:/x')dnl", "define(`STIR_MILTER_ABSENT', `')dnl", "define(`STIR_MILTER_TIMES', `R:1m')dnl")[1],
         'Xstir-milter, S=local:/x, F=, T=R:1m', '... with other words')
with Lab(mutate=scenarios.mutate, mtas=(Sendmail,)) as lab:
    mailchecks.run(lab)
done()
