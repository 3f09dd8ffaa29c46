//! Two hundred markers typed into every field there is, by the people who type there, and then looked for everywhere a disk could keep them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};

use age::secrecy::ExposeSecret as _;
use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use donghanh::domain::field::{Field, Kind};
use donghanh::domain::group::Group;
use donghanh::domain::part::Part;
use donghanh::domain::public_id::PublicId;
use donghanh::domain::step;
use donghanh::operations::backup;
use donghanh::operations::mirror::Mirror;
use unicode_normalization::UnicodeNormalization as _;

use crate::browser::{Answer, Browser, Served};
use crate::walk::{Cast, accept, address, attach, refer};

/// What was typed so far; every text is unlike any other.
#[derive(Default)]
struct Markers(Vec<String>);

impl Markers {
    fn next(&mut self, kind: Kind) -> String {
        let number = self.0.len();
        let marker = match kind {
            Kind::Phone => format!("+8490{:07}", 7_310_000 + number),
            Kind::IdNumber => format!("98731{number:07}"),
            Kind::CodeName => format!("DAU-AM-{number:03}"),
            _ => format!("Đậu Ấm {number:03}q"),
        };
        self.0.push(marker.clone());
        marker
    }

    /// An answer to every field of a part.
    fn form(&mut self, part: Part) -> Vec<(String, String)> {
        self.answers(part.fields())
    }

    fn answers(&mut self, fields: &[Field]) -> Vec<(String, String)> {
        let answer = |field: &Field| {
            let text = match field.kind {
                Kind::Code(list) | Kind::Codes(list) => list.codes[0].to_owned(),
                Kind::Date | Kind::PastDate => "01/03/2026".to_owned(),
                kind => self.next(kind),
            };
            (field.name.to_owned(), text)
        };
        fields.iter().map(answer).collect()
    }
}

fn pairs(form: &[(String, String)]) -> Vec<(&str, &str)> {
    form.iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}

