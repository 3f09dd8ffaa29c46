//! One room per noun; handlers are extract, operation, respond.

pub mod attachments;
pub mod cases;
pub mod consents;
pub mod drafts;
pub mod exit;
pub mod fields;
pub mod health;
pub mod home;
pub mod inbox;
pub mod intakes;
pub mod language;
pub mod log;
pub mod orders;
pub mod parts;
pub mod referrals;
pub mod requests;
pub mod session;
pub mod steps;
pub mod unsealing;
pub mod versions;
