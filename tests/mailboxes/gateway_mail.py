"""Mail to a gateway that makes texts of it (MM3): what shows each rule of
mail-to-text-gateway.policy.  Called by make.py."""

import re

OURS, TEXT = '@mms.gateway.example', '@text.gateway.example'
ALICE, CAMPAIGN, BLOCKED, PHONE = '+12025550101', '+12025550110', '+12025550190', '+12025550130'
DAY, HOUR = 86400, 3600
FILTER, MONITOR = '198.51.100.25', '192.0.2.250'
NEW = 'NEW_SENDER'


def results(dkim, spf, dmarc, domain='example.net'):
    return [f'Authentication-Results: mx.gateway.example;\n\tdkim={dkim} header.d={domain};\n\tspf={spf} smtp.mailfrom={domain};\n\tdmarc={dmarc} header.from={domain}']


def make(m, mail_class, noon):
    serial = iter(range(1, 1000))

    def mail(sender='ada@example.net', to=PHONE + TEXT, text='Lunch at noon?\n', **kw):
        n = next(serial)
        kw = {'at': noon + 60 * n, 'client': '203.0.113.7', 'Message_ID': f'<gw-{n}@example.net>', 'Subject': None, 'Return_Path': None, **kw}
        return mail_class(sender, to, text, **kw)

    def add(name, message, expected, octets=None):
        m.add('gateway/' + name, message.arrived(message.octets() if octets is None else octets), mail_to_text_gateway=expected)

    wanted(m, mail, add, noon)
    posing(m, mail, add)
    other_filters(mail, add)
    content(mail, add, noon)
    one = mail('burst@example.org', client='203.0.113.99')
    m.add('burst/gateway-one-host.eml', one.arrived(one.octets()), mail_to_text_gateway={
        1: f'accept 0 {NEW}', 30: f'accept 0 {NEW}', 31: f'tempfail 3 {NEW} CLIENT_BURST SENDER_BURST'})


def wanted(m, mail, add, noon):
    add('wanted/friend.eml', mail(results=results('pass', 'pass', 'pass')), f'accept 0 {NEW}')
    one = mail(ALICE + OURS)
    add('wanted/own-number-signed.eml', one, f'accept 0 {NEW}', m.sign(one))
    one = mail(CAMPAIGN + '@campaigns.example')
    add('wanted/campaign-signed.eml', one, f'accept 0 {NEW}', m.sign(one))
    add('wanted/forwarded.eml', mail(results=results('pass', 'fail', 'pass')), f'accept 0 {NEW}')
    add('wanted/newsletter-at-night.eml', mail('news@example.net', at=noon + 11 * HOUR, text='What is new: https://www.example.net/news\n', results=results('pass', 'pass', 'pass')),
        f'accept 3 {NEW} NEW_WITH_LINK NIGHT_LINK')
    add('wanted/monitor.eml', mail('probe@monitor.gateway.example', [f'+131255501{n:02d}{TEXT}' for n in range(11)], client=MONITOR,
                                   Return_Path='<probe@monitor.gateway.example>'), f'accept 3 {NEW} MONITOR WIDE_SEND')
    add('wanted/bounce.eml', mail('mailer-daemon@example.net', Return_Path='<>'), f'accept 0 {NEW} BOUNCE_TO_PHONE?')
    box = [mail('bo@example.com', client='203.0.113.20', at=noon - 3 * DAY), mail('bo@example.com', client='203.0.113.20', text='The photos: https://photos.example.com/7\n')]
    m.add('gateway/wanted/friend-again.mbox', [o.arrived(o.octets()) for o in box], mail_to_text_gateway={1: f'accept 0 {NEW}', 2: 'accept 0'})


