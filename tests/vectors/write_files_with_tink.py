#!/usr/bin/env python3
"""Seals files with Google's Tink alone under the keys of v1.json, for the program to open.

usage: write_files_with_tink.py v1.json v1-files.json

Run once for a version of the format: writes the files beside v1-files.json and adds them to its list.
"""

import hashlib
import io
import json
import pathlib
import sys

from open_with_tink import associated_of, counted, file_primitive, owner_keys
from tink import aead, streaming_aead


class Kept(io.BytesIO):
    """Tink closes what it writes to."""

    def close(self):
        self.kept = self.getvalue()
        super().close()


def main(v1_path, list_path):
    aead.register()
    streaming_aead.register()
    golden, listed = (json.load(open(path, encoding='utf-8')) for path in (v1_path, list_path))
    owner = owner_keys(golden)
    for file in [file for file in listed['files'] if 'tink' not in file['file']]:
        file = dict(file, file=file['file'].replace('v1-file-', 'v1-file-tink-'))
        out = Kept()
        with file_primitive(owner, file).new_encrypting_stream(out, associated_of(golden, owner, file)) as stream:
            stream.write(counted(file['length']))
        (pathlib.Path(list_path).parent / file['file']).write_bytes(out.kept)
        listed['files'].append(dict(file, digest_hex=hashlib.sha256(out.kept).hexdigest()))
    json.dump(listed, open(list_path, 'w', encoding='utf-8'), indent=2)


if __name__ == '__main__':
    main(*sys.argv[1:3])
