#!/usr/bin/env python3
"""Opens the golden file of the vault with Google's Tink (PyPI `tink`) and the standard library alone.

usage: open_with_tink.py GOLDEN.json SLOTS.json FILES.json TURNED.json

Walks the whole chain of docs/formats.md section 2: root key, keysets, owner keys, HKDF, sealed values, row MAC, and the
signature of the checkpoint. Every ciphertext must also be refused with one bit changed.
"""

import base64
import hashlib
import hmac as std_hmac
import io
import itertools
import json
import pathlib
import sys

import argon2.low_level
import tink
from tink import aead, mac, proto_keyset_format, secret_key_access, signature, streaming_aead
from tink.proto import aes_gcm_hkdf_streaming_pb2, aes_gcm_pb2, common_pb2, tink_pb2

checks = 0


def primitive_of(kind, key, key_id, prefix, interface):
    keyset = tink_pb2.Keyset(primary_key_id=key_id)
    keyset.key.add(
        key_data=tink_pb2.KeyData(
            type_url=f'type.googleapis.com/google.crypto.tink.{kind}',
            value=key.SerializeToString(),
            key_material_type=tink_pb2.KeyData.SYMMETRIC),
        status=tink_pb2.ENABLED, key_id=key_id, output_prefix_type=prefix)
    handle = proto_keyset_format.parse(keyset.SerializeToString(), secret_key_access.TOKEN)
    return handle.primitive(interface)


def aes_gcm(key, key_id):
    return primitive_of('AesGcmKey', aes_gcm_pb2.AesGcmKey(key_value=key), key_id, tink_pb2.TINK, aead.Aead)


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


INITIALS = 'b ch d h kh l m n nh ph r s t th v x'.split()
RIMES = 'a am an ang ao e em en eo i inh o on ong u ung'.split()
SYLLABLES = {initial + rime: high << 4 | low for high, initial in enumerate(INITIALS) for low, rime in enumerate(RIMES)}


def read_share(rows):
    data = b''
    for number, row in enumerate(rows):
        *values, check = (SYLLABLES[word] for word in row.split())
        assert check == hashlib.sha256(b'DH1W' + bytes([number, *values])).digest()[0]
        data += bytes(values)
    assert data[0] == 1
    return data[1], data[2], data[3:]


# Logarithms to the generator 3: another way to multiply than the program's.
EXP, LOG = [0] * 512, [0] * 256
power = 1
for exponent in range(255):
    EXP[exponent] = EXP[exponent + 255] = power
    LOG[power] = exponent
    power ^= power << 1 ^ (0x11b if power & 0x80 else 0)


def interpolate(points):
    out = [0] * 32
    for x, _, share in points:
        factor = 0
        for y, _, _ in points:
            if y != x:
                factor += LOG[y] - LOG[y ^ x]
        for at, byte in enumerate(share):
            if byte:
                out[at] ^= EXP[(LOG[byte] + factor) % 255]
    return bytes(out)


def b64u(text):
    return base64.urlsafe_b64decode(text + '=' * (-len(text) % 4))


def slots(path):
    global checks
    golden = json.load(open(path, encoding='utf-8'))
    deployment, root = (bytes.fromhex(golden[name]) for name in ('deployment_hex', 'root_key_hex'))
    custodians, duty = golden['slots']

    def unwrap(slot, key):
        return opens(aes_gcm(key, 1), b64u(slot['wrapped']), b'DH1S' + deployment + b64u(slot['id']))

    shares = [read_share(rows) for rows in golden['shares']]
    for (x, mark, share), known in zip(shares, custodians['shares'], strict=True):
        slot_id = b64u(custodians['id'])
        check = hashlib.sha256(b'DH1C' + deployment + slot_id + bytes([x]) + share).digest()
        assert (x, mark, check) == (known['x'], slot_id[0], b64u(known['check']))
        checks += 1
    for chosen in itertools.permutations(shares, custodians['threshold']):
        assert unwrap(custodians, interpolate(chosen)) == root
    stretched = argon2.low_level.hash_secret_raw(
        golden['passphrase'].encode(), b64u(duty['salt']), duty['t'], duty['m_kib'], duty['p'], 32,
        argon2.low_level.Type.ID, version=19)
    token = b64u(golden['token'].removeprefix('DH-KEY-1 ').strip())
    assert unwrap(duty, hkdf(stretched + token, b'dh/v1/slot/duty')) == root


def owner_keys(golden):
    """K, K4 and the handle, from the root key down."""
    deployment, owner = bytes.fromhex(golden['deployment_hex']), golden['owner']
    root = aes_gcm(bytes.fromhex(golden['root_key_hex']), 1)
    context = b'DH1K' + deployment + bytes.fromhex(owner['id_hex']) + owner['version'].to_bytes(4, 'big')
    plain = []
    for name, wrapped, which in (('owner', 'wrapped_hex', b'\x01'), ('owner-s4', 'wrapped_s4_hex', b'\x04')):
        keyset = tink.json_proto_keyset_format.parse_encrypted(
            golden['keysets'][name], root, b'DH1R' + deployment + name.encode())
        plain.append(opens(keyset.primitive(aead.Aead), bytes.fromhex(owner[wrapped]), context + which))
    return {'k': plain[0][:32], 'handle': plain[0][32:], 'k4': plain[1]}


