"""Redis goes away, stalls and fills up while mail flows through real Postfix."""

import redisserver
import replaychecks
from postfix import Postfix
from tap import done, skip_all

replaychecks.ReplayLab.or_skip(Postfix)
if not redisserver.there():
    skip_all('no redis-server here')
with replaychecks.ReplayLab(mtas=(Postfix,)) as lab:
    replaychecks.run(lab)
done()
