//! `demo fill | code`: synthetic organisations, people and cases, made by the operations themselves on a fixed clock.

mod cases;

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::process::ExitCode;

use clap::Subcommand;
use serde::{Deserialize, Serialize};

use super::{Arguments, Fault, fault, say, unseal, user};
use crate::app::{App, Process};
use crate::clock::Clock;
use crate::domain::role::Role;
use crate::operations::{accounts, password};
use crate::storage::connection::AnyConnection;

/// The demonstration.
#[derive(Subcommand)]
pub enum Demo {
    /// Print the current one-time code of a demonstration user.
    Code {
        /// Staff code.
        user: String,
    },
    /// Fill a fresh deployment with synthetic people; one with any account, organisation or case is refused.
    Fill {
        /// Number of cases.
        #[arg(long, default_value_t = 200)]
        cases: u32,
    },
    /// Print the demonstration users again.
    Users,
}

#[derive(Serialize, Deserialize)]
struct Known {
    users: Vec<KnownUser>,
}

#[derive(Serialize, Deserialize)]
struct KnownUser {
    role: String,
    org: String,
    code: String,
    password: String,
    totp: String,
    recovery: Vec<String>,
}

const HOUR_MS: i64 = 3_600_000;

/// Runs the command.
pub fn run(arguments: &Arguments, demo: &Demo) -> Result<ExitCode, Fault> {
    let path = arguments.data.join("demo.json");
    match demo {
        Demo::Fill { cases } => fill(arguments, *cases),
        Demo::Code { user } => {
            let known = known(&path)?;
            let found = known.users.iter().find(|known| known.code.eq_ignore_ascii_case(user));
            let found = found.ok_or_else(|| fault("no demonstration user has this staff code; see `demo users`"))?;
            let secret = ledger::from_b64u(&found.totp).ok_or_else(|| fault("demo.json is damaged"))?;
            let step = u64::try_from(Clock::system().now_ms()).map_err(fault)? / 1000 / password::STEP;
            say(&password::totp_code(&secret, step).ok_or_else(|| fault("demo.json is damaged"))?);
            Ok(ExitCode::SUCCESS)
        }
        Demo::Users => {
            print(&known(&path)?, &arguments.data);
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn known(path: &std::path::Path) -> Result<Known, Fault> {
    let text = std::fs::read_to_string(path).map_err(|_| fault("this data folder is no demonstration"))?;
    serde_json::from_str(&text).map_err(fault)
}

/// With the command as it was typed, so that it can be copied.
fn print(known: &Known, data: &std::path::Path) {
    let program = std::env::args().next().unwrap_or_else(|| "donghanh".to_owned());
    for user in &known.users {
        say(&format!("\n{} ({})", user.role, user.org));
        say(&format!("  user      {}", user.code));
        say(&format!("  password  {}", user.password));
        say(&format!(
            "  code      {program} --data {} demo code {}",
            data.display(),
            user.code
        ));
        say(&format!("  recovery  {}", user.recovery.join("  ")));
    }
}

fn fill(arguments: &Arguments, cases: u32) -> Result<ExitCode, Fault> {
    let path = arguments.data.join("demo.json");
    if path.exists() {
        return Err(fault("this data folder is filled already"));
    }
    // The file takes its name when everything is there.
    let part = arguments.data.join("demo.json.part");
    if part.exists() {
        return Err(fault(
            "an earlier `demo fill` was interrupted; delete the data folder and begin again with `donghanh init`",
        ));
    }
    let (config, keyring) = unseal::keyring(arguments)?;
    let mut house = AnyConnection::open(&config.database_address(&arguments.data), false).map_err(fault)?;
    if !accounts::is_untouched(&mut house).map_err(fault)? {
        return Err(fault(
            "people work in this data folder; a demonstration goes into a folder of its own, made with `donghanh init`",
        ));
    }
    drop(house);
    // Thirty days back, so that clocks of every colour run when the visitor looks.
    // Each case takes up to four minutes more; the log must not end in the future.
    let start = Clock::system().now_ms() - 30 * 24 * HOUR_MS - (i64::from(cases) * 4 + 5) * 60_000;
    let clock = Clock::fixed(start);
    let (process, thread) = Process::start(&arguments.data, config, clock).map_err(fault)?;
    let app = process.open(keyring);
    drop(process);
    let known = people(&app)?;
    let json = serde_json::to_string_pretty(&known).map_err(fault)?;
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&part)
        .map_err(fault)?;
    file.write_all(json.as_bytes()).map_err(fault)?;
    let filled = actix_web::rt::System::new().block_on(cases::work(&app, &known, cases));
    drop(app);
    thread.join();
    filled?;
    std::fs::rename(&part, &path).map_err(fault)?;
    print(&known, &arguments.data);
    Ok(ExitCode::SUCCESS)
}

const ORGANISATIONS: [(&str, &str, &str); 5] = [
    ("UBND-MAU-A", "commune", "UBND xã Mẫu A (dữ liệu mẫu)"),
    ("UBND-MAU-B", "commune", "UBND phường Mẫu B (dữ liệu mẫu)"),
    ("CA-MAU", "police", "Công an tỉnh Mẫu (dữ liệu mẫu)"),
    (
        "TGPL-MAU",
        "legal_aid_centre",
        "Trung tâm trợ giúp pháp lý nhà nước tỉnh Mẫu (dữ liệu mẫu)",
    ),
    ("THANH-TRA-MAU", "inspectorate", "Thanh tra tỉnh Mẫu (dữ liệu mẫu)"),
];

fn people(app: &App) -> Result<Known, Fault> {
    for (code, kind, name) in ORGANISATIONS {
        accounts::add_organisation(&app.writer, &app.keyring, code, kind, name).map_err(fault)?;
    }
    let staff = [
        ("UBND-MAU-A", Role::SocialWorker, "Cán bộ Mẫu Một"),
        ("UBND-MAU-A", Role::SocialWorker, "Cán bộ Mẫu Hai"),
        ("UBND-MAU-A", Role::Supervisor, "Giám sát Mẫu"),
        ("UBND-MAU-B", Role::SocialWorker, "Cán bộ Mẫu Ba"),
        ("UBND-MAU-B", Role::Supervisor, "Giám sát Mẫu Hai"),
        ("CA-MAU", Role::Liaison, "Liên lạc Mẫu"),
        ("TGPL-MAU", Role::LegalAidOfficer, "Trợ giúp viên Mẫu"),
        ("THANH-TRA-MAU", Role::Auditor, "Kiểm tra Mẫu"),
        ("THANH-TRA-MAU", Role::KeyCustodian, "Giữ khóa Mẫu"),
    ];
    let mut users = Vec::new();
    for (org, role, name) in staff {
        let password = user::new_password()?;
        let made = accounts::add(&app.writer, &app.keyring, org, role, name, &password).map_err(fault)?;
        users.push(KnownUser {
            role: role.code().to_owned(),
            org: org.to_owned(),
            code: made.code,
            password,
            totp: ledger::b64u(&made.totp_secret),
            recovery: made.recovery,
        });
    }
    Ok(Known { users })
}
