"""Accounts of SMTP AUTH for a Sendmail in a folder: a file of Cyrus SASL, made by
its own library."""

import ctypes
import glob
import os


def missing():
    """Why there can be none, or None."""
    for plugin in ('libplain', 'libsasldb'):
        if not glob.glob(f'/usr/lib/*/sasl2/{plugin}.so*'):
            return f'no {plugin} of libsasl2-modules'
    return None


def make(folder, realm, accounts):
    """Sendmail.conf and the accounts {user: password}; to be named by SASL_CONF_PATH."""
    os.makedirs(folder)
    with open(os.path.join(folder, 'Sendmail.conf'), 'w') as f:
        f.write(f'pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: {folder}/sasldb2\nmech_list: PLAIN\n')
    pid = os.fork()
    if pid == 0:
        # The library keeps the folder it saw first.
        code = 1
        try:
            os.environ['SASL_CONF_PATH'] = folder
            code = _set(realm, accounts)
        finally:
            os._exit(code)
    if os.waitpid(pid, 0)[1]:
        raise RuntimeError('libsasl2 makes no accounts')


def _set(realm, accounts):
    sasl, conn, create = ctypes.CDLL('libsasl2.so.2'), ctypes.c_void_p(), 1
    sasl.sasl_setpass.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_uint, ctypes.c_char_p, ctypes.c_uint, ctypes.c_uint]
    if sasl.sasl_server_init(None, b'Sendmail') or sasl.sasl_server_new(b'smtp', realm.encode(), realm.encode(), None, None, None, 0, ctypes.byref(conn)):
        return 1
    for user, password in accounts.items():
        if sasl.sasl_setpass(conn, user.encode(), password.encode(), len(password), None, 0, create):
            return 1
    return 0
