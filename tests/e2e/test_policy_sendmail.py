"""The policy on real Sendmail: every action, modes, peers, TLS, reloads under load, restarts."""

import policychecks
from lab import Lab
from sendmail import Sendmail
from tap import done

Lab.or_skip(Sendmail)
with policychecks.PolicyLab(mtas=(Sendmail,)) as lab:
    policychecks.run(lab)
done()
