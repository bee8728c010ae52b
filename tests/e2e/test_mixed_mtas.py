"""Signed behind Postfix and verified behind Sendmail, and the other way round: what
test_postfix.py shows between two of a kind."""

import mailchecks
import scenarios
from lab import Lab
from postfix import Postfix
from sendmail import Sendmail
from tap import done, note

Lab.or_skip(Postfix, Sendmail)
for mtas in (Postfix, Sendmail), (Sendmail, Postfix):
    note(f'{mtas[0].KIND} signs, {mtas[1].KIND} verifies')
    with Lab(mutate=scenarios.mutate, mtas=mtas) as lab:
        mailchecks.run(lab)
done()
