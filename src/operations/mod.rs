//! One act, one file. Pages, jobs and the command line call these; every one of them ends in the log.

pub mod accounts;
pub mod actor;
pub mod case_names;
pub mod create_intake;
pub mod drafts;
pub mod export_log;
pub mod failure;
pub mod init;
pub mod list_cases;
pub mod meet_deadline;
pub mod outcome;
pub mod owners;
pub mod password;
pub mod refuse;
pub mod reveal_names;
pub mod save_group;
pub mod search_log;
pub mod sections;
pub mod sessions;
pub mod sign_in;
pub mod sign_out;
pub mod staff_record;
pub mod take_case;
pub mod throttle;
pub mod verify_log;
pub mod view_case;