def associated_of(golden, owner, value):
    return (b'DH1' + bytes.fromhex(golden['deployment_hex']) + owner['handle'] + value['table'].to_bytes(2, 'big')
            + value['column'].to_bytes(2, 'big') + bytes.fromhex(value['row_hex'])
            + value['version'].to_bytes(8, 'big') + value['group'].to_bytes(2, 'big'))


def file_primitive(owner, file):
    secret = owner['k'] if file['lock'] == 'ordinary' else owner['k4']
    key = aes_gcm_hkdf_streaming_pb2.AesGcmHkdfStreamingKey(
        key_value=hkdf(secret, b'dh/v1/attachment/' + bytes.fromhex(file['row_hex'])),
        params=aes_gcm_hkdf_streaming_pb2.AesGcmHkdfStreamingParams(
            ciphertext_segment_size=1 << 20, derived_key_size=32, hkdf_hash_type=common_pb2.SHA256))
    return primitive_of('AesGcmHkdfStreamingKey', key, 1, tink_pb2.RAW, streaming_aead.StreamingAead)


def counted(length):
    blocks = (hashlib.sha256(number.to_bytes(4, 'big')).digest() for number in range(length // 32 + 1))
    return b''.join(blocks)[:length]


def files(golden, path):
    global checks
    owner = owner_keys(golden)
    for file in json.load(open(path, encoding='utf-8'))['files']:
        sealed = (pathlib.Path(path).parent / file['file']).read_bytes()
        assert hashlib.sha256(sealed).hexdigest() == file['digest_hex']
        primitive, associated = file_primitive(owner, file), associated_of(golden, owner, file)

        def read(data, at=associated):
            return primitive.new_decrypting_stream(io.BytesIO(data), at).read()

        assert read(sealed) == counted(file['length'])
        for at in (0, 1, 39, 40, len(sealed) // 2, len(sealed) - 1):
            changed = bytearray(sealed)
            changed[at] ^= 1
            for data, where in ((bytes(changed), associated), (sealed[:-1], associated), (sealed, associated + b'x')):
                try:
                    read(data, where)
                except tink.TinkError:
                    continue
                sys.exit(f'a change at {at} was accepted')
        checks += 1


def turned(golden, path):
    """Keysets with an older key beside the primary one, and the note in which one signing key names the next."""
    global checks
    after = json.load(open(path, encoding='utf-8'))
    deployment = bytes.fromhex(golden['deployment_hex'])
    root = aes_gcm(bytes.fromhex(golden['root_key_hex']), 1)

    def keyset(keysets, name):
        return tink.json_proto_keyset_format.parse_encrypted(keysets[name], root, b'DH1R' + deployment + name.encode())

    rows = keyset(after['keysets'], 'access-row').primitive(mac.Mac)
    info = json.loads(after['keysets']['log-note'])['keysetInfo']
    assert len(info['keyInfo']) == 2 and info['primaryKeyId'] == info['keyInfo'][1]['keyId']
    # The keys of notes are secrets that HKDF takes, so they are read out of the keyset.
    clear = proto_keyset_format.serialize(keyset(after['keysets'], 'log-note'), secret_key_access.TOKEN)
    secrets = {key.key_id: aes_gcm_pb2.AesGcmKey.FromString(key.key_data.value).key_value
               for key in tink_pb2.Keyset.FromString(clear).key}
    for note, key in zip(after['notes'], info['keyInfo'], strict=True):
        sealed = bytes.fromhex(note['sealed_hex'])
        assert int.from_bytes(sealed[1:5], 'big') == key['keyId']
        primitive = aes_gcm(hkdf(secrets[key['keyId']], b'dh/v1/value/log_note'), key['keyId'])
        plain = opens(primitive, sealed, associated_of(golden, {'handle': bytes(16)}, note))
        assert json.loads(plain[4:4 + int.from_bytes(plain[:4], 'big')])['text'] == note['text']
        rows.verify_mac(bytes.fromhex(note['mac_hex']), bytes.fromhex(note['row_hex']))
    body, signatures = after['succession'].split('\n\n')
    assert body.split('\n') == [f'donghanh/{deployment.hex()}/key', after['vkey']]
    old = keyset(golden['keysets'], 'log-signing').public_keyset_handle().primitive(signature.PublicKeyVerify)
    old.verify(base64.b64decode(signatures.split()[-1])[4:], (body + '\n').encode())
    checks += 3


def main(path, slots_path, files_path, turned_path):
    global checks
    golden = json.load(open(path, encoding='utf-8'))
    for register in (aead, mac, signature, streaming_aead):
        register.register()
    deployment = bytes.fromhex(golden['deployment_hex'])
    root = aes_gcm(bytes.fromhex(golden['root_key_hex']), 1)
    keysets = {
        name: tink.json_proto_keyset_format.parse_encrypted(text, root, b'DH1R' + deployment + name.encode())
        for name, text in golden['keysets'].items()
    }
    checks += len(keysets)

    owner = owner_keys(golden)
    assert owner['handle'].hex() == golden['owner']['handle_hex']
    for value in golden['sealed']:
        secret = owner['k'] if value['lock'] == 'ordinary' else owner['k4']
        primitive = aes_gcm(hkdf(secret, b'dh/v1/value/' + value['name'].encode()), golden['owner']['version'])
        plain = opens(primitive, bytes.fromhex(value['sealed_hex']), associated_of(golden, owner, value))
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
    slots(slots_path)
    files(golden, files_path)
    turned(golden, turned_path)
    print(f'{checks} passed, 0 failed')


if __name__ == '__main__':
    main(*sys.argv[1:5])
