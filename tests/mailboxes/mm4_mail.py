"""Messages between carriers (MM4): what shows each rule of carrier-mm4.policy and
observe.policy.  Called by make.py."""

import re

ALICE, BOB, CAROL = '+12025550101', '+13125550101', '+13125550102'
CAMPAIGN, BLOCKED, CRIMINAL = '+12025550110', '+12025550175', '+12025550160'
DAY, HOUR = 86400, 3600
STRANGER, PARTNER_A, PARTNER_B, PARTNER_C, PROBE = '192.0.2.200', '192.0.2.9', '198.51.100.7', '203.0.113.5', '192.0.2.250'
SIGNED = 'SIGNED NEW_NUMBER? NEW_SIGNER?'


def plmn(number, domain=''):
    return number + '/TYPE=PLMN' + domain


def parts(*leaves):
    """multipart/mixed of (type, name, text)."""
    return '--frontier\n' + '--frontier\n'.join(f'Content-Type: {t}; name="{n}"\nContent-Disposition: attachment; filename="{n}"\n\n{b}\n' for t, n, b in leaves) + '--frontier--\n'


def make(m, mail_class, noon):
    serial = iter(range(1, 1000))

    def mail(sender=ALICE, to=BOB, text='See you at eight?\n', **kw):
        n = next(serial)
        kw = {'at': noon + 60 * n, 'Message_ID': f'<mm4-{n}@mmsc.example>', 'X_Mms_3GPP_MMS_Version': '6.10.0',
              'X_Mms_Message_Type': 'MM4_forward.REQ', 'X_Mms_Message_Class': 'Personal', **kw}
        if text.startswith('--frontier'):
            kw.update(MIME_Version='1.0', Content_Type='multipart/mixed; boundary="frontier"')
        recipients = [plmn(t, '@mms.carrier.example') for t in ([to] if isinstance(to, str) else to)]
        return mail_class(sender if '@' in sender else plmn(sender), recipients, text, **kw)

    def add(name, message, octets=None, observe='', carrier=''):
        m.add('mm4/' + name, message.arrived(message.octets() if octets is None else octets), observe=observe, carrier_mm4=carrier)

    def signed(name, message, key='a', **kw):
        add(name, message, m.sign(message, key), **kw)

    wanted(m, mail, add, signed)
    late_partner(m, mail, add)
    known_signer(m, mail, noon)
    abuse_by_signature(m, mail, add, signed)
    abuse_by_content(m, mail, add, signed, noon)
    bursts(m, mail)
    reports(mail, add)


