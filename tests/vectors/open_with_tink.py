#!/usr/bin/env python3
"""Opens the golden file of the vault with Google's Tink (PyPI `tink`) and the standard library alone.

usage: open_with_tink.py GOLDEN.json

Walks the whole chain of docs/formats.md section 2: root key, keysets, owner keys, HKDF, sealed values, row MAC, and the
signature of the checkpoint. Every ciphertext must also be refused with one bit changed.
"""

import base64
import hashlib
import hmac as std_hmac
import json
import sys

import tink
from tink import aead, mac, proto_keyset_format, secret_key_access, signature
from tink.proto import aes_gcm_pb2, tink_pb2

checks = 0


def aes_gcm(key, key_id):
    keyset = tink_pb2.Keyset(primary_key_id=key_id)
    keyset.key.add(
        key_data=tink_pb2.KeyData(
            type_url='type.googleapis.com/google.crypto.tink.AesGcmKey',
            value=aes_gcm_pb2.AesGcmKey(key_value=key).SerializeToString(),
            key_material_type=tink_pb2.KeyData.SYMMETRIC),
        status=tink_pb2.ENABLED, key_id=key_id, output_prefix_type=tink_pb2.TINK)
    handle = proto_keyset_format.parse(keyset.SerializeToString(), secret_key_access.TOKEN)
    return handle.primitive(aead.Aead)


def opens(primitive, ciphertext, associated):
    global checks
    plain = primitive.decrypt(ciphertext, associated)
    for at in range(len(ciphertext)):
        changed = bytearray(ciphertext)
        changed[at] ^= 1 << (at % 8)
        try:
            primitive.decrypt(bytes(changed), associated)
        except tink.TinkError:
            continue
        sys.exit(f'a changed bit at {at} was accepted')
    try:
        primitive.decrypt(ciphertext, associated + b'x')
        sys.exit('another place was accepted')
    except tink.TinkError:
        pass
    checks += 1
    return plain


def hkdf(secret, info):
    extracted = std_hmac.new(bytes(32), secret, hashlib.sha256).digest()
    return std_hmac.new(extracted, info + b'\x01', hashlib.sha256).digest()


def main(path):
    global checks
    golden = json.load(open(path, encoding='utf-8'))
    for register in (aead, mac, signature):
        register.register()
    deployment = bytes.fromhex(golden['deployment_hex'])
    root = aes_gcm(bytes.fromhex(golden['root_key_hex']), 1)
    keysets = {
        name: tink.json_proto_keyset_format.parse_encrypted(text, root, b'DH1R' + deployment + name.encode())
        for name, text in golden['keysets'].items()
    }
    checks += len(keysets)

    owner = golden['owner']
    context = b'DH1K' + deployment + bytes.fromhex(owner['id_hex']) + owner['version'].to_bytes(4, 'big')
    wrapped = opens(keysets['owner'].primitive(aead.Aead), bytes.fromhex(owner['wrapped_hex']), context + b'\x01')
    k, handle = wrapped[:32], wrapped[32:]
    assert handle.hex() == owner['handle_hex']
    k4 = opens(keysets['owner-s4'].primitive(aead.Aead), bytes.fromhex(owner['wrapped_s4_hex']), context + b'\x04')

    for value in golden['sealed']:
        secret = k if value['lock'] == 'ordinary' else k4
        primitive = aes_gcm(hkdf(secret, b'dh/v1/value/' + value['name'].encode()), owner['version'])
        associated = (b'DH1' + deployment + handle + value['table'].to_bytes(2, 'big')
                      + value['column'].to_bytes(2, 'big') + bytes.fromhex(value['row_hex'])
                      + value['version'].to_bytes(8, 'big') + value['group'].to_bytes(2, 'big'))
        plain = opens(primitive, bytes.fromhex(value['sealed_hex']), associated)
        length = int.from_bytes(plain[:4], 'big')
        assert json.loads(plain[4:4 + length]) == value['plain']
        assert not any(plain[4 + length:]) and len(plain) >= 256

    row = golden['row_mac']
    keysets['access-row'].primitive(mac.Mac).verify_mac(bytes.fromhex(row['mac_hex']), bytes.fromhex(row['message_hex']))
    network = golden['network']
    tag = keysets['web'].primitive(mac.Mac).compute_mac(b'net' + network['address'].encode())
    assert tag[5:13].hex() == network['digest_hex']
    body, signatures = golden['log']['checkpoint'].split('\n\n')
    signed = base64.b64decode(signatures.split()[-1])
    verifier = keysets['log-signing'].public_keyset_handle().primitive(signature.PublicKeyVerify)
    verifier.verify(signed[4:], (body + '\n').encode())
    checks += 3
    print(f'{checks} passed, 0 failed')


if __name__ == '__main__':
    main(sys.argv[1])
