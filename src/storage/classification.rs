//! Reads `classification.toml`: the number and class of every column, for associated data, MACs and tests.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

static FILE: LazyLock<BTreeMap<String, Table>> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "the file is part of the binary and a test reads it")]
    toml::from_str(include_str!("classification.toml")).expect("classification.toml parses")
});

/// What may happen to a column's content.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Stays in the house, says nothing about a person.
    Internal,
    /// Proves that the row was not edited.
    Mac,
    /// May leave the house.
    Public,
    /// Ciphertext.
    Sealed,
    /// A key under another key.
    WrappedKey,
}

/// A table.
#[derive(Deserialize)]
pub struct Table {
    /// Its number.
    pub number: u16,
    /// Its columns by name.
    pub columns: BTreeMap<String, Column>,
}

/// A column.
#[derive(Deserialize)]
pub struct Column {
    /// Its number within the table.
    pub number: u16,
    /// Its class.
    pub class: Class,
}

/// All tables by name.
#[must_use]
pub fn tables() -> &'static BTreeMap<String, Table> {
    &FILE
}

/// Number of a table and of one of its columns; 0 for a name that is not in the file, which a test rules out.
#[must_use]
pub fn numbers(table: &str, column: &str) -> (u16, u16) {
    FILE.get(table).map_or((0, 0), |table| {
        (
            table.number,
            table.columns.get(column).map_or(0, |column| column.number),
        )
    })
}
