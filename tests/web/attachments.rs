//! The files of a case: what is taken, what comes back, who sees which, and that nothing plain is left anywhere.

use std::io::Cursor;
use std::path::{Path, PathBuf};

use donghanh::domain::attachment::{MOST_BYTES, MOST_IMAGE_BYTES};
use donghanh::domain::role::Role;
use image::{ImageFormat, Rgb, RgbImage};

use crate::browser::{Answer, Browser, Served};
use crate::support::World;
use crate::walk::{Cast, accept, address, attach, consent, person, press, refer, save, take_in};

/// A photograph that says where it was taken, at a place that does not exist.
fn photograph() -> Vec<u8> {
    let picture = RgbImage::from_fn(400, 300, |x, y| Rgb([(x % 256) as u8, (y % 256) as u8, 90]));
    let mut jpeg = Cursor::new(Vec::new());
    picture.write_to(&mut jpeg, ImageFormat::Jpeg).unwrap();
    let jpeg = jpeg.into_inner();
    let exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\0NOI-CHUP-MAU-20.9999N";
    let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], b"\xff\xe1", &length, exif, &jpeg[2..]].concat()
}

/// A document of so many bytes, no two stretches alike.
fn document(length: usize) -> Vec<u8> {
    let mut bytes = b"%PDF-1.7 TAI-LIEU-MAU ".to_vec();
    let mut state = 7_u64;
    while bytes.len() < length {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] })
        .collect()
}

/// The sealed contents that the house keeps.
fn kept(world: &World) -> Vec<PathBuf> {
    files_below(&world.app.config.files_folder(world.data.path()))
}

/// The addresses of the files that a list shows, newest first.
fn listed(page: &Answer, case: &str) -> Vec<String> {
    let start = format!("{case}/attachments/");
    let mut found: Vec<String> = page
        .body
        .split('"')
        .filter(|quoted| quoted.starts_with(&start) && !quoted.contains('?'))
        .map(str::to_owned)
        .collect();
    found.dedup();
    found
}

fn only(browser: &Browser<'_>, case: &str) -> String {
    let found = listed(&browser.get(&format!("{case}/attachments")), case);
    assert_eq!(found.len(), 1);
    found[0].clone()
}

fn case_with_worker(served: &Served) -> (Browser<'_>, String) {
    let worker = served.signed_in(&Cast::new(served).worker);
    let case = take_in(&worker, &[("alias", "Hoa Mẫu")]);
    (worker, case)
}

#[test]
fn a_photograph_is_kept_without_its_place_and_every_look_at_it_is_in_the_log() {
    let served = Served::start();
    let (worker, case) = case_with_worker(&served);
    let before = served.world.kinds().len();
    let fields = [("group", "identity"), ("note", "Mặt trước giấy mẫu")];
    let added = attach(&worker, &case, &fields, ("giấy khai sinh mẫu.jpg", &photograph()));
    assert_eq!(added.status, 303, "{}", added.body);
    let page = worker.get(added.location.as_deref().unwrap());
    for shown in [
        "Đã lưu tệp",
        "giấy khai sinh mẫu.jpg",
        "Mặt trước giấy mẫu",
        "data:image/jpeg;base64,",
        "?show=1",
    ] {
        assert!(page.body.contains(shown), "{shown}");
    }
    let at = only(&worker, &case);
    let (status, headers, bytes) = worker.bytes(worker.request("GET", &format!("{at}?show=1")));
    assert_eq!(
        (status, &headers["content-disposition"]),
        (200, &"inline".parse().unwrap())
    );
    assert!(headers["content-security-policy"].to_str().unwrap().contains("sandbox"));
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert_eq!(headers["cache-control"], "no-store");
    assert_eq!(
        image::load_from_memory(&bytes).unwrap().to_rgb8().dimensions(),
        (400, 300)
    );
    assert!(!bytes.windows(12).any(|window| window == b"NOI-CHUP-MAU"));
    let kinds = &served.world.kinds()[before..];
    let of_files: Vec<&String> = kinds.iter().filter(|kind| kind.starts_with("attachment.")).collect();
    assert_eq!(
        of_files,
        [
            "attachment.list",
            "attachment.add",
            "attachment.list",
            "attachment.list",
            "attachment.view"
        ]
    );
    let view = served.world.entries().pop().unwrap();
    assert_eq!(headers["x-log-index"], format!("2026/{}", view.i));
    assert_eq!(view.p.as_deref(), Some("case_work"));
    let named = serde_json::to_string(&view).unwrap();
    assert!(
        named.contains("attachment/") && named.contains("attachment-record/"),
        "{named}"
    );
    assert!(served.world.log_is_whole());
    for path in files_below(served.world.data.path()) {
        let bytes = std::fs::read(&path).unwrap();
        for plain in ["NOI-CHUP-MAU", "giấy khai sinh mẫu", "Mặt trước giấy mẫu", "JFIF"] {
            let there = bytes.windows(plain.len()).any(|window| window == plain.as_bytes());
            assert!(!there, "{} holds {plain}", path.display());
        }
    }
}

