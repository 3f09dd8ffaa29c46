//! The words of the work: groups, answers, dates, numbers, cases. No I/O, no clock.

pub mod answer;
pub mod attachment;
pub mod case_number;
pub mod codes;
pub mod deadline;
pub mod field;
pub mod follow_up;
pub mod group;
pub mod order;
pub mod organisation;
pub mod part;
pub mod partial_date;
pub mod public_id;
pub mod purpose;
pub mod referral;
pub mod refusal;
pub mod role;
pub mod sections;
pub mod step;
pub mod text;