def wanted(m, mail, add, signed):
    signed('wanted/signed.eml', mail(), observe=f'accept 0 {SIGNED}', carrier='accept 0 NEW_SIGNER?')
    add('wanted/unsigned-stranger.eml', mail(client=STRANGER), observe='accept 0 UNSIGNED NEW_NUMBER?', carrier='accept 0')
    add('wanted/unsigned-partner-c.eml', mail(client=PARTNER_C), observe='accept 0 UNSIGNED NEW_NUMBER?', carrier='accept 0')
    signed('wanted/provider-certificate.eml', mail(), 'spc', observe=f'accept 0 {SIGNED} PROVIDER_ONLY', carrier='accept 0 NEW_SIGNER?')
    signed('wanted/campaign-by-day.eml', mail(CAMPAIGN, [f'+131255501{n:02d}' for n in range(25)], X_Mms_Message_Class='Advertisement'),
           observe=f'accept 3 {SIGNED} WIDE_SEND', carrier='accept 0 CAMPAIGN NEW_SIGNER?')
    one = mail(text='Wir sehen uns um acht im Café?\n', MIME_Version='1.0', Content_Type='text/plain; charset=utf-8', Content_Transfer_Encoding='8bit')
    octets = m.sign(one).replace(b'Encoding: 8bit', b'Encoding: quoted-printable').replace('é'.encode(), b'=C3=A9')
    add('wanted/re-encoded.eml', one, octets, observe=f'accept 0 {SIGNED} RE_ENCODED', carrier='accept 0 NEW_SIGNER?')
    one = mail()
    add('wanted/no-digest.eml', one, m.forge(one, drop=('msgi', 'msgc')), observe=f'accept 0 {SIGNED} UNPROTECTED', carrier='accept 1 NO_DIGEST NEW_SIGNER?')
    one = mail()
    add('wanted/attestation-c.eml', one, m.forge(one, attest='C'), observe=f'accept 0 {SIGNED}', carrier='accept 1.5 ATTEST_C NEW_SIGNER?')
    signed('wanted/certificate-ends-soon.eml', mail(), 'ending', observe=f'accept 0 {SIGNED} CERT_ENDS_SOON', carrier='accept 0 NEW_SIGNER?')
    one = mail()
    add('wanted/clock-a-little-ahead.eml', one, m.sign(one, at=one.at + 22), observe=f'accept 1 {SIGNED} CLOCK_AHEAD', carrier='accept 0 NEW_SIGNER?')
    one = mail()
    add('wanted/clock-far-ahead.eml', one, m.sign(one, at=one.at + 122), observe='accept 1 NEW_NUMBER? CLOCK_AHEAD', carrier='accept 3 FROM_FUTURE')
    one = mail()
    add('wanted/field-cut-by-a-mailer.eml', one, re.sub(rb';info=<.*?>;', b';', m.sign(one), count=1, flags=re.S),
        observe='accept 3 NEW_NUMBER? BROKEN_TOKEN', carrier='tag 4 BROKEN_TOKEN')
    one = mail()
    add('wanted/certificate-not-at-hand.eml', one, m.forge(one, url='https://certs.example/gone.pem'),
        observe='accept 0 NEW_NUMBER? OUR_FAILURE', carrier='accept 0')
    signed('wanted/large-picture.eml', mail(X_Mms_Message_Size='700000'), observe=f'accept 0 {SIGNED}', carrier='accept 0.5 FAT_PERSONAL NEW_SIGNER?')
    signed('wanted/probe.eml', mail(client=PROBE, text=parts(('application/octet-stream', 'probe.exe', 'no program'))),
           observe=f'accept 0 {SIGNED}', carrier='accept 4 OUR_PROBE ODD_MEDIA NEW_SIGNER?')
    add('wanted/report-of-the-other-mmsc.eml', mail('mm4@mmsc.partner-c.example', client=PARTNER_C), observe='accept 0 UNSIGNED', carrier='accept 2 NO_NUMBER')


def late_partner(m, mail, add):
    """Judged as if the session had shown partner_a's certificate."""
    one = mail(client=PARTNER_A)
    add('partner-a/late.eml', one, m.sign(one, at=one.at - 300), carrier='accept 1 STALE')
    one = mail(client=PARTNER_A)
    add('partner-a/unsigned.eml', one, carrier='tag 6 UNSIGNED_DUE')


def known_signer(m, mail, noon):
    """One signer's messages over two weeks; the last ones earn GOOD_SIGNER."""
    days = (0, 3, 6, 9, 11, 12, 13, 13.1, 13.2, 13.3, 13.4, 13.5, 13.6, 15, 16)
    box = []
    for day in days:
        one = mail('+12025550102', at=noon - int((20 - day) * DAY), text=f'Day {day}: all is well.\n')
        box.append(one.arrived(m.sign(one, 'known')))
    m.add('mm4/wanted/known-signer.mbox', box,
          observe={n + 1: 'accept 0 SIGNED' + (' NEW_NUMBER?' if day < 1 else '') + (' NEW_SIGNER?' if day < 7 else '') for n, day in enumerate(days)},
          carrier_mm4={n + 1: ('accept -1 GOOD_SIGNER' if day > 14 else 'accept 0') + (' NEW_SIGNER?' if day < 7 else '') for n, day in enumerate(days)})


