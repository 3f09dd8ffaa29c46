//! A key package: the whole key plane in one numbered file, still wrapped, with a MAC at its end. Format: `docs/formats.md` §2.7.
//!
//! At most two may exist. Whoever makes a third first attests that the oldest is destroyed; so a certificate of erasure can say of
//! every copy what became of it.

use std::collections::{BTreeMap, HashSet};

use diesel::Connection as _;
use ledger::vault::associated::Deployment;
use ledger::vault::keyring::Keyring;
use ledger::vault::owner::WrappedOwner;
use ledger::{b64u, from_b64u};
use serde::{Deserialize, Serialize};

use crate::storage::StorageError;
use crate::storage::connection::AnyConnection;
use crate::storage::key_packages::{self, MOST, PackageRow};
use crate::storage::key_plane::{self, Contents, Unsealed};
use crate::storage::log_rows;

const DAMAGED: StorageError = StorageError::Inconsistent("this is no whole key package; look for another copy");

/// A line of a package.
#[derive(Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "snake_case", deny_unknown_fields)]
enum Line {
    Package {
        v: u32,
        deployment: String,
        number: i64,
        made_at: i64,
    },
    Known {
        number: i64,
        digest: String,
        made_at: i64,
        destroyed_at: Option<i64>,
        destroyed_by: Option<String>,
    },
    Keyring {
        name: String,
        json: String,
    },
    Slot {
        id: String,
        json: String,
    },
    Owner {
        id: String,
        version: u32,
        wrapped: String,
        wrapped_s4: String,
    },
    End {
        owners: usize,
        mac: String,
    },
}

/// Packages that are not attested as destroyed.
#[must_use]
pub fn existing(known: &[PackageRow]) -> Vec<&PackageRow> {
    known.iter().filter(|package| package.destroyed_at.is_none()).collect()
}

/// Makes the next package and registers it: its row, and its bytes. Fails while [`MOST`] exist, and when `told`, who hears of it last, fails.
///
/// Registered before it is written anywhere: a copy that nobody knows of is worse than one that is not there.
pub fn make(
    connection: &mut AnyConnection,
    keyring: &Keyring,
    now_ms: i64,
    told: impl FnOnce(&PackageRow) -> Result<(), StorageError>,
) -> Result<(PackageRow, Vec<u8>), StorageError> {
    connection.transaction(|connection| {
        key_plane::lock(connection)?;
        let known = key_packages::list(connection)?;
        if existing(&known).len() >= MOST {
            return Err(StorageError::Inconsistent(
                "two packages exist; destroy the older one, attest it with `keys package destroyed`, then make a new one",
            ));
        }
        let number = known.last().map_or(1, |last| last.number + 1);
        let contents = key_plane::contents(connection)?;
        // Keys that another command has just changed could not prove what is signed here.
        if !keyring.is_signed_by(&key_plane::row_keys(&contents.keysets)) {
            return Err(StorageError::Inconsistent(
                "another command has just changed the keys; no package was made, run this again",
            ));
        }
        let bytes = written(&contents, known, keyring, number, now_ms)?;
        let row = PackageRow {
            number,
            digest: ledger::sha256(&bytes).to_vec(),
            made_at: now_ms,
            destroyed_at: None,
            destroyed_by: None,
        };
        key_packages::insert(connection, &row)?;
        told(&row)?;
        Ok((row, bytes))
    })
}

/// The fields of the entry about a package: its number and the digest of its file.
#[must_use]
pub fn fields(row: &PackageRow) -> Vec<String> {
    vec![
        format!("package-{}", row.number),
        format!("sha256-{}", b64u(&row.digest)),
    ]
}

