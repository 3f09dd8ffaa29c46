//! Đồng Hành: case management for victims of trafficking that shows no plaintext without a log entry.
//!
//! Walk the folders: [`domain`] has the words, [`policy`] decides, [`storage`] keeps rows and commits them with their log
//! entries, [`operations`] has one file per act, [`web`] and [`cli`] are the fronts. `ARCHITECTURE.md` has the map.

pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod domain;
pub mod operations;
pub mod policy;
pub mod storage;
pub mod web;