#[test]
fn evidence_comes_back_bit_for_bit_with_a_warning() {
    let served = Served::start();
    let (worker, case) = case_with_worker(&served);
    let sent = photograph();
    let fields = [("group", "risk"), ("evidence", "yes")];
    assert_eq!(attach(&worker, &case, &fields, ("anh.jpg", &sent)).status, 303);
    let page = worker.get(&format!("{case}/attachments"));
    assert!(page.body.contains("chứng cứ, giữ nguyên") && page.body.contains("Tệp này có thể chứa thêm"));
    let (_, _, bytes) = worker.bytes(worker.request("GET", &only(&worker, &case)));
    assert!(bytes == sent);
}

#[test]
fn a_document_comes_back_whole_or_in_the_ranges_that_were_asked_for() {
    let served = Served::start();
    let (worker, case) = case_with_worker(&served);
    let sent = document(3_000_001);
    assert_eq!(
        attach(&worker, &case, &[("group", "risk")], ("a.pdf", &sent)).status,
        303
    );
    let at = only(&worker, &case);
    let (status, headers, bytes) = worker.bytes(worker.request("GET", &at));
    assert_eq!(
        (status, headers["content-type"].to_str().unwrap()),
        (200, "application/pdf")
    );
    let name = headers["content-disposition"].to_str().unwrap();
    assert!(
        name.starts_with("attachment; filename=\"DH-2026-") && name.ends_with(".pdf\""),
        "{name}"
    );
    assert!(bytes == sent);
    for (range, status, expected) in [
        ("bytes=0-0", 206, &sent[..1]),
        ("bytes=1048500-1048700", 206, &sent[1_048_500..=1_048_700]),
        ("bytes=2000000-", 206, &sent[2_000_000..]),
        ("bytes=-5", 206, &sent[2_999_996..]),
        ("bytes=3000001-", 416, &[]),
    ] {
        let (found, headers, bytes) = worker.bytes(worker.request("GET", &at).header("range", range));
        assert_eq!((found, bytes == expected), (status, true), "{range}");
        assert!(headers.contains_key("content-range"), "{range}");
    }
    let views = served
        .world
        .kinds()
        .iter()
        .filter(|kind| *kind == "attachment.view")
        .count();
    assert_eq!(views, 6, "every answer with bytes of it has its entry");
}