/// Types into the form of a part: a draft first, then a faulty sending, then a good one.
fn fill(browser: &Browser<'_>, at: &str, markers: &mut Markers, part: Part) -> Answer {
    let mut form = browser.get(at);
    let mut fields = markers.form(part);
    if form.body.contains(&format!("action=\"{at}/opening\"")) {
        let asked = [("purpose", "protection"), ("confirmed", "yes")];
        form = browser.submit(&form, &format!("{at}/opening"), &asked);
        fields.extend(asked.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
    assert_eq!(form.status, 200, "{at}: {}", form.body);
    fields.push(("version".to_owned(), form.hidden("version")));
    browser.submit(&form, &format!("{at}/draft"), &pairs(&fields));
    let mut faulty = fields.clone();
    faulty.extend([("version", "7"), ("purpose", "")].map(|(name, value)| (name.to_owned(), value.to_owned())));
    browser.submit(&form, at, &pairs(&faulty));
    browser.submit(&browser.get(at), at, &pairs(&fields));
    let saved = browser.submit(&form, at, &pairs(&fields));
    assert!([303, 409, 422].contains(&saved.status), "{at}: {}", saved.status);
    saved
}

/// One case with everything in it; gives how many forms were saved.
fn one_case(served: &Served, cast: &Cast, markers: &mut Markers) -> usize {
    let worker = served.signed_in(&cast.worker);
    let mut intake = markers.form(Part::Group(Group::Identity));
    intake.retain(|(name, _)| name == "alias");
    let form = worker.get("/intakes/new");
    worker.submit(&form, "/intakes/draft", &pairs(&intake));
    let answer = worker.submit(&form, "/intakes", &pairs(&intake));
    let case = answer.location.unwrap().replace("?saved=1", "");
    let mut saved = 1;
    let mut count = |answer: Answer| saved += usize::from(answer.status == 303);
    for group in Group::with_section() {
        let at = format!("{case}/groups/{}", group.name());
        count(fill(&worker, &at, markers, Part::Group(group)));
    }
    for kind in step::Kind::ALL
        .into_iter()
        .filter(|kind| *kind != step::Kind::Reopening && *kind != step::Kind::Closure)
    {
        let at = format!("{case}/steps/{}/new", kind.name());
        count(fill(&worker, &at, markers, Part::Step(kind, None)));
    }
    let (name, note) = (markers.next(Kind::Line(60)), markers.next(Kind::Line(60)));
    let content = format!(
        "%PDF-1.7 {} {}",
        markers.next(Kind::Line(60)),
        markers.next(Kind::Phone)
    );
    let said = [("group", "risk"), ("note", note.as_str())];
    count(attach(&worker, &case, &said, (&name, content.as_bytes())));
    let file = address(
        &worker.get(&format!("{case}/attachments")),
        &format!("{case}/attachments/"),
        "",
    );
    assert!(worker.get(&file).body == content);
    let mut consent = markers.form(Part::Consent(PublicId([0; 16])));
    let chosen = [("purpose", "legal_aid"), ("agreed", "yes"), ("form", "signed")];
    consent.extend(chosen.map(|(name, value)| (name.to_owned(), value.to_owned())));
    consent.extend(["identity", "legal_aid"].map(|group| ("groups".to_owned(), group.to_owned())));
    let form = worker.get(&format!("{case}/consents/new"));
    count(worker.submit(&form, &format!("{case}/consents"), &pairs(&consent)));
    count(refer(&worker, &case, "legal_aid", "TGPL", &["identity", "legal_aid"]));
    let officer = served.signed_in(&cast.officer);
    accept(&officer);
    for (record, part) in [
        ("matter", Part::Matter(PublicId([0; 16]))),
        ("advice", Part::Advice(PublicId([0; 16]))),
    ] {
        let at = address(&officer.get(&case), &format!("{case}/matters/"), &format!("/{record}"));
        count(fill(&officer, &at, markers, part));
    }
    let supervisor = served.signed_in(&cast.supervisor);
    let at = format!("{case}/orders/erasure");
    let reason = markers.next(Kind::Lines(100));
    let form = supervisor.get(&at);
    count(supervisor.submit(&form, &at, &[("basis", "person_asked"), ("reason", &reason)]));
    // Names shown in a list, and what somebody types whose session is gone.
    let list = worker.get("/cases");
    worker.submit(&list, "/cases/names", &[("purpose", "case_work")]);
    let lost = markers.form(Part::Group(Group::Notes));
    assert_eq!(
        served
            .visitor()
            .post(&format!("{case}/groups/notes"), &pairs(&lost))
            .status,
        401
    );
    let page = served.visitor();
    let sign_in = page.get("/sign-in");
    let (code, password) = (markers.next(Kind::Line(60)), markers.next(Kind::Line(60)));
    page.submit(
        &sign_in,
        "/sign-in",
        &[("code", &code), ("password", &password), ("second", "000000")],
    );
    saved
}

/// The ways in which bytes on a disk could spell a text: name, and the bytes.
fn encodings(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let nfc: String = text.nfc().collect();
    let folded = donghanh::domain::text::folded(&nfc);
    let utf16: Vec<u16> = nfc.encode_utf16().collect();
    let mut percent = String::new();
    let mut escaped = String::new();
    let mut hex = String::new();
    for byte in nfc.bytes() {
        write!(hex, "{byte:02x}").unwrap();
        match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => percent.push(char::from(byte)),
            _ => write!(percent, "%{byte:02X}").unwrap(),
        }
    }
    for unit in &utf16 {
        match u8::try_from(*unit) {
            Ok(ascii) if ascii.is_ascii() => escaped.push(char::from(ascii)),
            _ => write!(escaped, "\\u{unit:04x}").unwrap(),
        }
    }
    let mut all = vec![
        ("UTF-8, composed", nfc.clone().into_bytes()),
        ("UTF-8, decomposed", nfc.nfd().collect::<String>().into_bytes()),
        (
            "UTF-16, little end first",
            utf16.iter().flat_map(|unit| unit.to_le_bytes()).collect(),
        ),
        (
            "UTF-16, big end first",
            utf16.iter().flat_map(|unit| unit.to_be_bytes()).collect(),
        ),
        ("without diacritics", folded.clone().into_bytes()),
        (
            "without diacritics, joined by plus",
            folded.replace(' ', "+").into_bytes(),
        ),
        ("upper case", nfc.to_uppercase().into_bytes()),
        ("hex", hex.clone().into_bytes()),
        ("hex, upper case", hex.to_uppercase().into_bytes()),
        ("percent", percent.into_bytes()),
        ("JSON escapes", escaped.into_bytes()),
    ];
    // Base64 in its three positions; the characters that a neighbour shares are left out.
    for before in 0..3 {
        let padded = [vec![0; before], nfc.clone().into_bytes()].concat();
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let text = engine.encode(&padded);
            let end = text.len() - usize::from(padded.len() % 3 != 0);
            all.push(("base64", text.as_bytes()[(before * 8).div_ceil(6)..end].to_vec()));
        }
    }
    all
}

