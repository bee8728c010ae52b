"""A headless Chromium over its debugging pipe, for tests that look at a page: no network, standard library only."""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time


def path():
    """The program, or None."""
    for name in 'chromium', 'chromium-browser', 'google-chrome':
        found = shutil.which(name)
        if found:
            return found
    return None


class Browser:
    """One page.  Everything it said or asked for is in events, as (method, params)."""

    def __init__(self, program):
        to_read, self._out = os.pipe()
        self._in, to_write = os.pipe()
        self._dir = tempfile.mkdtemp(prefix='tap-chromium-')
        # The browser reads from descriptor 3 and writes to 4: out of the way first, then there.
        low, high = os.dup(to_read), os.dup(to_write)
        os.close(to_read)
        os.close(to_write)

        def place():
            a, b = os.dup(low), os.dup(high)
            while a in (3, 4):
                a = os.dup(a)
            while b in (3, 4):
                b = os.dup(b)
            os.dup2(a, 3)
            os.dup2(b, 4)

        self.process = subprocess.Popen(
            [program, '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--hide-scrollbars', '--no-first-run',
             '--disable-background-networking', '--disable-component-update', '--host-resolver-rules=MAP * ~NOTFOUND',
             '--user-data-dir=' + self._dir, '--remote-debugging-pipe', 'about:blank'],
            preexec_fn=place, close_fds=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(low)
        os.close(high)
        self.events, self._id, self._rest, self._session = [], 0, b'', None
        target = self.call('Target.createTarget', url='about:blank')['targetId']
        self._session = self.call('Target.attachToTarget', targetId=target, flatten=True)['sessionId']
        for domain in 'Page', 'Runtime', 'Network', 'Log':
            self.call(domain + '.enable')

    def close(self):
        try:
            os.close(self._out)
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self._in)
        shutil.rmtree(self._dir, ignore_errors=True)

    def _message(self, until):
        while b'\0' not in self._rest:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self._in], [], [], left)[0]:
                raise TimeoutError('the browser says nothing')
            data = os.read(self._in, 1 << 20)
            if not data:
                raise EOFError('the browser has ended')
            self._rest += data
        one, self._rest = self._rest.split(b'\0', 1)
        return json.loads(one)

    def call(self, method, wait=60, **params):
        self._id += 1
        ask = {'id': self._id, 'method': method, 'params': params}
        if self._session:
            ask['sessionId'] = self._session
        os.write(self._out, json.dumps(ask).encode() + b'\0')
        until = time.monotonic() + wait
        while True:
            m = self._message(until)
            if m.get('id') == self._id:
                if 'error' in m:
                    raise RuntimeError(f'{method}: {m["error"]}')
                return m['result']
            if 'method' in m:
                self.events.append((m['method'], m.get('params', {})))

    def js(self, expression):
        """The value of an expression; an exception in it is one here."""
        r = self.call('Runtime.evaluate', expression=expression, returnByValue=True, awaitPromise=True)
        if 'exceptionDetails' in r:
            raise RuntimeError(r['exceptionDetails'])
        return r['result'].get('value')

    def open(self, url, ready='document.readyState == "complete"', wait=60):
        self.call('Page.navigate', url=url)
        until = time.monotonic() + wait
        while not self.js(f'!!document.documentElement && !!({ready})'):
            if time.monotonic() > until:
                raise TimeoutError('the page does not get ready')
            time.sleep(0.05)

    def size(self, width, height=900):
        self.call('Emulation.setDeviceMetricsOverride', width=width, height=height, deviceScaleFactor=1, mobile=False)

    def dark(self, yes):
        self.call('Emulation.setEmulatedMedia', features=[{'name': 'prefers-color-scheme', 'value': 'dark' if yes else 'light'}])

    def key(self, name, code, text=''):
        for kind in ('keyDown', 'keyUp'):
            self.call('Input.dispatchKeyEvent', type=kind, key=name, code=name, windowsVirtualKeyCode=code, text=text if kind == 'keyDown' else '')

    def picture(self, to, top=0, height=1300):
        """What is drawn from that line on."""
        clip = {'x': 0, 'y': top, 'width': self.js('innerWidth'), 'height': height, 'scale': 1}
        r = self.call('Page.captureScreenshot', format='png', captureBeyondViewport=True, clip=clip)
        with open(to, 'wb') as f:
            f.write(base64.b64decode(r['data']))

    def said(self, *methods):
        return [(m, p) for m, p in self.events if m in methods]
