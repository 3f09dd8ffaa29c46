//! The canonical bytes of a row that grants access, for its MAC (`docs/formats.md` §2.5).

use super::associated::Deployment;

/// One column of a row.
pub enum Value<'a> {
    /// SQL NULL.
    Null,
    /// Any integer type, and booleans as 0 and 1.
    Integer(i64),
    /// Text.
    Text(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
}

/// Lays a row out; columns by rising number, the MAC itself left out.
#[must_use]
pub fn canonical(deployment: Deployment, table: u16, columns: &[(u16, Value<'_>)]) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    out.extend_from_slice(b"DH1M");
    out.extend_from_slice(&deployment.0);
    out.extend_from_slice(&table.to_be_bytes());
    for (number, value) in columns {
        out.extend_from_slice(&number.to_be_bytes());
        match value {
            Value::Null => out.push(0),
            Value::Integer(integer) => field(&mut out, 1, &integer.to_be_bytes()),
            Value::Text(text) => field(&mut out, 2, text.as_bytes()),
            Value::Bytes(bytes) => field(&mut out, 3, bytes),
        }
    }
    out
}

fn field(out: &mut Vec<u8>, kind: u8, bytes: &[u8]) {
    out.push(kind);
    // A column is far below 4 GiB; both databases refuse one.
    out.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(bytes);
}
