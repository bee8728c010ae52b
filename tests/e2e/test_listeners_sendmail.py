"""Sendmail with the listeners of the samples in conf/: one signs, one verifies, one is left alone."""

import listenerchecks
from sendmail import Sendmail
from tap import done

listenerchecks.ListenerLab.or_skip(Sendmail)
with listenerchecks.ListenerLab(mtas=(Sendmail,)) as lab:
    listenerchecks.run(lab)
done()
