"""Redis goes away, stalls and fills up while mail flows through real Sendmail."""

import redisserver
import replaychecks
from sendmail import Sendmail
from tap import done, skip_all

replaychecks.ReplayLab.or_skip(Sendmail)
if not redisserver.there():
    skip_all('no redis-server here')
with replaychecks.ReplayLab(mtas=(Sendmail,)) as lab:
    replaychecks.run(lab)
done()
