dnl # stir-milter in Sendmail.  In /etc/mail/sendmail.mc, before the first MAILER
dnl # line, say
dnl #     include(`/etc/mail/m4/stir-milter.m4')dnl
dnl # and make sendmail.cf anew ("make -C /etc/mail", or sendmailconfig on Debian).
dnl # stir-milter(8) says more under SENDMAIL.  What stands below can be said
dnl # otherwise in sendmail.mc, with define, before that line.
dnl #
dnl # STIR_MILTER_SOCKET   Where stir-milter listens: "Socket" of stir-milter.conf.
dnl # A Unix socket: Sendmail writes to a milter in small pieces, and over TCP some
dnl # of them wait 40 ms each, a tenth of a second for a message.  With a socket in
dnl # or below a folder that others may write to, or that is a symbolic link, it does
dnl # not start.
dnl #
dnl # STIR_MILTER_ABSENT   What becomes of mail while the milter is gone, hangs, or
dnl # dies in the midst of a message, F= of Sendmail:
dnl #   T      451: the client keeps its mail and tries again.  Nothing is lost,
dnl #          nothing goes out unsigned, nothing comes in unseen.  Take this on a
dnl #          host that signs: a peer may refuse what comes unsigned.
dnl #   empty  mail goes on, unsigned and unseen; and so does the rest of every SMTP
dnl #          session that was open then, even if the milter is back.  Only where
dnl #          mail must flow, results are information, and somebody watches the log
dnl #          for "to error state".
dnl #   4      421: as T, and the session is closed; its client comes back with a new
dnl #          one, which a restarted milter sees.
dnl #   R      554: the client gives its mail back to the sender.  Never.
dnl #
dnl # STIR_MILTER_TIMES    How long Sendmail waits, T= of Sendmail: C to connect, S
dnl # to write, R for an answer, E from the end of the body to the end of the
dnl # message.  All work is done at the end, where R holds too: FetchWait of
dnl # stir-milter.conf, and the time a replay store may take, must be well below R.
dnl # E is for the whole, whatever the milter reports of its progress.
ifdef(`STIR_MILTER_SOCKET', `', `define(`STIR_MILTER_SOCKET', `local:/run/stir-milter/stir-milter.sock')')dnl
ifdef(`STIR_MILTER_ABSENT', `', `define(`STIR_MILTER_ABSENT', `T')')dnl
ifdef(`STIR_MILTER_TIMES', `', `define(`STIR_MILTER_TIMES', `C:5s;S:10s;R:30s;E:2m')')dnl
INPUT_MAIL_FILTER(`stir-milter', `S=STIR_MILTER_SOCKET, F=STIR_MILTER_ABSENT, T=STIR_MILTER_TIMES')dnl
dnl #
dnl # A listener on which mail of peers is verified, one on which mail of your own
dnl # hosts is signed, and one where a content filter gives back mail that the milter
dnl # has seen already.  They go into sendmail.mc, with your addresses, instead of
dnl # what it has for port 25; the names are those of the settings
dnl #     MTA        MM4OUT
dnl #     VerifyMTA  MM4IN
dnl # in stir-milter.conf.  Who may use MM4OUT, your firewall or access.db must say:
dnl # whatever comes in there is signed.
dnl #     DAEMON_OPTIONS(`Name=MM4IN, Addr=192.0.2.1, Port=25')dnl
dnl #     DAEMON_OPTIONS(`Name=MM4OUT, Addr=192.0.2.2, Port=25')dnl
dnl #     DAEMON_OPTIONS(`Name=BACK, Addr=127.0.0.1, Port=10025, InputMailFilters=')dnl
