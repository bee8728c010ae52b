"""The policy on real Postfix: every action, modes, peers, TLS, reloads under load, restarts."""

import policychecks
from lab import Lab
from postfix import Postfix
from tap import done

Lab.or_skip(Postfix)
with policychecks.PolicyLab(mtas=(Postfix,)) as lab:
    policychecks.run(lab)
done()
