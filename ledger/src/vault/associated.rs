//! What a sealed value is bound to: deployment, owner, place, version and group, in 65 bytes of fixed width.

/// The deployment that all sealed values and all checkpoints name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Deployment(pub [u8; 16]);

impl Deployment {
    /// Lower-case hex, as checkpoints print it.
    #[must_use]
    pub fn hex(&self) -> String {
        hex(&self.0)
    }
}

/// The random name under which the log knows a person or a case; the system's own values have the zero handle.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Handle(pub [u8; 16]);

impl Handle {
    /// The handle of the system's own values: staff directory and log notes.
    pub const SYSTEM: Self = Self([0; 16]);
}

/// Where a sealed value is kept; numbers from `classification.toml`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// Number of the table.
    pub table: u16,
    /// Number of the column.
    pub column: u16,
    /// Row id.
    pub row: [u8; 16],
    /// Version of the row, from 1.
    pub version: u64,
}

/// Lays out the associated data of a sealed value.
#[must_use]
pub fn associated_data(deployment: Deployment, handle: Handle, place: &Place, group: u16) -> [u8; 65] {
    let mut out = [0; 65];
    let parts: [&[u8]; 8] = [
        b"DH1",
        &deployment.0,
        &handle.0,
        &place.table.to_be_bytes(),
        &place.column.to_be_bytes(),
        &place.row,
        &place.version.to_be_bytes(),
        &group.to_be_bytes(),
    ];
    for (slot, byte) in out.iter_mut().zip(parts.concat()) {
        *slot = byte;
    }
    out
}

/// Lower-case hex.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut out, byte| {
        // Writing to a String cannot fail.
        let _infallible: std::fmt::Result = write!(out, "{byte:02x}");
        out
    })
}