def posing(m, mail, add):
    add('abuse/spoofed-gateway.eml', mail(ALICE + OURS), f'quarantine 9 {NEW} SPOOFED_GATEWAY UNSIGNED_DUE')
    add('abuse/spoofed-campaign.eml', mail(CAMPAIGN + '@cheap.example'), f'tag 7 {NEW} SPOOFED_CAMPAIGN UNSIGNED_DUE')
    one = mail(ALICE + OURS)
    add('abuse/signature-of-somebody-else.eml', one, f'quarantine 9 {NEW} BAD_SIGNATURE', m.sign(one).replace(ALICE.encode(), b'+12025550103', 1))
    one = mail(ALICE + OURS)
    add('abuse/number-of-somebody-else.eml', one, f'tag 7 {NEW} NOT_AUTHORISED', m.forge(one, 'other'))
    one = mail(ALICE + OURS)
    add('abuse/changed-text.eml', one, f'tag 7 {NEW} OTHER_CONTENT', m.sign(one).replace(b'at noon', b'at nine'))
    one = mail(ALICE + OURS)
    add('abuse/token-of-last-week.eml', one, f'tag 5 {NEW} REPLAY', m.sign(one, at=one.at - 7 * DAY))
    one = mail(ALICE + OURS)
    add('abuse/broken-token.eml', one, f'quarantine 13 {NEW} SPOOFED_GATEWAY UNSIGNED_DUE BROKEN_TOKEN', re.sub(rb';info=<.*?>;', b';', m.sign(one), count=1, flags=re.S))
    add('abuse/blocked-number.eml', mail(BLOCKED + '@cheap.example'), f'reject 0 {NEW} BLOCKED_NUMBER')


def other_filters(mail, add):
    add('abuse/disowned-by-its-domain.eml', mail(results=results('fail', 'fail', 'fail')), f'tag 7 {NEW} DMARC_FAIL SPF_FAIL UNSIGNED_MAIL')
    add('abuse/nobody-answers-for-it.eml', mail(results=results('none', 'none', 'none')), f'accept 1 {NEW} UNSIGNED_MAIL')
    add('abuse/spam-says-the-filter.eml', mail(client=FILTER, X_Spam_Flag='YES', results=results('pass', 'pass', 'pass')), f'tag 4 {NEW} FILTER_SAYS_SPAM')
    add('abuse/results-by-another-host.eml', mail(results=[r.replace('mx.gateway', 'mx.evil') for r in results('fail', 'fail', 'fail')]), f'accept 0 {NEW}')


def content(mail, add, noon):
    add('abuse/reported-link.eml', mail(text='Look: http://a.parcel-fee.example/pay\n'), f'reject 4 {NEW} NEW_WITH_LINK PRETEXT BAD_HOST')
    add('abuse/eleven-phones.eml', mail(to=[f'+131255501{n:02d}{TEXT}' for n in range(11)]), f'accept 3 {NEW} WIDE_SEND')
    add('abuse/padded-subject.eml', mail(Subject='\n '.join(['offer'] * 900)), f'tag 4 {NEW} NOT_ALL_SEEN')
    add('abuse/three-short-links.eml', mail(text='https://bit.ly/1 https://bit.ly/2 https://t.ly/3\n'), f'tag 6 {NEW} NEW_WITH_LINK SHORT_URL')
    add('abuse/parcel-with-a-short-link.eml', mail(text='Your parcel is held, pay the fee: https://bit.ly/3xYzAb\n'),
        f'quarantine 8 {NEW} NEW_WITH_LINK SHORT_URL PRETEXT SMISH')
    add('abuse/toll-at-night.eml', mail(at=noon + 11 * HOUR, text='Unpaid toll: https://toll.example/pay\n'), f'tag 5 {NEW} NEW_WITH_LINK PRETEXT NIGHT_LINK')
    program = 'Content-Type: application/octet-stream; name="photo.apk"'
    add('abuse/program.eml', mail(text=f'--f\n\nSee my photo.\n--f\n{program}\n\nno program\n--f--\n', MIME_Version='1.0', Content_Type='multipart/mixed; boundary=f'),
        f'tag 6 {NEW} PROGRAM')
