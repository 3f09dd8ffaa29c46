//! Sealed files: golden ones of our own and of Tink, and everything that must not open.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a failing test may panic"
)]

use ledger::log::LogError;
use ledger::log::commit::Head;
use ledger::log::tree::Frontier;
use ledger::vault::VaultError;
use ledger::vault::associated::{Deployment, Handle, Place};
use ledger::vault::file::HEADER;
use ledger::vault::keyring::Keyring;
use ledger::vault::owner::{Lock, OwnerKeys, WrappedOwner};
use ledger::vault::sealed::GroupId;
use ledger::vault::slot::{Opener, Slot};
use ledger::{Draft, FileId, FileOpener, FileSealer, GrantError, Receipt, SealedFile, commit, sha256};
use serde_json::Value;

/// Plain bytes of the first segment, and of every later one.
const FIRST: usize = (1 << 20) - 40 - 16;
const LATER: usize = (1 << 20) - 16;

fn vectors(name: &str) -> Vec<u8> {
    let path = format!("{}/../tests/vectors/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(path).unwrap()
}

fn unhex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    let pairs = (0..text.len()).step_by(2);
    pairs
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

fn owner() -> OwnerKeys {
    let v1: Value = serde_json::from_slice(&vectors("v1.json")).unwrap();
    let deployment = Deployment(unhex(&v1["deployment_hex"]).try_into().unwrap());
    let slots: Vec<Slot> = serde_json::from_value(v1["slots"].clone()).unwrap();
    let opener = Opener::KeyFile(v1["key_file"].as_str().unwrap().to_owned().into());
    let root = slots[1].open(deployment, &opener).unwrap();
    let keysets = v1["keysets"].as_object().unwrap().iter();
    let keysets: Vec<_> = keysets
        .map(|(name, text)| (name.clone(), text.as_str().unwrap().to_owned()))
        .collect();
    let row = WrappedOwner {
        id: unhex(&v1["owner"]["id_hex"]).try_into().unwrap(),
        version: 1,
        wrapped: unhex(&v1["owner"]["wrapped_hex"]),
        wrapped_s4: unhex(&v1["owner"]["wrapped_s4_hex"]),
    };
    let keyring = Keyring::open(deployment, &root, &keysets).unwrap();
    keyring.unwrap_owner(&row).unwrap()
}

fn id(handle: Handle) -> FileId {
    FileId {
        handle,
        place: Place {
            table: 32,
            column: 100,
            row: *b"name of the file",
            version: 1,
        },
        group: GroupId {
            number: 1,
            name: "identity",
            lock: Lock::Ordinary,
        },
        what: "attachment",
    }
}

fn counted(length: usize) -> Vec<u8> {
    let blocks = (0_u32..).flat_map(|number| sha256(&number.to_be_bytes()));
    blocks.take(length).collect()
}

fn sealed(keys: &OwnerKeys, plain: &[u8], chunk: usize) -> (SealedFile, Vec<u8>) {
    let (mut sealer, mut bytes) = FileSealer::new(keys, id(keys.handle())).unwrap();
    for part in plain.chunks(chunk) {
        bytes.extend(sealer.push(part).unwrap().concat());
    }
    let (file, last) = sealer.finish().unwrap();
    bytes.extend(last);
    assert_eq!((file.length(), *file.digest()), (bytes.len() as u64, sha256(&bytes)));
    (file, bytes)
}

fn receipt(draft: Draft) -> Receipt {
    let ((), mut receipts) = commit::<_, LogError>(|sequencer| {
        let head = Head {
            shard: 2026,
            frontier: Frontier::default(),
            last_ms: 0,
        };
        sequencer.begin(head, 1, "test");
        sequencer.append(draft)?;
        Ok(())
    })
    .unwrap();
    receipts.remove(0)
}

fn draft() -> Draft {
    Draft::new("attachment.view", "NV-TEST", &[0; 16])
}

fn opener(keys: &OwnerKeys, file: &SealedFile, bytes: &[u8]) -> Result<FileOpener, VaultError> {
    let mut draft = draft();
    draft.read_file(file);
    let receipt = receipt(draft);
    let header = bytes.get(..HEADER).unwrap_or(bytes);
    receipt.grant_file(file).unwrap().open(keys, header)
}

/// The whole plaintext, or the first refusal.
fn open(keys: &OwnerKeys, file: &SealedFile, bytes: &[u8]) -> Result<Vec<u8>, VaultError> {
    let opener = opener(keys, file, bytes)?;
    let mut plain = Vec::new();
    for segment in 0..=opener.last() {
        let at = opener.sealed(segment);
        let (start, end) = (usize::try_from(at.start).unwrap(), usize::try_from(at.end).unwrap());
        plain.extend_from_slice(&opener.open(segment, &bytes[start..end])?);
    }
    assert_eq!(plain.len() as u64, opener.length());
    Ok(plain)
}

/// What is stored, whatever it is, as a row would tell of it.
fn stored(keys: &OwnerKeys, bytes: &[u8]) -> SealedFile {
    SealedFile::from_stored(id(keys.handle()), bytes.len() as u64, sha256(bytes))
}

#[test]
fn golden_files_of_ours_and_of_tink_open() {
    let keys = owner();
    let listed: Value = serde_json::from_slice(&vectors("v1-files.json")).unwrap();
    let files = listed["files"].as_array().unwrap();
    assert_eq!(files.len(), 6);
    for file in files {
        let bytes = vectors(file["file"].as_str().unwrap());
        assert_eq!(sha256(&bytes).to_vec(), unhex(&file["digest_hex"]));
        let group = GroupId {
            number: file["group"].as_u64().unwrap().try_into().unwrap(),
            name: "group",
            lock: match file["lock"].as_str().unwrap() {
                "ordinary" => Lock::Ordinary,
                _ => Lock::SafetyOfLife,
            },
        };
        let id = FileId {
            group,
            ..id(keys.handle())
        };
        let sealed = SealedFile::from_stored(id, bytes.len() as u64, sha256(&bytes));
        let length = file["length"].as_u64().unwrap();
        let plain = open(&keys, &sealed, &bytes).unwrap();
        assert!(plain == counted(usize::try_from(length).unwrap()), "{length}");
    }
}

#[test]
fn files_open_as_they_were_around_every_edge_of_a_segment() {
    let keys = owner();
    for length in [0, 1, FIRST - 1, FIRST, FIRST + 1, FIRST + LATER, FIRST + LATER + 1] {
        let plain = counted(length);
        for chunk in [1 << 13, 1_000_003, usize::MAX] {
            let (file, bytes) = sealed(&keys, &plain, chunk);
            assert!(open(&keys, &file, &bytes).unwrap() == plain, "{length} in {chunk}");
        }
    }
}

#[test]
fn a_byte_is_found_in_its_segment() {
    let keys = owner();
    let plain = counted(FIRST + LATER + 5);
    let (file, bytes) = sealed(&keys, &plain, 1 << 16);
    let opener = opener(&keys, &file, &bytes).unwrap();
    for at in [
        0,
        1,
        FIRST - 1,
        FIRST,
        FIRST + 1,
        FIRST + LATER - 1,
        FIRST + LATER,
        plain.len() - 1,
    ] {
        let (segment, place) = FileOpener::segment_of(at as u64);
        let range = opener.sealed(segment);
        let range = usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap();
        assert_eq!(opener.open(segment, &bytes[range]).unwrap()[place], plain[at], "{at}");
    }
}

#[test]
fn a_short_file_is_refused_at_every_length_and_with_every_bit_changed() {
    let keys = owner();
    let (_, bytes) = sealed(&keys, b"ho so mau", 4);
    for length in 0..bytes.len() {
        let cut = &bytes[..length];
        assert!(open(&keys, &stored(&keys, cut), cut).is_err(), "length {length}");
    }
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(open(&keys, &stored(&keys, &changed), &changed).is_err(), "bit {bit}");
    }
}