def abuse_by_signature(m, mail, add, signed):
    one = mail()
    octets = m.sign(one)
    spot = octets.index(b';info')
    add('abuse/forged-signature.eml', one, octets[:spot - 8] + b'AAAAAAAA' + octets[spot:], observe='quarantine 9 NEW_NUMBER? FORGED', carrier='quarantine 9 BAD_SIGNATURE')
    one = mail()
    add('abuse/another-number-in-from.eml', one, m.sign(one).replace(ALICE.encode(), b'+12025550103', 1),
        observe='quarantine 8 NEW_NUMBER? OTHER_SENDER', carrier='quarantine 9 OTHER_SENDER')
    one = mail()
    add('abuse/two-senders.eml', one, b'From: +12025550104/TYPE=PLMN\n' + m.sign(one), observe='quarantine 8 OTHER_SENDER', carrier='quarantine 9 OTHER_SENDER')
    one = mail(text='Pay Bob ten.\n')
    add('abuse/changed-text.eml', one, m.sign(one).replace(b'ten.', b'999.'), observe='tag 7 NEW_NUMBER? OTHER_CONTENT', carrier='quarantine 8 OTHER_CONTENT')
    one = mail(text=parts(('text/plain', 'a.txt', 'Hello.')))
    octets = m.forge(one, drop=('msgc',)).replace(b'boundary="frontier"', b'boundary="other"; boundary="frontier"', 1)
    add('abuse/two-readings.eml', one, octets, observe=f'accept 0 {SIGNED}', carrier='tag 4 TWO_READINGS NEW_SIGNER?')
    one = mail()
    add('abuse/number-of-somebody-else.eml', one, m.forge(one, 'other'), observe='quarantine 8 NEW_NUMBER? NOT_ITS_NUMBER', carrier='quarantine 8 NOT_AUTHORISED')
    one = mail(text='Your parcel waits: https://bit.ly/3xYzAb\n', to=[f'+131255501{n:02d}' for n in range(21)])
    add('abuse/number-of-somebody-else-link-to-many.eml', one, m.forge(one, 'other'),
        observe='quarantine 11 NEW_NUMBER? NOT_ITS_NUMBER WIDE_SEND SHORT_URL?', carrier='reject 16 NOT_AUTHORISED SMISH SHORT_URL WIDE_SEND')
    signed('abuse/untrusted-certificate.eml', mail(), 'rogue', observe='tag 6 NEW_NUMBER? UNTRUSTED', carrier='tag 6 UNTRUSTED')
    one = mail()
    add('abuse/expired-certificate.eml', one, m.forge(one, 'expired'), observe='tag 6 NEW_NUMBER? UNTRUSTED', carrier='tag 6 UNTRUSTED')
    signed('abuse/revoked-certificate.eml', mail(), 'revoked', observe='tag 6 NEW_NUMBER? UNTRUSTED', carrier='quarantine 10 REVOKED')
    one = mail()
    add('abuse/kept-for-five-minutes.eml', one, m.sign(one, at=one.at - 300), observe='accept 2 NEW_NUMBER? LATE', carrier='accept 3 STALE')
    signed('abuse/sent-on-to-another.eml', mail(original_to=plmn(CAROL, '@mms.carrier.example')), observe='tag 6 NEW_NUMBER? OTHER_RECIPIENT', carrier='tag 7 REPLAY')
    add('abuse/unsigned-partner.eml', mail(), observe='accept 0 UNSIGNED NEW_NUMBER?', carrier='tag 6 UNSIGNED_DUE')
    signed('abuse/blocked-provider.eml', mail(), 'blocked', observe=f'accept 0 {SIGNED} PROVIDER_ONLY', carrier='reject 0 BLOCKED_SIGNER NEW_SIGNER?')
    add('abuse/blocked-number.eml', mail(BLOCKED, client=STRANGER), observe='accept 0 UNSIGNED NEW_NUMBER?', carrier='reject 0 BLOCKED_NUMBER')


