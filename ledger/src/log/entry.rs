//! One entry of the access log: what is drafted before the commit, and the canonical JSON that is hashed.

use serde::{Deserialize, Serialize};

use super::LogError;
use crate::vault::associated::Handle;
use crate::vault::file::SealedFile;
use crate::vault::sealed::{Sealed, Section};
use crate::{b64u, sha256};

/// Most handles that one entry names; more become consecutive entries.
pub const MOST_HANDLES: usize = 500;

/// An entry as stored; fields in the order of their keys, which is the canonical order.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Staff code of the actor, `system` or `operator`.
    pub a: String,
    /// Consent or article of law.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basis: Option<String>,
    /// Decision and policy ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub d: Vec<String>,
    /// Names of fields, when fewer than the group.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub f: Vec<String>,
    /// Names of the groups read, and of files in them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub g: Vec<String>,
    /// Handles.
    #[serde(default, skip_serializing_if = "Handles::is_none")]
    pub h: Handles,
    /// Index in the shard.
    pub i: u64,
    /// Kind, `noun.verb`.
    pub k: String,
    /// Node.
    pub n: String,
    /// Digest of the network address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub net: Option<String>,
    /// Organisation as then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub org: Option<String>,
    /// Purpose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p: Option<String>,
    /// Request id.
    pub q: String,
    /// Role as then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Digest of the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s: Option<String>,
    /// UTC milliseconds.
    pub t: i64,
    /// Version of the format.
    pub v: u32,
    /// Writes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub w: Vec<Write>,
    /// Hash of a sealed note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<String>,
}

/// Whom an entry is about.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(untagged)]
pub enum Handles {
    /// These owners, each b64u.
    Some(Vec<String>),
    /// `"all"`: every owner up to this index.
    All(All),
}

/// The word `all`.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub enum All {
    /// Every owner.
    #[serde(rename = "all")]
    All,
}

/// One sealed value that was written.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields)]
pub struct Write {
    /// Group, or name of a file.
    pub g: String,
    /// Handle, b64u.
    pub h: String,
    /// SHA-256 of the sealed bytes, b64u.
    pub s: String,
    /// Version.
    pub v: u64,
}

impl Default for Handles {
    fn default() -> Self {
        Self::Some(Vec::new())
    }
}

impl Handles {
    fn is_none(&self) -> bool {
        matches!(self, Self::Some(list) if list.is_empty())
    }

    /// The handles named one by one.
    #[must_use]
    pub fn listed(&self) -> &[String] {
        match self {
            Self::Some(list) => list,
            Self::All(_) => &[],
        }
    }
}

/// Before a note, b64u, in which one signing key of the log names the next: among the fields of `key.rotate`, or names itself, in `key.confirm`.
pub const SUCCESSION: &str = "succession-";

impl Entry {
    /// The notes in which a signing key of the log names its successor.
    #[must_use]
    pub fn successions(&self) -> Vec<String> {
        self.notes("key.rotate")
    }

    /// The note in which a signing key of the log says that it signs from here on.
    #[must_use]
    pub fn confirmation(&self) -> Option<String> {
        self.notes("key.confirm").pop()
    }

    fn notes(&self, kind: &str) -> Vec<String> {
        let fields = self.f.iter().filter(|_| self.k == kind);
        fields
            .filter_map(|field| String::from_utf8(crate::from_b64u(field.strip_prefix(SUCCESSION)?)?).ok())
            .collect()
    }

    /// The exact bytes that are hashed and stored.
    pub fn to_bytes(&self) -> Result<Vec<u8>, LogError> {
        serde_json::to_vec(self).map_err(|_| LogError::Entry)
    }

    /// Reads an entry; refuses bytes that are not the canonical form.
    pub fn parse(bytes: &[u8]) -> Result<Self, LogError> {
        let entry: Self = serde_json::from_slice(bytes).map_err(|_| LogError::Entry)?;
        if entry.v == 1 && entry.to_bytes()? == bytes {
            Ok(entry)
        } else {
            Err(LogError::Entry)
        }
    }
}

/// What one sealed value will be opened for.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Read {
    pub handle: Handle,
    pub group: u16,
    pub name: &'static str,
    pub version: u64,
    /// The file, when it is not the group itself.
    pub file: Option<String>,
}

/// An entry before it has a number and a time.
pub struct Draft {
    pub(crate) entry: Entry,
    pub(crate) reads: Vec<Read>,
    touched: Vec<Handle>,
}

impl Draft {
    /// An act of a kind (`noun.verb`) by an actor (staff code) within one request.
    #[must_use]
    pub fn new(kind: &str, actor: &str, request: &[u8; 16]) -> Self {
        Self {
            entry: Entry {
                a: actor.to_owned(),
                basis: None,
                d: Vec::new(),
                f: Vec::new(),
                g: Vec::new(),
                h: Handles::default(),
                i: 0,
                k: kind.to_owned(),
                n: String::new(),
                net: None,
                org: None,
                p: None,
                q: b64u(request),
                role: None,
                s: None,
                t: 0,
                v: 1,
                w: Vec::new(),
                x: None,
            },
            reads: Vec::new(),
            touched: Vec::new(),
        }
    }

