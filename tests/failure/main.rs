//! Failure for real: the program as a process, killed, starved of disk, robbed of its table, stopped in order.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a failing test may panic"
)]

#[path = "../support/mod.rs"]
mod support;

mod attachments;
mod backup;
mod disk;
mod erasure;
mod hand_over;
#[cfg(feature = "pkcs11")]
mod hardware;
mod keys;
mod kill;
mod operator;
mod process;
mod rotation;
#[cfg(feature = "s3")]
mod s3;
mod two_nodes;
