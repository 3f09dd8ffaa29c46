//! The browser's front: extract, call one operation, respond. Knows no database and no key.

pub mod assets;
pub mod case_file;
pub mod ctx;
pub mod error;
pub mod form;
pub mod i18n;
pub mod page;
pub mod pages;
pub mod routes;
pub mod server;
pub mod time;
pub mod token;
pub mod urls;