#[test]
fn what_is_not_taken_says_why_and_leaves_nothing_behind() {
    let served = Served::start();
    let (worker, case) = case_with_worker(&served);
    let (large, photograph) = (document(usize::try_from(MOST_BYTES).unwrap() + 1), photograph());
    let mut wide = photograph.clone();
    wide.resize(usize::try_from(MOST_IMAGE_BYTES).unwrap() + 1, 0);
    let pdf = document(100);
    let long = "dài ".repeat(100);
    for (group, note, name, bytes, says) in [
        ("risk", "", "", b"".as_slice(), "Hãy chọn một tệp có nội dung"),
        ("risk", "", "a.pdf", b"", "Hãy chọn một tệp có nội dung"),
        ("", "", "a.pdf", &pdf, "Hãy chọn tệp thuộc phần nào"),
        ("shelter", "", "a.pdf", &pdf, "Hãy chọn tệp thuộc phần nào"),
        ("privileged", "", "a.pdf", &pdf, "Hãy chọn tệp thuộc phần nào"),
        ("risk", &long, "a.pdf", &pdf, "Ghi chú quá dài"),
        (
            "risk",
            "",
            "a.pdf",
            b"MZ\x90\0\x03 no document",
            "Không nhận loại tệp này",
        ),
        (
            "risk",
            "",
            "a.jpg",
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
            "Không nhận loại tệp này",
        ),
        (
            "risk",
            "",
            "a.jpg",
            b"\x89PNG\r\n\x1a\n no picture",
            "Không đọc được ảnh này",
        ),
        ("risk", "", "a.jpg", &wide, "Ảnh lớn hơn 12 MB"),
        ("risk", "", "a.pdf", &large, "Tệp lớn hơn 100 MB"),
    ] {
        let answer = attach(&worker, &case, &[("group", group), ("note", note)], (name, bytes));
        assert_eq!(answer.status, 422, "{says}: {}", answer.body);
        assert!(answer.body.contains(says), "{says}: {}", answer.body);
        assert!(answer.body.contains(note.trim()), "what was typed is there");
    }
    assert!(kept(&served.world).is_empty(), "{:?}", kept(&served.world));
    assert!(!served.world.kinds().contains(&"attachment.add".to_owned()));
}

#[test]
fn a_form_that_is_sent_twice_adds_one_file() {
    let served = Served::start();
    let (worker, case) = case_with_worker(&served);
    let at = format!("{case}/attachments");
    let form = worker.get(&at);
    for _ in 0..2 {
        let answer = worker.upload(&form, &at, &[("group", "risk")], ("a.pdf", &document(500)));
        assert_eq!(answer.status, 303);
    }
    only(&worker, &case);
    assert_eq!(kept(&served.world).len(), 1);
}

#[test]
fn another_file_or_the_same_with_another_note_in_a_form_that_was_sent_is_refused_and_the_note_stays() {
    let served = Served::start();
    let (worker, case) = case_with_worker(&served);
    let at = format!("{case}/attachments");
    let form = worker.get(&at);
    let send = |note: &str, name: &str, bytes: &[u8]| {
        worker.upload(&form, &at, &[("group", "risk"), ("note", note)], (name, bytes))
    };
    assert_eq!(send("Ghi chú mẫu", "a.pdf", &document(500)).status, 303);
    let others = [
        ("Ghi chú mẫu", "a.pdf", 501),
        ("Ghi chú mẫu", "b.pdf", 500),
        ("Khác", "a.pdf", 500),
    ];
    for (before, (note, name, length)) in (1..).zip(others) {
        let other = send(note, name, &document(length));
        assert_eq!(other.status, 409, "{}", other.body);
        assert!(other.body.contains("Trang này đã gửi một tệp khác") && other.body.contains(note));
        assert_eq!(kept(&served.world).len(), before, "nothing is left of it");
        served.world.app.clock.advance(1000);
        let again = worker.upload(&other, &at, &[("group", "notes")], (name, &document(length)));
        assert_eq!(again.status, 303, "with the fresh form it is taken");
        let at = listed(&worker.get(&at), &case)[0].clone();
        assert_eq!(worker.bytes(worker.request("GET", &at)).2.len(), length);
    }
}

