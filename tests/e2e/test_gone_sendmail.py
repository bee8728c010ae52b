"""Sendmail whose milter is killed at each stage of a message: nothing is lost, nothing comes twice."""

import gonechecks
from sendmail import Sendmail
from tap import done

gonechecks.GoneLab.or_skip(Sendmail)
with gonechecks.GoneLab(mtas=(Sendmail,)) as lab:
    gonechecks.run(lab)
done()
