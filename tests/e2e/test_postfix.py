"""Two real Postfix instances, a real stir-milter behind each: every scenario of
the demo's table, and what must not change on the way."""

import mailchecks
import scenarios
from lab import Lab
from postfix import Postfix
from tap import done

Lab.or_skip(Postfix)
with Lab(mutate=scenarios.mutate, mtas=(Postfix,)) as lab:
    mailchecks.run(lab)
done()
