//! One room per noun; handlers are extract, operation, respond.

pub mod cases;
pub mod exit;
pub mod fields;
pub mod groups;
pub mod health;
pub mod home;
pub mod intakes;
pub mod language;
pub mod log;
pub mod requests;
pub mod session;