/// Registers packages of which the log tells and the register does not, after an older package or backup came back: a copy that
/// exists is never forgotten, and no number is given twice.
pub fn catch_up(plane: &mut AnyConnection, house: &mut AnyConnection) -> Result<(), StorageError> {
    let told = told(house)?;
    plane.transaction(|plane| {
        let known = key_packages::list(plane)?;
        for (number, row) in told {
            match known.iter().find(|known| known.number == number) {
                None => key_packages::insert(plane, &row)?,
                Some(known) => {
                    let attested = row
                        .destroyed_at
                        .zip(row.destroyed_by)
                        .filter(|_| known.destroyed_at.is_none());
                    if let Some((at, by)) = attested {
                        key_packages::destroyed(plane, number, &by, at)?;
                    }
                }
            }
        }
        Ok(())
    })
}

/// The packages of which the log tells, by number.
fn told(house: &mut AnyConnection) -> Result<BTreeMap<i64, PackageRow>, StorageError> {
    let mut told: BTreeMap<i64, PackageRow> = BTreeMap::new();
    for entry in log_rows::of_kinds(house, &["key.package", "key.package_destroy"])? {
        let field = |prefix: &str| entry.f.iter().find_map(|field| field.strip_prefix(prefix));
        let Some(number) = field("package-").and_then(|number| number.parse().ok()) else {
            continue;
        };
        if entry.k == "key.package" {
            let row = PackageRow {
                number,
                digest: field("sha256-").and_then(from_b64u).unwrap_or_default(),
                made_at: entry.t,
                destroyed_at: None,
                destroyed_by: None,
            };
            told.insert(number, row);
        } else if let Some(row) = told.get_mut(&number) {
            row.destroyed_at = Some(entry.t);
            row.destroyed_by = entry.f.first().cloned();
        }
    }
    Ok(told)
}

fn written(
    contents: &Contents,
    known: Vec<PackageRow>,
    keyring: &Keyring,
    number: i64,
    made_at: i64,
) -> Result<Vec<u8>, StorageError> {
    let mut out = Vec::new();
    let mut line = |line: &Line| -> Result<(), StorageError> {
        serde_json::to_writer(&mut out, line).map_err(|_| DAMAGED)?;
        out.push(b'\n');
        Ok(())
    };
    line(&Line::Package {
        v: 1,
        deployment: b64u(&keyring.deployment().0),
        number,
        made_at,
    })?;
    for package in known {
        line(&Line::Known {
            number: package.number,
            digest: b64u(&package.digest),
            made_at: package.made_at,
            destroyed_at: package.destroyed_at,
            destroyed_by: package.destroyed_by,
        })?;
    }
    for (name, json) in contents.keysets.iter().cloned() {
        line(&Line::Keyring { name, json })?;
    }
    for (id, json) in contents.slots.iter().cloned() {
        line(&Line::Slot { id, json })?;
    }
    for owner in &contents.owners {
        line(&Line::Owner {
            id: b64u(&owner.id),
            version: owner.version,
            wrapped: b64u(&owner.wrapped),
            wrapped_s4: b64u(&owner.wrapped_s4),
        })?;
    }
    let end = Line::End {
        owners: contents.owners.len(),
        mac: b64u(&keyring.sign_row(&signed(&out))),
    };
    serde_json::to_writer(&mut out, &end).map_err(|_| DAMAGED)?;
    out.push(b'\n');
    Ok(out)
}

/// What the MAC of a package covers; begins unlike any row that grants access.
fn signed(before: &[u8]) -> Vec<u8> {
    [b"DH1P".as_slice(), &ledger::sha256(before)].concat()
}

/// A package as it was read; nothing of it is believed before [`Package::restore`].
pub struct Package {
    deployment: Deployment,
    contents: Contents,
    known: Vec<PackageRow>,
    covered: Vec<u8>,
    mac: Vec<u8>,
}