#[test]
fn a_long_file_is_refused_with_segments_cut_off_exchanged_or_repeated_and_with_a_thousand_bits_changed() {
    let keys = owner();
    let (_, bytes) = sealed(&keys, &counted(FIRST + 2 * LATER + 7), 1 << 16);
    let segment = 1 << 20;
    let mut wrong = vec![bytes[..segment].to_vec(), bytes[..2 * segment].to_vec()];
    let mut exchanged = bytes.clone();
    exchanged[segment..3 * segment].rotate_left(segment);
    wrong.push(exchanged);
    wrong.push([&bytes[..2 * segment], &bytes[segment..]].concat());
    wrong.push([bytes.as_slice(), b"x"].concat());
    for bytes in &wrong {
        assert!(open(&keys, &stored(&keys, bytes), bytes).is_err());
    }
    let opener = opener(&keys, &stored(&keys, &bytes), &bytes).unwrap();
    let mut places = counted(8000)
        .chunks(8)
        .map(|eight| u64::from_be_bytes(eight.try_into().unwrap()))
        .collect::<Vec<_>>();
    assert_eq!(places.len(), 1000);
    for place in &mut places {
        let bit = usize::try_from(*place % (bytes.len() as u64 * 8)).unwrap();
        let (at, mask) = (bit / 8, 1 << (bit % 8));
        if at < HEADER {
            let mut header = bytes[..segment].to_vec();
            header[at] ^= mask;
            assert!(open(&keys, &stored(&keys, &header), &header).is_err());
            continue;
        }
        let number = u32::try_from(at / segment).unwrap();
        let range = opener.sealed(number);
        let start = usize::try_from(range.start).unwrap();
        let mut changed = bytes[start..usize::try_from(range.end).unwrap()].to_vec();
        changed[at - start] ^= mask;
        assert!(opener.open(number, &changed).is_err(), "bit {bit}");
    }
}

