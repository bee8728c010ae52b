"""A CA made with the openssl program, for certificates that stirctl pki does not
make: with CRL distribution points, number lists by reference, and what a test
likes; and its revocation lists."""

import os
import subprocess


def _der(tag, octets):
    n = len(octets)
    length = bytes([n]) if n < 128 else bytes([0x81, n]) if n < 256 else bytes([0x82, n >> 8, n & 255])
    return bytes([tag]) + length + octets


def tn_list(*entries):
    """DER of a TNAuthorizationList: "spc:1234", "15550100001", or ("15550100000", count)."""
    out = b''
    for e in entries:
        if isinstance(e, tuple):
            count = e[1].to_bytes((e[1].bit_length() + 8) // 8, 'big')
            out += _der(0xa1, _der(0x30, _der(0x16, e[0].encode()) + _der(0x02, count)))
        elif e.startswith('spc:'):
            out += _der(0xa0, _der(0x16, e[4:].encode()))
        else:
            out += _der(0xa2, _der(0x16, e.encode()))
    return _der(0x30, out)


class StirCA:
    """Files NAME.key, NAME.pem in a folder of its own; the anchor is ca.pem."""

    def __init__(self, folder, name):
        self.folder = os.path.join(folder, name)
        self.name = name
        os.makedirs(self.folder)
        for f, text in (('index.txt', ''), ('serial', '1001\n'), ('crlnumber', '01\n'), ('index.txt.attr', 'unique_subject = no\n')):
            self._write(f, text)
        self._write('ca.cnf', f'''[ca]
default_ca = d
[d]
dir = {self.folder}
database = $dir/index.txt
serial = $dir/serial
crlnumber = $dir/crlnumber
new_certs_dir = $dir
certificate = $dir/ca.pem
private_key = $dir/ca.key
default_md = sha256
default_days = 30
default_crl_days = 1
policy = p
copy_extensions = none
[p]
organizationName = optional
commonName = supplied
''')
        self._key('ca')
        self._write('ca.ext', '[e]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n')
        self.run('req', '-x509', '-new', '-key', 'ca.key', '-subj', f'/O=Test/CN={name} SHAKEN root', '-days', '60', '-out', 'ca.pem',
                 '-config', '/dev/null', '-extensions', 'e', '-config', self._request_config())

    def _request_config(self):
        self._write('req.cnf', '[req]\ndistinguished_name=d\n[d]\n[e]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n')
        return 'req.cnf'

    def path(self, name):
        return os.path.join(self.folder, name)

    def read(self, name):
        with open(self.path(name), 'rb') as f:
            return f.read()

    def _write(self, name, text):
        with open(self.path(name), 'w') as f:
            f.write(text)

    def run(self, *args):
        r = subprocess.run(['openssl', *args], cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        if r.returncode:
            raise RuntimeError(f'openssl {" ".join(args)}: {r.stdout.decode(errors="replace")}')

    def _key(self, name):
        self.run('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', name + '.key')
        os.chmod(self.path(name + '.key'), 0o600)

    def issue(self, name, numbers=None, reference=None, crl=None, subject=None):
        """A signer's certificate: numbers (entries of tn_list), a list at an address, the address of a CRL."""
        self._key(name)
        self.run('req', '-new', '-key', name + '.key', '-subj', f'/O=Test/CN={subject or "SHAKEN " + name}', '-out', name + '.csr', '-config', self._request_config())
        ext = ['basicConstraints=CA:FALSE', 'keyUsage=critical,digitalSignature', 'subjectKeyIdentifier=hash', 'authorityKeyIdentifier=keyid']
        if numbers:
            ext.append('1.3.6.1.5.5.7.1.26=DER:' + ':'.join(f'{b:02X}' for b in tn_list(*numbers)))
        if reference:
            ext.append(f'authorityInfoAccess=1.3.6.1.5.5.7.48.14;URI:{reference}')
        if crl:
            ext.append(f'crlDistributionPoints=URI:{crl}')
        self._write(name + '.ext', '[e]\n' + '\n'.join(ext) + '\n')
        self.run('ca', '-batch', '-notext', '-config', 'ca.cnf', '-in', name + '.csr', '-out', name + '.pem', '-extfile', name + '.ext', '-extensions', 'e')
        return self.path(name)

    def revoke(self, name, reason='keyCompromise'):
        self.run('ca', '-config', 'ca.cnf', '-revoke', name + '.pem', '-crl_reason', reason)

    def crl(self, days=1):
        """PEM of a new list."""
        self.run('ca', '-config', 'ca.cnf', '-gencrl', '-crldays', str(days), '-out', 'crl.pem')
        return self.read('crl.pem')