def abuse_by_content(m, mail, add, signed, noon):
    link = 'Your parcel waits: https://bit.ly/3xYzAb\n'
    add('abuse/unsigned-partner-short-link.eml', mail(text=link), observe='accept 0 UNSIGNED NEW_NUMBER? SHORT_URL?',
        carrier='quarantine 11 UNSIGNED_DUE SMISH SHORT_URL')
    one = mail(text=link)
    add('abuse/attestation-c-short-link.eml', one, m.forge(one, attest='C'), observe=f'accept 0 {SIGNED} SHORT_URL?',
        carrier='tag 6.5 ATTEST_C SMISH SHORT_URL NEW_SIGNER?')
    signed('abuse/three-links-and-a-program.eml',
           mail(text=parts(('text/plain', 'a.txt', 'https://bit.ly/1 https://tinyurl.com/2 https://x.short.example/3'),
                           ('application/vnd.android.package-archive', 'photo.apk', 'no program'))),
           observe=f'accept 0 {SIGNED} SHORT_URL?', carrier='tag 5 SHORT_URL ODD_MEDIA NEW_SIGNER?')
    signed('abuse/twenty-one-recipients.eml', mail(to=[f'+131255501{n:02d}' for n in range(21)]), observe=f'accept 3 {SIGNED} WIDE_SEND', carrier='accept 3 WIDE_SEND NEW_SIGNER?')
    add('abuse/padded-subject.eml', mail(Subject='\n '.join(['offer'] * 900)), observe='accept 0 UNSIGNED NEW_NUMBER? NOT_ALL_SEEN',
        carrier='quarantine 10 UNSIGNED_DUE NOT_ALL_SEEN')
    signed('abuse/campaign-at-night.eml', mail(CAMPAIGN, at=noon + 11 * HOUR), observe=f'accept 0 {SIGNED}',
           carrier='accept 3 CAMPAIGN NIGHT_CAMPAIGN CAMPAIGN_AS_PERSONAL NEW_SIGNER?')


def bursts(m, mail):
    """Each is to be taken as many times as its last row says, at one moment."""
    one = mail(CRIMINAL, client=STRANGER, text='You won: https://prize.example/x\n')
    m.add('burst/mm4-one-number.eml', one.arrived(one.octets()),
          observe={1: 'accept 0 UNSIGNED NEW_NUMBER?', 60: 'accept 0 UNSIGNED NEW_NUMBER?', 61: 'tag 4 UNSIGNED NEW_NUMBER? NUMBER_BURST',
                   601: 'tag 6 UNSIGNED NEW_NUMBER? NUMBER_BURST CLIENT_BURST'},
          carrier_mm4={1: 'accept 0', 20: 'accept 0', 21: 'accept 3 UNPROVEN_BURST', 61: 'quarantine 11 UNPROVEN_BURST NUMBER_BURST LINK_BURST'})
    one = mail(CAMPAIGN, X_Mms_Message_Class='Informational')
    m.add('burst/mm4-one-signer.eml', one.arrived(m.sign(one)),
          observe={1: f'accept 0 {SIGNED}', 200: f'tag 4 {SIGNED} NUMBER_BURST', 201: f'quarantine 8 {SIGNED} NUMBER_BURST SIGNER_BURST'},
          carrier_mm4={1: 'accept 0 CAMPAIGN NEW_SIGNER?', 200: 'accept 0 CAMPAIGN NEW_SIGNER?', 201: 'tempfail 0 CAMPAIGN SIGNER_BURST NEW_SIGNER?'})


def reports(mail, add):
    """Those in reports/ are judged as if they had come in by a listener for MM4."""
    def report(text='', **kw):
        return mail(BOB, ALICE, text, X_Mms_Message_Type='MM4_delivery_report.REQ', X_Mms_Message_Class=None, X_Mms_MM_Status_Code='Retrieved', **kw)

    add('reports/delivered.eml', report(), carrier='accept 0')
    add('reports/delivered-with-content.eml', report('Your parcel waits.\n'), carrier='quarantine 8 REPORT_WITH_CONTENT')
    add('abuse/report-in-name-only.eml', report(client=STRANGER), observe='accept 0 UNSIGNED NEW_NUMBER?', carrier='accept 2 FOREIGN_REPORT')