#[test]
fn a_file_is_refused_with_any_part_of_its_place_wrong() {
    let keys = owner();
    let (_, bytes) = sealed(&keys, b"ho so mau", 100);
    let right = || id(keys.handle());
    let place = right().place;
    let mut wrong = vec![
        Place { table: 33, ..place },
        Place { column: 101, ..place },
        Place { version: 2, ..place },
    ];
    for at in 0..16 {
        let mut row = place.row;
        row[at] ^= 1;
        wrong.push(Place { row, ..place });
    }
    let mut ids: Vec<FileId> = wrong.into_iter().map(|place| FileId { place, ..right() }).collect();
    let group = |number, lock| GroupId {
        number,
        name: "identity",
        lock,
    };
    ids.push(FileId {
        group: group(2, Lock::Ordinary),
        ..right()
    });
    ids.push(FileId {
        group: group(1, Lock::SafetyOfLife),
        ..right()
    });
    ids.push(id(Handle([3; 16])));
    for id in ids {
        let file = SealedFile::from_stored(id, bytes.len() as u64, sha256(&bytes));
        assert!(open(&keys, &file, &bytes).is_err());
    }
}

#[test]
fn a_receipt_opens_the_file_it_names_and_no_other_and_no_group() {
    let keys = owner();
    let (file, bytes) = sealed(&keys, b"ho so mau", 100);
    let mut named = draft();
    named.read_file(&file);
    let receipt_of_file = receipt(named);
    assert!(receipt_of_file.grant_file(&file).is_ok());
    let other = FileId {
        place: Place {
            row: *b"name of another.",
            ..id(keys.handle()).place
        },
        ..id(keys.handle())
    };
    let record = FileId {
        what: "attachment-record",
        ..id(keys.handle())
    };
    for id in [other, record] {
        let another = SealedFile::from_stored(id, bytes.len() as u64, *file.digest());
        assert_eq!(receipt_of_file.grant_file(&another).err(), Some(GrantError::NotNamed));
    }
    let nothing = receipt(draft());
    assert_eq!(nothing.grant_file(&file).err(), Some(GrantError::NotNamed));
    let mut denied = draft().decision(false, &[]);
    denied.read_file(&file);
    assert_eq!(receipt(denied).grant_file(&file).err(), Some(GrantError::NotNamed));
}

#[test]
fn an_entry_names_the_files_it_reads_and_writes_with_their_hash() {
    let keys = owner();
    let (file, _) = sealed(&keys, b"ho so mau", 100);
    let mut both = draft();
    both.read_file(&file);
    both.wrote_file(&file);
    let (stored, _) = commit::<_, LogError>(|sequencer| {
        let head = Head {
            shard: 2026,
            frontier: Frontier::default(),
            last_ms: 0,
        };
        sequencer.begin(head, 1, "test");
        sequencer.append(both)
    })
    .unwrap();
    let entry = &stored[0].entry;
    let name = format!("attachment/{}", ledger::b64u(b"name of the file"));
    assert_eq!(entry.g, [name.clone(), "identity".to_owned()]);
    assert_eq!((&entry.w[0].g, &entry.w[0].s), (&name, &ledger::b64u(file.digest())));
    assert_eq!(entry.h.listed(), [ledger::b64u(&keys.handle().0)]);
}
