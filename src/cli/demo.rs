//! `demo fill | code`: synthetic organisations, people and cases, made by the operations themselves on a fixed clock.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Subcommand;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Arguments, Fault, fault, say, unseal, user};
use crate::app::App;
use crate::clock::{Clock, random_id};
use crate::domain::group::Group;
use crate::domain::role::Role;
use crate::operations::actor::Actor;
use crate::operations::create_intake::{Intake, create_intake};
use crate::operations::save_group::{Save, save_group};
use crate::operations::sign_in::{Credentials, sign_in};
use crate::operations::view_case::{Wish, view_case};
use crate::operations::{accounts, password, sessions};

/// The demonstration.
#[derive(Subcommand)]
pub enum Demo {
    /// Print the current one-time code of a demonstration user.
    Code {
        /// Staff code.
        user: String,
    },
    /// Fill a fresh deployment that has no accounts yet.
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
            print(&known(&path)?);
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn known(path: &std::path::Path) -> Result<Known, Fault> {
    let text = std::fs::read_to_string(path).map_err(|_| fault("this data folder is no demonstration"))?;
    serde_json::from_str(&text).map_err(fault)
}

fn print(known: &Known) {
    for user in &known.users {
        say(&format!("\n{} ({})", user.role, user.org));
        say(&format!("  user      {}", user.code));
        say(&format!("  password  {}", user.password));
        say(&format!("  code      donghanh demo code {}", user.code));
        say(&format!("  recovery  {}", user.recovery.join("  ")));
    }
}

fn fill(arguments: &Arguments, cases: u32) -> Result<ExitCode, Fault> {
    let path = arguments.data.join("demo.json");
    if path.exists() {
        return Err(fault("this data folder is filled already"));
    }
    let (config, keyring) = unseal::keyring(arguments)?;
    // Thirty days back, so that clocks of every colour run when the visitor looks.
    // Each case takes up to three minutes more; the log must not end in the future.
    let start = Clock::system().now_ms() - 30 * 24 * HOUR_MS - (i64::from(cases) * 3 + 1) * 60_000;
    let clock = Clock::fixed(start);
    let (app, thread) = App::start(&arguments.data, config, clock, keyring).map_err(fault)?;
    let known = people(&app)?;
    let json = serde_json::to_string_pretty(&known).map_err(fault)?;
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .map_err(fault)?;
    file.write_all(json.as_bytes()).map_err(fault)?;
    let filled = actix_web::rt::System::new().block_on(work(&app, &known, cases));
    drop(app);
    thread.join();
    filled?;
    print(&known);
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
        accounts::add_organisation(&app.writer, code, kind, name).map_err(fault)?;
    }
    let staff = [
        ("UBND-MAU-A", Role::SocialWorker, "Cán bộ Mẫu Một"),
        ("UBND-MAU-A", Role::SocialWorker, "Cán bộ Mẫu Hai"),
        ("UBND-MAU-A", Role::Supervisor, "Giám sát Mẫu"),
        ("UBND-MAU-B", Role::SocialWorker, "Cán bộ Mẫu Ba"),
        ("THANH-TRA-MAU", Role::Auditor, "Kiểm tra Mẫu"),
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

async fn work(app: &App, known: &Known, cases: u32) -> Result<(), Fault> {
    let mut workers = Vec::new();
    for user in known.users.iter().filter(|user| user.role == Role::SocialWorker.code()) {
        workers.push(session(app, user).await?);
    }
    let step = 30 * 24 * HOUR_MS / i64::from(cases.max(1));
    for number in 0..cases {
        app.clock.advance(step);
        let at = usize::try_from(number).map_err(fault)? % workers.len().max(1);
        let token = workers.get(at).ok_or_else(|| fault("no worker"))?;
        // Sessions last half a day; a month of work needs fresh ones.
        let actor = match actor(app, token).await? {
            Some(actor) => actor,
            None => {
                let user = known
                    .users
                    .iter()
                    .filter(|user| user.role == Role::SocialWorker.code())
                    .nth(at);
                let user = user.ok_or_else(|| fault("no worker"))?;
                let token = session(app, user).await?;
                let found = actor(app, &token)
                    .await?
                    .ok_or_else(|| fault("a session did not open"))?;
                if let Some(slot) = workers.get_mut(at) {
                    *slot = token;
                }
                found
            }
        };
        one(app, &actor, number).await?;
        if (number + 1) % 20 == 0 || number + 1 == cases {
            say(&format!("  {} of {cases} cases", number + 1));
        }
    }
    Ok(())
}

async fn session(app: &App, user: &KnownUser) -> Result<String, Fault> {
    let secret = ledger::from_b64u(&user.totp).ok_or_else(|| fault("secret"))?;
    let step = u64::try_from(app.clock.now_ms()).map_err(fault)? / 1000 / password::STEP;
    let second = password::totp_code(&secret, step).ok_or_else(|| fault("code"))?;
    let credentials = Credentials {
        code: user.code.clone(),
        password: user.password.clone().into(),
        second: second.into(),
    };
    let network = random_id()
        .map_err(fault)?
        .first_chunk::<8>()
        .copied()
        .unwrap_or_default();
    let token = sign_in(app, credentials, network, random_id().map_err(fault)?)
        .await
        .map_err(fault)?;
    Ok(token.to_string())
}

async fn actor(app: &App, token: &str) -> Result<Option<Actor>, Fault> {
    sessions::find(app, token, [0; 8], random_id().map_err(fault)?)
        .await
        .map_err(fault)
}

async fn one(app: &App, actor: &Actor, number: u32) -> Result<(), Fault> {
    let pick = |list: &[&'static str], by: u32| -> &'static str {
        let at = usize::try_from(number / by).unwrap_or(0) % list.len().max(1);
        list.get(at).copied().unwrap_or_default()
    };
    let surnames = [
        "Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Vàng", "Giàng", "Lò", "Đặng", "Triệu",
    ];
    let middles = ["Thị", "Văn", "Thị Ánh", "Seo", "Mỹ"];
    let given = ["Mẫu", "Nguyệt", "Sương", "Dền", "Páo", "Khuê", "Diễm"];
    let name = format!(
        "{} {} {} (mẫu {number})",
        pick(&surnames, 1),
        pick(&middles, 3),
        pick(&given, 2)
    );
    let age = pick(&["14_15", "16_17", "18_24", "25_34", "35_49"], 1);
    let danger = pick(&["immediate", "high", "medium", "low", "low"], 1);
    let known = |value: &str| json!({ "known": value });
    let groups = vec![
        (
            Group::Identity,
            json!({"alias": known(&format!("Người mẫu {number}")), "age_band": known(age)}),
        ),
        (
            Group::Origin,
            json!({"route": known(pick(&["self_report", "rescued", "returned_from_abroad", "referred"], 1)),
                "brought_by": known("Công an xã Mẫu"), "place": known("Trụ sở UBND xã Mẫu"),
                "account": known("Nội dung mẫu dùng để trình diễn, không phải lời kể của người thật.")}),
        ),
        (Group::Risk, json!({"danger": known(danger)})),
        (Group::Needs, json!({"urgent_needs": {"known": ["food", "safety"]}})),
    ];
    let intake = Intake {
        groups,
        urgent: matches!(danger, "immediate" | "high"),
        child: matches!(age, "14_15" | "16_17"),
    };
    let opened = create_intake(app, actor, intake).await.map_err(fault)?;
    let save = |group, fields: Value, from_version, confirmed| Save {
        group,
        fields,
        from_version,
        purpose: "case_work",
        confirmed,
    };
    let identity = json!({"alias": known(&format!("Người mẫu {number}")), "full_name": known(&name), "age_band": known(age),
        "sex": known(pick(&["female", "female", "male"], 1)), "id_number": known(&format!("999{number:09}"))});
    let mut again = Arc::new(actor.clone());
    if number.is_multiple_of(4) {
        return Ok(());
    }
    for (group, fields, from, confirmed) in [
        (Group::Identity, identity, 1, false),
        (
            Group::Safety,
            json!({"safe_phone": known("+84900000000"), "contact_way": {"known": ["phone"]}}),
            0,
            true,
        ),
        (
            Group::Trafficking,
            json!({"exploitation": {"known": ["forced_labour"]}, "means": {"known": ["deception"]}}),
            0,
            false,
        ),
    ] {
        app.clock.advance(60_000);
        Arc::make_mut(&mut again).request = random_id().map_err(fault)?;
        save_group(app, &again, opened.id, &save(group, fields, from, confirmed))
            .await
            .map_err(fault)?;
    }
    Arc::make_mut(&mut again).request = random_id().map_err(fault)?;
    let wish = Wish {
        groups: None,
        purpose: "case_work",
        confirmed: false,
    };
    view_case(app, &again, opened.id.0, &wish).await.map_err(fault)?;
    Ok(())
}
