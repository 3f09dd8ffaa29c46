//! The work on the synthetic cases, step by step as people do it.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::{HOUR_MS, Known, KnownUser};
use crate::app::App;
use crate::cli::{Fault, fault, say};
use crate::clock::random_id;
use crate::domain::codes::{is_child, is_urgent};
use crate::domain::group::{Class, Group};
use crate::domain::part::Part;
use crate::domain::public_id::PublicId;
use crate::domain::role::Role;
use crate::domain::step::Kind;
use crate::domain::{deadline, order, referral};
use crate::operations::actor::Actor;
use crate::operations::create_intake::{Intake, create_intake};
use crate::operations::meet_deadline::{Done, meet_deadline};
use crate::operations::plan_visits::plan_visits;
use crate::operations::record_consent::{Consent, record_consent};
use crate::operations::request_order::{Request, request_order};
use crate::operations::save_part::{Save, save_part};
use crate::operations::send_referral::{Referral, send_referral};
use crate::operations::sign_in::{Credentials, sign_in};
use crate::operations::view_case::{CaseView, Wish, view_case};
use crate::operations::{move_referral, move_step, password, sessions};

/// The demonstration users with their sessions; a month of work needs fresh ones.
struct Cast<'a> {
    app: &'a App,
    known: &'a Known,
    tokens: HashMap<String, String>,
}

impl Cast<'_> {
    /// The actor of a demonstration user, with a fresh request id.
    async fn actor(&mut self, code: &str) -> Result<Actor, Fault> {
        if let Some(token) = self.tokens.get(code)
            && let Some(actor) = find(self.app, token).await?
        {
            return Ok(actor);
        }
        let user = self.known.users.iter().find(|user| user.code == code);
        let user = user.ok_or_else(|| fault("no such demonstration user"))?;
        let token = session(self.app, user).await?;
        let actor = find(self.app, &token).await?;
        self.tokens.insert(code.to_owned(), token);
        actor.ok_or_else(|| fault("a session did not open"))
    }

    fn of(&self, role: Role) -> Vec<&KnownUser> {
        self.known
            .users
            .iter()
            .filter(|user| user.role == role.code())
            .collect()
    }
}

pub async fn work(app: &App, known: &Known, cases: u32) -> Result<(), Fault> {
    let mut cast = Cast {
        app,
        known,
        tokens: HashMap::new(),
    };
    let workers: Vec<(String, Option<String>)> = cast
        .of(Role::SocialWorker)
        .iter()
        .map(|worker| {
            let supervisors = cast.of(Role::Supervisor);
            let own = supervisors.iter().find(|supervisor| supervisor.org == worker.org);
            (worker.code.clone(), own.map(|supervisor| supervisor.code.clone()))
        })
        .collect();
    let step = 30 * 24 * HOUR_MS / i64::from(cases.max(1));
    for number in 0..cases {
        app.clock.advance(step);
        let at = usize::try_from(number).map_err(fault)? % workers.len().max(1);
        let (worker, supervisor) = workers.get(at).ok_or_else(|| fault("no worker"))?;
        one(&mut cast, worker, supervisor.as_deref(), number).await?;
        if (number + 1) % 20 == 0 || number + 1 == cases {
            say(&format!("  {} of {cases} cases", number + 1));
        }
    }
    Ok(())
}

