//! Both databases from one body: schema, classification, group commit, rights, tampering.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a failing test may panic"
)]

#[path = "../support/mod.rs"]
mod support;

mod attachments;
mod batch;
mod classification;
mod erasure;
mod hand_over;
mod revocation;
mod rotation;
mod schema;
mod tampering;
mod transfer;
mod triggers;
mod visible;
