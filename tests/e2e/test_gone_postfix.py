"""Postfix whose milter is killed at each stage of a message: nothing is lost, nothing comes twice."""

import gonechecks
from postfix import Postfix
from tap import done

gonechecks.GoneLab.or_skip(Postfix)
with gonechecks.GoneLab(mtas=(Postfix,)) as lab:
    gonechecks.run(lab)
done()
