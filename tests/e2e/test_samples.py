"""Every carrier MMS mail of the shared samples, through two real Postfix instances."""

import samplechecks
from lab import Lab
from postfix import Postfix
from tap import done

Lab.or_skip(Postfix)
samplechecks.run(Postfix)
done()
