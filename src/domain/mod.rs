//! The words of the work: groups, answers, dates, numbers, cases. No I/O, no clock.

pub mod answer;
pub mod case_number;
pub mod codes;
pub mod deadline;
pub mod field;
pub mod group;
pub mod partial_date;
pub mod public_id;
pub mod purpose;
pub mod role;
pub mod sections;
pub mod text;