async fn session(app: &App, user: &KnownUser) -> Result<String, Fault> {
    let secret = ledger::from_b64u(&user.totp).ok_or_else(|| fault("secret"))?;
    // A code works once, so two sign-ins of one user lie in different steps.
    app.clock.advance(30_000);
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

async fn find(app: &App, token: &str) -> Result<Option<Actor>, Fault> {
    sessions::find(app, token, [0; 8], random_id().map_err(fault)?)
        .await
        .map_err(fault)
}

fn known_as(value: &str) -> Value {
    json!({ "known": value })
}

async fn one(cast: &mut Cast<'_>, worker: &str, supervisor: Option<&str>, number: u32) -> Result<(), Fault> {
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
    let groups = vec![
        (
            Group::Identity,
            json!({"alias": known_as(&format!("Người mẫu {number}")), "age_band": known_as(age)}),
        ),
        (
            Group::Origin,
            json!({"route": known_as(pick(&["self_report", "rescued", "returned_from_abroad", "referred"], 1)),
                "brought_by": known_as("Công an xã Mẫu"), "place": known_as("Trụ sở UBND xã Mẫu"),
                "account": known_as("Nội dung mẫu dùng để trình diễn, không phải lời kể của người thật.")}),
        ),
        (Group::Risk, json!({"danger": known_as(danger)})),
        (Group::Needs, json!({"urgent_needs": {"known": ["food", "safety"]}})),
    ];
    let intake = Intake {
        groups,
        urgent: is_urgent(danger),
        child: is_child(age),
    };
    let actor = cast.actor(worker).await?;
    let case = create_intake(cast.app, &actor, intake).await.map_err(fault)?.id;
    let identity = json!({"alias": known_as(&format!("Người mẫu {number}")), "full_name": known_as(&name),
        "age_band": known_as(age), "sex": known_as(pick(&["female", "female", "male"], 1)),
        "id_number": known_as(&format!("999{number:09}"))});
    // Every sixth case of a worker stays as it was taken in; the others go on by one stage more each.
    let workers = u32::try_from(cast.of(Role::SocialWorker).len()).unwrap_or(1);
    let stage = number / workers.max(1) % 12;
    let mut walk = Walk {
        cast,
        worker,
        supervisor,
        case,
        number,
        child: is_child(age),
    };
    if stage >= 2 {
        walk.circumstances(identity).await?;
    }
    if stage >= 4 {
        walk.steps().await?;
    }
    if stage >= 6 {
        walk.refer().await?;
    }
    if stage >= 10 && supervisor.is_some() {
        walk.return_home(stage == 11).await?;
    }
    if stage == 11 && number.is_multiple_of(3) {
        walk.ask_erasure().await?;
    }
    if stage == 8 {
        walk.ask_police().await?;
    }
    Ok(())
}

/// One synthetic case on its way.
struct Walk<'a, 'b> {
    cast: &'a mut Cast<'b>,
    worker: &'a str,
    supervisor: Option<&'a str>,
    case: PublicId,
    number: u32,
    child: bool,
}

impl Walk<'_, '_> {
    async fn save(&mut self, code: &str, part: Part, from_version: i64, fields: Value) -> Result<(), Fault> {
        self.cast.app.clock.advance(5_000);
        let actor = self.cast.actor(code).await?;
        let save = Save {
            part,
            fields,
            from_version,
            purpose: "case_work",
            confirmed: part.group().class() == Class::S4,
        };
        save_part(self.cast.app, &actor, self.case, &save)
            .await
            .map_err(fault)?;
        Ok(())
    }

    async fn circumstances(&mut self, identity: Value) -> Result<(), Fault> {
        let worker = self.worker;
        let safety = json!({"safe_phone": known_as("+84900000000"), "contact_way": {"known": ["phone"]}});
        let trafficking = json!({"exploitation": {"known": ["forced_labour"]}, "means": {"known": ["deception"]}});
        self.save(worker, Part::Group(Group::Identity), 1, identity).await?;
        self.save(worker, Part::Group(Group::Safety), 0, safety).await?;
        self.save(worker, Part::Group(Group::Trafficking), 0, trafficking)
            .await?;
        let met = deadline::find("TN_THONG_BAO_SYT").ok_or_else(|| fault("a clock is missing"))?;
        if !self.number.is_multiple_of(3) {
            let actor = self.cast.actor(worker).await?;
            meet_deadline(self.cast.app, &actor, self.case, met, Done::Now)
                .await
                .map_err(fault)?;
        }
        Ok(())
    }

    async fn steps(&mut self) -> Result<(), Fault> {
        let worker = self.worker;
        let new = |kind| Part::Step(kind, None);
        let rescue = json!({"lead_force": known_as("border_guard"), "rescue_place": known_as("Cửa khẩu Mẫu"),
            "help_on_spot": {"known": ["food", "clothing"]}, "handed_to": known_as("Sở Y tế tỉnh Mẫu")});
        let support = json!({"regime": known_as("medical"), "priority": known_as("high"), "provider": known_as("Trạm y tế xã Mẫu")});
        let protection = json!({"measures": {"known": ["temporary_shelter", "secrecy_of_person"]},
            "shelter_code": known_as("HOA-SEN-07"), "decided_by_body": known_as("Công an tỉnh Mẫu")});
        let identification = self.identification("MAU");
        self.save(worker, new(Kind::Rescue), 0, rescue).await?;
        self.save(worker, new(Kind::Support), 0, support).await?;
        if self.number.is_multiple_of(2) {
            self.save(worker, new(Kind::Protection), 0, protection).await?;
        }
        self.save(worker, new(Kind::Identification), 0, identification).await?;
        if self.number.is_multiple_of(5) {
            let companion = json!({"companion_alias": known_as("Bé Mẫu"), "companion_relation": known_as("child"),
                "wishes_together": known_as("yes"), "companion_age_band": known_as("6_10")});
            self.save(worker, new(Kind::Companion), 0, companion).await?;
        }
        Ok(())
    }

    async fn refer(&mut self) -> Result<(), Fault> {
        let worker = self.worker;
        let question =
            json!({"law_field": {"known": ["compensation"]}, "legal_question": known_as("Câu hỏi mẫu về bồi thường.")});
        self.save(worker, Part::Group(Group::LegalAid), 0, question).await?;
        let groups = vec![Group::Identity, Group::Trafficking, Group::LegalAid];
        let consent = Consent {
            purpose: "legal_aid",
            groups: groups.clone(),
            agreed: true,
            form: "signed",
            detail: json!({"agreed_by": known_as(if self.child { "both" } else { "self" })}),
        };
        let actor = self.cast.actor(worker).await?;
        record_consent(self.cast.app, &actor, self.case, &consent)
            .await
            .map_err(fault)?;
        let view = self.view(worker).await?;
        let given = view.around.consents.first().ok_or_else(|| fault("no consent"))?;
        let referral = Referral {
            kind: referral::Kind::LegalAid,
            to: "TGPL-MAU".to_owned(),
            category: "advice",
            consent: Some(PublicId(given.public_id.as_slice().try_into().map_err(fault)?)),
            basis: None,
            groups,
            confirmed: false,
        };
        let actor = self.cast.actor(worker).await?;
        send_referral(self.cast.app, &actor, self.case, &referral)
            .await
            .map_err(fault)?;
        // One waits, one is accepted and worked on, one is done, one is rejected.
        match self.number % 4 {
            0 => Ok(()),
            rest => self.legal_aid(rest).await,
        }
    }

    async fn ask_police(&mut self) -> Result<(), Fault> {
        let request = Referral {
            kind: referral::Kind::Identification,
            to: "CA-MAU".to_owned(),
            category: "",
            consent: None,
            basis: Some("crime_prevention"),
            groups: vec![Group::Identity, Group::Trafficking],
            confirmed: false,
        };
        let actor = self.cast.actor(self.worker).await?;
        send_referral(self.cast.app, &actor, self.case, &request)
            .await
            .map_err(fault)?;
        Ok(())
    }

    /// The centre accepts (1), accepts and reports back (2), or rejects (3).
    async fn legal_aid(&mut self, answer: u32) -> Result<(), Fault> {
        let officer = self.code_of(Role::LegalAidOfficer)?;
        let worker = self.worker;
        let view = self.view(worker).await?;
        let sent = view.around.referrals.first().ok_or_else(|| fault("no referral"))?;
        let id = PublicId(sent.public_id.as_slice().try_into().map_err(fault)?);
        let change = |verb| move_referral::Change {
            referral: id,
            verb,
            reason: (verb == referral::Verb::Reject).then_some("conflict_of_interest"),
        };
        let actor = self.cast.actor(&officer).await?;
        let verb = if answer == 3 {
            referral::Verb::Reject
        } else {
            referral::Verb::Accept
        };
        move_referral::answer_referral(self.cast.app, &actor, &change(verb))
            .await
            .map_err(fault)?;
        if answer == 2 {
            let matter = json!({"matter_number": known_as("TT.TV.01.2026"), "provider_kind": known_as("legal_aid_officer"),
                "provider_name": known_as("Trợ giúp viên Mẫu"), "assigned_on": known_as("2026-03-05"),
                "outcome": known_as("completed"), "report": known_as("Đã tư vấn; hồ sơ bồi thường đã nộp (mẫu).")});
            let advice = json!({"advice": known_as("Nội dung tư vấn mẫu, chỉ Trung tâm đọc được.")});
            self.save(&officer, Part::Matter(id), 0, matter).await?;
            self.save(&officer, Part::Advice(id), 0, advice).await?;
            let actor = self.cast.actor(&officer).await?;
            move_referral::answer_referral(self.cast.app, &actor, &change(referral::Verb::Close))
                .await
                .map_err(fault)?;
        }
        Ok(())
    }

    async fn return_home(&mut self, closes: bool) -> Result<(), Fault> {
        let worker = self.worker;
        if self.number.is_multiple_of(4) {
            self.correct_identification().await?;
        }
        self.decide(Kind::Identification, "approve").await?;
        self.decide(Kind::Support, "approve").await?;
        self.worker_moves(Kind::Support, "deliver").await?;
        let actor = self.cast.actor(worker).await?;
        plan_visits(self.cast.app, &actor, self.case).await.map_err(fault)?;
        let visit = json!({"visited_on": known_as(&self.cast.app.clock.today().to_string()), "visit_form": known_as("home"),
            "safe_now": known_as("safe"), "living": known_as("Nội dung mẫu của lần thăm.")});
        self.save(worker, Part::Step(Kind::Visit, None), 0, visit).await?;
        if !closes {
            return Ok(());
        }
        self.worker_moves(Kind::Protection, "end").await?;
        let open = self.view(worker).await?.around.referrals;
        for row in open
            .iter()
            .filter(|row| matches!(row.state.as_str(), "sent" | "accepted"))
        {
            let actor = self.cast.actor(worker).await?;
            let id = PublicId(row.public_id.as_slice().try_into().map_err(fault)?);
            move_referral::withdraw_referral(self.cast.app, &actor, self.case, id)
                .await
                .map_err(fault)?;
        }
        let closure = json!({"closing_reason": known_as("settled")});
        self.save(worker, Part::Step(Kind::Closure, None), 0, closure).await?;
        self.decide(Kind::Closure, "approve").await?;
        if self.number.is_multiple_of(5) {
            let reopening = json!({"reopening_reason": known_as("new_danger")});
            self.save(worker, Part::Step(Kind::Reopening, None), 0, reopening)
                .await?;
        }
        Ok(())
    }

    /// The supervisor sends it back, and it comes again with what was missing.
    async fn correct_identification(&mut self) -> Result<(), Fault> {
        let worker = self.worker;
        self.decide(Kind::Identification, "return").await?;
        let step = self.view(worker).await?.around.steps;
        let step = step.iter().find(|row| row.kind == Kind::Identification.name());
        let step = step.ok_or_else(|| fault("no identification"))?;
        let id = PublicId(step.public_id.as_slice().try_into().map_err(fault)?);
        let corrected = self.identification("MAU-TS");
        self.save(
            worker,
            Part::Step(Kind::Identification, Some(id)),
            step.content,
            corrected,
        )
        .await
    }

    fn identification(&self, series: &str) -> Value {
        json!({"conclusion": known_as("victim"), "grounds": {"known": ["rescuing_body", "own_statement"]},
            "deciding_body": known_as("provincial_police"), "status_document": known_as("police_confirmation"),
            "status_document_number": known_as(&format!("{series}-{:04}", self.number))})
    }

    /// A request that waits for the custodian of the keys when the visitor looks.
    async fn ask_erasure(&mut self) -> Result<(), Fault> {
        let supervisor = self.supervisor.ok_or_else(|| fault("no supervisor"))?;
        let wish = Request {
            kind: order::Kind::Erasure,
            basis: "purpose_ended",
            reason: "Hồ sơ đã đóng, mục đích đã hết (dữ liệu mẫu).".to_owned(),
            target: None,
            groups: vec![],
        };
        let actor = self.cast.actor(supervisor).await?;
        request_order(self.cast.app, &actor, self.case, &wish)
            .await
            .map_err(fault)?;
        Ok(())
    }

    async fn decide(&mut self, kind: Kind, verb: &str) -> Result<(), Fault> {
        let supervisor = self.supervisor.ok_or_else(|| fault("no supervisor"))?;
        self.moves(supervisor, kind, verb).await
    }

    async fn worker_moves(&mut self, kind: Kind, verb: &str) -> Result<(), Fault> {
        let worker = self.worker;
        self.moves(worker, kind, verb).await
    }

    /// Moves every step of a kind, if there is one.
    async fn moves(&mut self, code: &str, kind: Kind, verb: &str) -> Result<(), Fault> {
        let steps = self.view(code).await?.around.steps;
        for row in steps.iter().filter(|row| row.kind == kind.name()) {
            let change = move_step::Change {
                kind,
                step: PublicId(row.public_id.as_slice().try_into().map_err(fault)?),
                verb: verb.to_owned(),
                seen: row.version,
                reason: (verb == "return").then_some("missing_document"),
            };
            self.cast.app.clock.advance(5_000);
            let actor = self.cast.actor(code).await?;
            move_step::move_step(self.cast.app, &actor, self.case, &change)
                .await
                .map_err(fault)?;
        }
        Ok(())
    }

    async fn view(&mut self, code: &str) -> Result<CaseView, Fault> {
        let actor = self.cast.actor(code).await?;
        let wish = Wish {
            parts: None,
            purpose: "case_work",
            confirmed: false,
        };
        view_case(self.cast.app, &actor, self.case.0, &wish)
            .await
            .map_err(fault)
    }

    fn code_of(&self, role: Role) -> Result<String, Fault> {
        let found = self.cast.of(role).first().map(|user| user.code.clone());
        found.ok_or_else(|| fault("no such demonstration user"))
    }
}
