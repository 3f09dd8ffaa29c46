//! Synthetic cases for the benches.

use donghanh::clock::random_id;
use donghanh::domain::group::Group;
use donghanh::operations::actor::Actor;
use donghanh::operations::create_intake::{Intake, create_intake};
use serde_json::json;

use crate::support::World;

/// Cases of 25 answered fields; the id of the last one.
pub fn fill(world: &World, actor: &Actor, cases: usize) -> String {
    let known = |text: &str| json!({ "known": text });
    let narrative = "Nội dung mẫu, không phải lời kể của người thật. ".repeat(45);
    let mut last = String::new();
    for number in 0..cases {
        let groups = vec![
            (
                Group::Identity,
                json!({"alias": known("Hoa"), "full_name": known(&format!("Đặng Thị Ánh Nguyệt (mẫu {number})")), "other_names": known("Na"),
                    "birth": known("1999-03"), "age_band": known("25_34"), "sex": known("female"), "id_number": known("999204000001"),
                    "document_kind": known("citizen_card"), "nationality": known("Việt Nam"), "language": known("tiếng Việt")}),
            ),
            (
                Group::Contact,
                json!({"phone": known("+84900000000"), "residence": known("xã Mẫu"), "former_residence": known("huyện Mẫu")}),
            ),
            (
                Group::Origin,
                json!({"route": known("rescued"), "channel": known("police"), "brought_by": known("Công an xã Mẫu"), "place": known("trụ sở"),
                    "received_on": known("2026-03-01"), "account": known(&narrative)}),
            ),
            (
                Group::Risk,
                json!({"danger": known("high"), "danger_detail": known("mẫu"), "review_on": known("2026-04-01")}),
            ),
            (
                Group::Needs,
                json!({"urgent_needs": {"known": ["food", "safety"]}, "wishes": known("về nhà"), "interpreter": known("không")}),
            ),
        ];
        let intake = Intake {
            groups,
            urgent: true,
            child: false,
        };
        let actor = Actor {
            request: random_id().unwrap(),
            ..actor.clone()
        };
        last = world
            .block_on(create_intake(&world.app, &actor, intake))
            .unwrap()
            .id
            .to_string();
    }
    last
}
