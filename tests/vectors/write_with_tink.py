#!/usr/bin/env python3
"""Writes a key plane and sealed values with Google's Tink alone, for the program to open: the other way round.

usage: write_with_tink.py OUT.json

Run once for a version of the formats; the tests of the ledger open what it wrote.
"""

import base64
import io
import json
import secrets
import sys

import tink
from open_with_tink import aes_gcm, hkdf
from tink import aead, json_proto_keyset_format, mac, signature
from tink.proto import tink_pb2


def b64u(data):
    return base64.urlsafe_b64encode(data).decode().rstrip('=')


def padded(section):
    """Length, JSON, zeros up to max(256, Padmé)."""
    text = json.dumps(section, ensure_ascii=False, sort_keys=True).encode()
    plain = len(text).to_bytes(4, 'big') + text
    exponent = len(plain).bit_length() - 1
    step = 1 << (exponent - exponent.bit_length())
    return plain.ljust(max(256, -(-len(plain) // step) * step), b'\0')


def main(out):
    for register in (aead, mac, signature):
        register.register()
    deployment, slot_id, file_key, root_key = (secrets.token_bytes(size) for size in (16, 16, 32, 32))
    root = aes_gcm(root_key, 1)
    ed25519 = tink_pb2.KeyTemplate()
    ed25519.CopyFrom(signature.signature_key_templates.ED25519)
    ed25519.output_prefix_type = tink_pb2.RAW
    gcm, hmac = aead.aead_key_templates.AES256_GCM, mac.mac_key_templates.HMAC_SHA256_256BITTAG
    templates = {'owner': gcm, 'owner-s4': gcm, 'directory': gcm, 'log-note': gcm,
                 'access-row': hmac, 'web': hmac, 'log-signing': ed25519}
    handles = {name: tink.new_keyset_handle(template) for name, template in templates.items()}
    keysets = {name: json_proto_keyset_format.serialize_encrypted(handle, root, b'DH1R' + deployment + name.encode())
               for name, handle in handles.items()}

    owner_id, k, k4, handle = (secrets.token_bytes(size) for size in (16, 32, 32, 16))
    context = b'DH1K' + deployment + owner_id + (1).to_bytes(4, 'big')
    wrapped = handles['owner'].primitive(aead.Aead).encrypt(k + handle, context + b'\x01')
    wrapped_s4 = handles['owner-s4'].primitive(aead.Aead).encrypt(k4, context + b'\x04')

    sealed = []
    for name, number, secret, text in (('identity', 1, k, 'Đặng Thị Ánh Nguyệt (mẫu)'), ('identity', 1, k, 'dài ' * 700),
                                       ('shelter', 11, k4, 'nhà số 0, phố Không Có')):
        row, version = secrets.token_bytes(16), 1 + secrets.randbelow(1000)
        associated = (b'DH1' + deployment + handle + (40).to_bytes(2, 'big') + (7).to_bytes(2, 'big') + row
                      + version.to_bytes(8, 'big') + number.to_bytes(2, 'big'))
        value = aes_gcm(hkdf(secret, b'dh/v1/value/' + name.encode()), 1).encrypt(padded({'v': 1, 'text': text}), associated)
        sealed.append({'name': name, 'table': 40, 'column': 7, 'row_hex': row.hex(), 'version': version,
                       'sealed_hex': value.hex(), 'text': text})

    message = b'DH1M' + deployment + b'a row'
    note = handles['web'].primitive(mac.Mac).compute_mac(message)
    json.dump({
        'deployment_hex': deployment.hex(),
        'slot': {'v': 1, 'id': b64u(slot_id), 'kind': 'file',
                 'wrapped': b64u(aes_gcm(file_key, 1).encrypt(root_key, b'DH1S' + deployment + slot_id))},
        'key_file': f'DH-KEY-1 {b64u(file_key)}\n',
        'keysets': keysets,
        'owner': {'id_hex': owner_id.hex(), 'wrapped_hex': wrapped.hex(), 'wrapped_s4_hex': wrapped_s4.hex(),
                  'handle_hex': handle.hex()},
        'sealed': sealed,
        'web_mac': {'message_hex': message.hex(), 'mac_hex': note.hex()},
    }, io.open(out, 'w', encoding='utf-8'), ensure_ascii=False, indent=2)


if __name__ == '__main__':
    main(sys.argv[1])