/// A body as it would be written by hand.
fn by_hand(form: &Answer, fields: &[(&str, &[u8])], tail: &[u8]) -> Vec<u8> {
    let hidden = ["_request", "_expires", "_mac"].map(|name| (name, form.hidden(name)));
    let hidden = hidden.iter().map(|(name, value)| (*name, value.as_bytes()));
    let mut body = Vec::new();
    for (name, value) in hidden.chain(fields.iter().copied()) {
        body.extend(format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n").into_bytes());
        body.extend_from_slice(value);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(tail);
    body
}

#[test]
fn a_body_that_ends_within_the_file_or_is_no_text_is_answered_and_keeps_nothing() {
    let served = Served::start();
    let (worker, case) = case_with_worker(&served);
    let at = format!("{case}/attachments");
    let send = |fields: &[(&str, &[u8])], tail: &[u8]| {
        let form = worker.get(&at);
        let request = worker
            .request("POST", &at)
            .header("content-type", "multipart/form-data; boundary=x")
            .body(by_hand(&form, fields, tail));
        worker.send(request)
    };
    let file = b"--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\n\r\n%PDF-1.7 and no end";
    let fields: [(&str, &[u8]); 2] = [("group", b"risk"), ("note", "Ghi chú mẫu".as_bytes())];
    let cut = send(&fields, file);
    assert_eq!(cut.status, 422, "{}", cut.body);
    assert!(cut.body.contains("Tệp chưa đến trọn vẹn"), "{}", cut.body);
    assert!(cut.body.contains("Ghi chú mẫu"));
    // Refused before the file is looked at, with the file still on its way.
    let cut = send(&[("group", b"shelter"), ("note", "Ghi chú mẫu".as_bytes())], file);
    assert_eq!(cut.status, 422);
    let bytes = send(&[("group", b"risk"), ("note", b"\xff\xfe")], file);
    assert_eq!(bytes.status, 400);
    assert!(bytes.body.contains("Chữ gửi lên không đọc được"));
    assert_eq!(send(&fields, b"--y nonsense").status, 415);
    assert!(kept(&served.world).is_empty());
}

#[test]
fn a_note_is_never_lost() {
    let served = Served::of(World::configured(|config| config.session_hours = 24));
    let cast = Cast::new(&served);
    let worker = served.signed_in(&cast.worker);
    let case = take_in(&worker, &[("alias", "Hoa Mẫu")]);
    let at = format!("{case}/attachments");
    let fields = [("group", "risk"), ("note", "Ghi chú đã gõ")];
    let file = ("a.pdf", document(3_000_000));
    let file = (file.0, file.1.as_slice());

    let long = "dài ".repeat(200_000);
    let answer = attach(&worker, &case, &[("group", "risk"), ("note", &long)], file);
    assert_eq!(answer.status, 422);
    assert!(answer.body.contains(long.trim_end()), "far too long, and still there");

    let form = worker.get(&at);
    for _ in 0..26 {
        served.world.app.clock.advance(29 * 60_000);
        assert_eq!(worker.get("/cases").status, 200);
    }
    let old = worker.upload(&form, &at, &fields, file);
    assert_eq!(old.status, 422);
    assert!(old.body.contains("Ghi chú đã gõ"));

    let colleague = served.signed_in(&person(&served, "XA-A", Role::SocialWorker));
    let forged = worker.upload(&colleague.get("/cases"), &at, &fields, file);
    assert_eq!(forged.status, 403);
    assert!(forged.body.contains("name=\"note\" value=\"Ghi chú đã gõ\""));
    let again = worker.submit(&forged, &at, &fields);
    assert_eq!(again.status, 422, "sent again without its file, the form asks for it");
    assert!(again.body.contains("Ghi chú đã gõ") && again.body.contains("Hãy chọn một tệp"));

    let form = worker.get(&at);
    served.world.app.clock.advance(31 * 60_000);
    let lost = worker.upload(&form, &at, &fields, file);
    assert_eq!(lost.status, 401);
    assert!(lost.body.contains("name=\"carried.note\" value=\"Ghi chú đã gõ\""));

    let worker = served.signed_in(&cast.worker);
    let form = worker.get(&at);
    let closure = format!("{case}/steps/closure/new");
    assert_eq!(save(&worker, &closure, &[("closing_reason", "settled")]).status, 303);
    let supervisor = served.signed_in(&cast.supervisor);
    assert_eq!(press(&supervisor, &case, "closure", "approve").status, 303);
    let closed = worker.upload(&form, &at, &fields, file);
    assert_eq!(closed.status, 409);
    assert!(closed.body.contains("Ghi chú đã gõ"), "{}", closed.body);
    assert!(kept(&served.world).is_empty());
}

#[test]
fn an_upload_that_breaks_off_leaves_nothing_behind() {
    let served = Served::start();
    let (worker, case) = case_with_worker(&served);
    let at = format!("{case}/attachments");
    let form = worker.get(&at);
    let pieces = vec![
        Ok(document(900_000)),
        Err(std::io::Error::other("the connection of a phone in the hills")),
    ];
    let file = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
    let sent = Browser::multipart_of(&form, &[("group", "risk")], "a.pdf", file);
    assert!(worker.try_send(worker.request("POST", &at).multipart(sent)).is_none());
    // The server comes to know of it a moment later.
    let mut looked = 0;
    while !kept(&served.world).is_empty() {
        std::thread::sleep(std::time::Duration::from_millis(50));
        looked += 1;
        assert!(looked < 200, "{:?}", kept(&served.world));
    }
    assert!(listed(&worker.get(&at), &case).is_empty());
    assert!(!served.world.kinds().contains(&"attachment.add".to_owned()));
}

#[test]
fn a_centre_sees_the_files_of_the_listed_groups_and_no_other() {
    let served = Served::start();
    let cast = Cast::new(&served);
    let worker = served.signed_in(&cast.worker);
    let case = take_in(&worker, &[("alias", "Hoa Mẫu")]);
    for group in ["risk", "notes"] {
        let name = format!("{group}.pdf");
        assert_eq!(
            attach(&worker, &case, &[("group", group)], (&name, &document(300))).status,
            303
        );
    }
    let listed_groups = ["identity", "risk", "needs", "legal_aid"];
    let both = listed(&worker.get(&format!("{case}/attachments")), &case);
    assert_eq!(both.len(), 2);
    assert_eq!(consent(&worker, &case, "legal_aid", &listed_groups).status, 303);
    assert_eq!(refer(&worker, &case, "legal_aid", "TGPL", &listed_groups).status, 303);
    let officer = served.signed_in(&cast.officer);
    assert_eq!(
        officer.get(&format!("{case}/attachments")).status,
        404,
        "before it is accepted"
    );
    accept(&officer);
    let page = officer.get(&format!("{case}/attachments"));
    assert!(page.body.contains("risk.pdf") && !page.body.contains("notes.pdf"));
    let seen = listed(&page, &case);
    assert_eq!(seen.len(), 1);
    assert_eq!(officer.get(&seen[0]).status, 200);
    let hidden = both.iter().find(|at| **at != seen[0]).unwrap();
    assert_eq!(officer.get(hidden).status, 404);
    let refusal = served.world.entries().pop().unwrap();
    assert!(refusal.k.ends_with(".refuse"), "{}", refusal.k);
}

#[test]
fn a_sealed_file_that_was_changed_on_disk_gives_an_error_and_never_other_bytes() {
    let served = Served::start();
    let (worker, case) = case_with_worker(&served);
    let sent = document(2_500_000);
    assert_eq!(
        attach(&worker, &case, &[("group", "risk")], ("a.pdf", &sent)).status,
        303
    );
    let at = only(&worker, &case);
    let path = kept(&served.world).pop().unwrap();
    let whole = std::fs::read(&path).unwrap();
    let mut flipped = whole.clone();
    flipped[1_700_000] ^= 1;
    let mut beheaded = whole.clone();
    beheaded[3] ^= 1;
    let swapped = [&whole[..40], &whole[1_100_000..]].concat();
    for damaged in [flipped, beheaded, whole[..2_000_000].to_vec(), swapped, Vec::new()] {
        std::fs::write(&path, &damaged).unwrap();
        let came = worker.try_send(worker.request("GET", &at));
        assert!(came.is_none_or(|(status, _)| status == 500 || status == 503));
    }
    std::fs::remove_file(&path).unwrap();
    assert_eq!(worker.get(&at).status, 500);
    std::fs::write(&path, &whole).unwrap();
    assert!(worker.try_send(worker.request("GET", &at)).unwrap().1 == sent);
}

#[test]
fn a_file_whose_row_was_moved_to_another_case_does_not_open_there() {
    let served = Served::start();
    let (worker, case) = case_with_worker(&served);
    assert_eq!(
        attach(&worker, &case, &[("group", "risk")], ("a.pdf", &document(300))).status,
        303
    );
    let other = take_in(&worker, &[("alias", "Lan Mẫu")]);
    let moved = "DROP TRIGGER attachment_no_update; UPDATE attachment SET case_id = \
                 (SELECT id FROM case_file WHERE id <> attachment.case_id)";
    served.world.db_execute(moved).unwrap();
    let page = worker.get(&format!("{other}/attachments"));
    assert_eq!(page.status, 500);
    assert!(!page.body.contains("a.pdf"));
}

#[test]
fn a_file_keeps_its_name_without_what_turns_the_reading() {
    let served = Served::start();
    let (worker, case) = case_with_worker(&served);
    let added = attach(
        &worker,
        &case,
        &[("group", "risk")],
        ("Giấy tờ \u{202e}fdp.pdf", b"%PDF-1.7 mau"),
    );
    assert_eq!(added.status, 303, "{}", added.body);
    assert!(
        worker
            .get(&format!("{case}/attachments"))
            .body
            .contains("Giấy tờ fdp.pdf")
    );
}

#[test]
fn one_account_that_never_takes_its_files_shuts_nobody_out() {
    let served = Served::start();
    let (worker, case) = case_with_worker(&served);
    let long = document(20 << 20);
    assert_eq!(
        attach(&worker, &case, &[("group", "risk")], ("dai.pdf", &long)).status,
        303
    );
    let at = only(&worker, &case);
    // Answers whose bodies are not read hold their places.
    let stalled: Vec<_> = (0..2).map(|_| worker.begun(&at)).collect();
    assert!(stalled.iter().all(|answer| answer.status() == 200));
    assert_eq!(worker.get(&at).status, 503, "her share is taken");
    let supervisor = served.signed_in(&served.world.staff("XA-A", Role::Supervisor));
    assert_eq!(supervisor.get(&at).status, 200, "everybody else has hers");
    drop(stalled);
}

#[test]
fn who_loses_the_right_while_a_file_goes_out_gets_no_more_of_it() {
    let served = Served::start();
    let cast = Cast::new(&served);
    let worker = served.signed_in(&cast.worker);
    let case = take_in(&worker, &[("alias", "Hoa Mẫu")]);
    assert_eq!(
        consent(&worker, &case, "legal_aid", &["identity", "legal_aid"]).status,
        303
    );
    assert_eq!(
        refer(&worker, &case, "legal_aid", "TGPL", &["identity", "legal_aid"]).status,
        303
    );
    let long = document(40 << 20);
    assert_eq!(
        attach(&worker, &case, &[("group", "legal_aid")], ("dai.pdf", &long)).status,
        303
    );
    let officer = served.signed_in(&cast.officer);
    accept(&officer);
    let at = only(&officer, &case);
    let running = officer.begun(&at);
    assert_eq!(running.status(), 200);
    let page = worker.get(&case);
    let withdrawal = address(&page, &format!("{case}/withdrawals/"), "");
    assert_eq!(worker.submit(&page, &withdrawal, &[]).status, 303);
    let rest = officer.rest(running);
    assert!(
        rest.is_none_or(|bytes| bytes.len() < long.len() / 2),
        "most of it stays"
    );
    assert!(served.world.kinds().contains(&"case.refuse".to_owned()));
    assert!(served.world.log_is_whole());
}
