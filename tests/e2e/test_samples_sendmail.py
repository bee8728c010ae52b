"""Every carrier MMS mail of the shared samples, through two real Sendmail instances."""

import samplechecks
from lab import Lab
from sendmail import Sendmail
from tap import done

Lab.or_skip(Sendmail)
samplechecks.run(Sendmail)
done()