    /// Role and organisation of the actor as they are now.
    #[must_use]
    pub fn role(mut self, role: &str, organisation: &str) -> Self {
        self.entry.role = Some(role.to_owned());
        self.entry.org = Some(organisation.to_owned());
        self
    }

    /// Digests of the session and of the network address.
    #[must_use]
    pub fn session(mut self, session: Option<[u8; 8]>, network: Option<[u8; 8]>) -> Self {
        self.entry.s = session.map(|digest| b64u(&digest));
        self.entry.net = network.map(|digest| b64u(&digest));
        self
    }

    /// Why the actor does it.
    #[must_use]
    pub fn purpose(mut self, purpose: &str) -> Self {
        self.entry.p = Some(purpose.to_owned());
        self
    }

    /// Consent or article that allows it.
    #[must_use]
    pub fn basis(mut self, basis: &str) -> Self {
        self.entry.basis = Some(basis.to_owned());
        self
    }

    /// Decision, `allow` or `deny`, and the policies that made it.
    #[must_use]
    pub fn decision(mut self, allowed: bool, policies: &[String]) -> Self {
        self.entry.d = vec![if allowed { "allow" } else { "deny" }.to_owned()];
        self.entry.d.extend_from_slice(policies);
        self
    }

    /// Only these fields of the groups are shown.
    #[must_use]
    pub fn fields(mut self, fields: &[&str]) -> Self {
        self.entry.f = fields.iter().map(|field| (*field).to_owned()).collect();
        self
    }

    /// Hash of the sealed note that belongs to the entry.
    #[must_use]
    pub fn note(mut self, sealed: &[u8]) -> Self {
        self.entry.x = Some(b64u(&sha256(sealed)));
        self
    }

    /// Concerns this owner without opening anything.
    #[must_use]
    pub fn about(mut self, handle: Handle) -> Self {
        self.touched.push(handle);
        self
    }

    /// Concerns every owner there is: `sys.index` and `report` only.
    #[must_use]
    pub fn about_all(mut self) -> Self {
        self.entry.h = Handles::All(All::All);
        self
    }

    /// Will open this value.
    pub fn read<G: Section>(&mut self, sealed: &Sealed<G>) {
        self.reads.push(Read {
            handle: sealed.handle(),
            group: G::GROUP.number,
            name: G::GROUP.name,
            version: sealed.place().version,
            file: None,
        });
    }

    /// Will open this file.
    pub fn read_file(&mut self, file: &SealedFile) {
        let id = file.id();
        self.reads.push(Read {
            handle: id.handle,
            group: id.group.number,
            name: id.group.name,
            version: id.place.version,
            file: Some(id.name()),
        });
    }

    /// Writes this file in the same act.
    pub fn wrote_file(&mut self, file: &SealedFile) {
        let id = file.id();
        self.touched.push(id.handle);
        self.entry.w.push(Write {
            g: id.name(),
            h: b64u(&id.handle.0),
            s: b64u(file.digest()),
            v: id.place.version,
        });
    }

    /// Writes this value in the same transaction.
    pub fn wrote<G: Section>(&mut self, sealed: &Sealed<G>) {
        self.touched.push(sealed.handle());
        self.entry.w.push(Write {
            g: G::GROUP.name.to_owned(),
            h: b64u(&sealed.handle().0),
            s: b64u(&sha256(sealed.bytes())),
            v: sealed.place().version,
        });
    }

    /// The entries that this draft becomes, still without number and time.
    pub(crate) fn into_entries(self) -> (Vec<Entry>, Vec<Read>) {
        let mut groups: Vec<String> = self.reads.iter().map(|read| read.name.to_owned()).collect();
        groups.extend(self.reads.iter().filter_map(|read| read.file.clone()));
        groups.sort_unstable();
        groups.dedup();
        let mut handles: Vec<Handle> = self.reads.iter().map(|read| read.handle).collect();
        handles.extend(self.touched);
        handles.retain(|handle| *handle != Handle::SYSTEM);
        handles.sort_unstable();
        handles.dedup();
        let mut entry = self.entry;
        entry.g = groups;
        if handles.len() <= MOST_HANDLES {
            if matches!(entry.h, Handles::Some(_)) {
                entry.h = Handles::Some(names(&handles));
            }
            return (vec![entry], self.reads);
        }
        let entries = handles
            .chunks(MOST_HANDLES)
            .enumerate()
            .map(|(part, chunk)| Entry {
                h: Handles::Some(names(chunk)),
                w: if part == 0 { entry.w.clone() } else { Vec::new() },
                ..entry.clone()
            })
            .collect();
        (entries, self.reads)
    }
}

fn names(handles: &[Handle]) -> Vec<String> {
    handles.iter().map(|handle| b64u(&handle.0)).collect()
}
