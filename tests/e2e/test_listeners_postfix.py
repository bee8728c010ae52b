"""Postfix with the listeners of the samples in conf/: one signs, one verifies, one is left alone."""

import listenerchecks
from postfix import Postfix
from tap import done

listenerchecks.ListenerLab.or_skip(Postfix)
with listenerchecks.ListenerLab(mtas=(Postfix,)) as lab:
    listenerchecks.run(lab)
done()