/// Files below a folder with their bytes.
fn files(folder: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if let Ok(bytes) = std::fs::read(&path) {
            found.insert(path.display().to_string(), bytes);
        }
    }
}

/// What the server says, whoever reads it.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<Vec<u8>>>);

impl Write for Said {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn two_hundred_markers_are_nowhere_on_disk_in_the_logs_in_the_mirror_or_in_a_backup() {
    let said = Said::default();
    let writer = said.clone();
    tracing_subscriber::fmt()
        .with_writer(move || writer.clone())
        .with_max_level(tracing::Level::TRACE)
        .init();
    let served = Served::start();
    let world = &served.world;
    let cast = Cast::new(&served);
    let mut markers = Markers::default();
    let mut saved = 0;
    while markers.0.len() < 200 {
        saved += one_case(&served, &cast, &mut markers);
    }
    assert!(saved > 30, "{saved} forms were saved");
    tracing::info!("the subscriber listens");

    // Mirror and backup, shut and opened again: what is inside is sealed a second time.
    let away = tempfile::tempdir().unwrap();
    let deployment = world.app.keyring.deployment();
    let mut house = world.connection();
    Mirror::open(away.path(), deployment, &mut house)
        .unwrap()
        .follow(&mut house)
        .unwrap();
    let identity = age::x25519::Identity::generate();
    let secret = away.path().join("identity");
    std::fs::write(&secret, identity.to_string().expose_secret()).unwrap();
    let recipients = [identity.to_public().to_string()];
    let file = backup::create(&mut house, deployment, away.path(), &recipients, 0)
        .unwrap()
        .path;
    backup::open(&file, &secret, &away.path().join("opened.db"), false).unwrap();

    let mut places = BTreeMap::new();
    files(world.data.path(), &mut places);
    files(away.path(), &mut places);
    places.insert("what the server said".to_owned(), said.0.lock().unwrap().clone());
    for needed in [
        "donghanh.db",
        "-wal",
        "files/",
        ".jsonl",
        ".age",
        "opened.db",
        "server said",
    ] {
        assert!(
            places
                .iter()
                .any(|(name, bytes)| name.contains(needed) && !bytes.is_empty()),
            "{needed}"
        );
    }
    let spelt: Vec<(usize, &str, Vec<u8>)> = markers
        .0
        .iter()
        .enumerate()
        .flat_map(|(number, marker)| {
            encodings(marker)
                .into_iter()
                .map(move |(how, bytes)| (number, how, bytes))
        })
        .collect();
    let search = AhoCorasick::new(spelt.iter().map(|(.., bytes)| bytes)).unwrap();
    // The search finds what is there: every spelling of every marker.
    let control: Vec<u8> = spelt
        .iter()
        .flat_map(|(.., bytes)| [bytes.as_slice(), b"\n"].concat())
        .collect();
    let seen: std::collections::HashSet<usize> = search
        .find_overlapping_iter(control.as_slice())
        .map(|found| found.pattern().as_usize())
        .collect();
    assert_eq!(seen.len(), spelt.len());
    for (name, bytes) in &places {
        if let Some(found) = search.find(bytes.as_slice()) {
            let (number, how, _) = &spelt[found.pattern().as_usize()];
            panic!(
                "{name} holds {:?} as {how} at byte {}",
                markers.0[*number],
                found.start()
            );
        }
    }
    assert!(world.log_is_whole());
}
