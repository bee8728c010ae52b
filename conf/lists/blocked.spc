# Service provider codes whose signatures are not accepted, however valid.

666X                            # OPS-1240: asked twice, did not answer
