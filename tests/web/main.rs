//! The browser front over HTTP: actors speak only HTTP, direct access to the database is marked `db_`.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    reason = "a failing test may panic"
)]

#[path = "../support/mod.rs"]
mod support;

mod attachments;
mod bad_input;
mod browser;
mod busy;
mod clocks;
mod drafts;
mod entries;
mod follow_up;
mod identification;
mod intake;
mod log;
mod markers;
mod matrix;
mod moves;
mod orders;
mod pages;
mod protection;
mod referral;
mod sealed;
mod session;
mod together;
mod versions;
mod walk;