impl Package {
    /// Reads the bytes of a file.
    pub fn parse(bytes: &[u8]) -> Result<Self, StorageError> {
        let text = std::str::from_utf8(bytes).map_err(|_| DAMAGED)?;
        let body = text.strip_suffix('\n').ok_or(DAMAGED)?;
        let (before, end) = body.rsplit_once('\n').ok_or(DAMAGED)?;
        let covered = text.get(..=before.len()).ok_or(DAMAGED)?;
        let Ok(Line::End { owners, mac }) = serde_json::from_str(end) else {
            return Err(DAMAGED);
        };
        let mut lines = before
            .lines()
            .map(|line| serde_json::from_str(line).map_err(|_| DAMAGED));
        let Some(Ok(Line::Package {
            v: 1,
            deployment,
            number,
            made_at,
        })) = lines.next()
        else {
            return Err(DAMAGED);
        };
        let mut package = Self {
            deployment: Deployment(bytes_of(&deployment)?.try_into().map_err(|_| DAMAGED)?),
            contents: Contents {
                keysets: Vec::new(),
                slots: Vec::new(),
                owners: Vec::new(),
            },
            known: Vec::new(),
            covered: signed(covered.as_bytes()),
            mac: bytes_of(&mac)?,
        };
        for line in lines {
            package.take(line?)?;
        }
        if package.contents.owners.len() != owners || !package.contents.owners.is_sorted_by_key(|owner| owner.id) {
            return Err(DAMAGED);
        }
        package.known.push(PackageRow {
            number,
            digest: ledger::sha256(bytes).to_vec(),
            made_at,
            destroyed_at: None,
            destroyed_by: None,
        });
        Ok(package)
    }

    /// Whether it has the keys of an owner.
    #[must_use]
    pub fn has(&self, owner: &[u8]) -> bool {
        let owners = &self.contents.owners;
        owners.binary_search_by(|known| known.id.as_slice().cmp(owner)).is_ok()
    }

    /// Ids of the keys of rows that grant access.
    #[must_use]
    pub fn row_keys(&self) -> HashSet<u32> {
        key_plane::row_keys(&self.contents.keysets)
    }

    fn take(&mut self, line: Line) -> Result<(), StorageError> {
        match line {
            Line::Known {
                number,
                digest,
                made_at,
                destroyed_at,
                destroyed_by,
            } => self.known.push(PackageRow {
                number,
                digest: bytes_of(&digest)?,
                made_at,
                destroyed_at,
                destroyed_by,
            }),
            Line::Keyring { name, json } => self.contents.keysets.push((name, json)),
            Line::Slot { id, json } => self.contents.slots.push((id, json)),
            Line::Owner {
                id,
                version,
                wrapped,
                wrapped_s4,
            } => self.contents.owners.push(WrappedOwner {
                id: bytes_of(&id)?.try_into().map_err(|_| DAMAGED)?,
                version,
                wrapped: bytes_of(&wrapped)?,
                wrapped_s4: bytes_of(&wrapped_s4)?,
            }),
            Line::Package { .. } | Line::End { .. } => return Err(DAMAGED),
        }
        Ok(())
    }

    /// Puts it into an empty key plane and opens it there; leaves nothing behind unless the holder of its keys made it as it is.
    pub fn restore<E: From<StorageError>>(
        &self,
        connection: &mut AnyConnection,
        open: impl FnOnce(&mut AnyConnection) -> Result<Unsealed, E>,
    ) -> Result<Unsealed, E> {
        let mut shut = None;
        let filled = connection.transaction(|connection| {
            key_plane::fill(connection, self.deployment, &self.contents)?;
            for row in &self.known {
                key_packages::insert(connection, row)?;
            }
            match open(connection) {
                Ok(unsealed) if unsealed.keyring.verify_row(&self.covered, &self.mac) => Ok(unsealed),
                Ok(_) => Err(StorageError::Inconsistent("the package was changed after it was made")),
                Err(error) => {
                    shut = Some(error);
                    Err(DAMAGED)
                }
            }
        });
        filled.map_err(|error| shut.unwrap_or_else(|| error.into()))
    }
}

fn bytes_of(text: &str) -> Result<Vec<u8>, StorageError> {
    from_b64u(text).ok_or(DAMAGED)
}
