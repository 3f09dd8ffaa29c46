//! A large file goes in and out of the real program: the memory stays flat, the bytes stay the same.

use futures_util::{StreamExt as _, stream};
use reqwest::multipart::{Form, Part};
use ring::digest::{Context, SHA256};

use crate::process::{Browser, House, Running, a_case, block_on};

/// Pieces of a file that is about as large as one may be, 100 MB.
const PIECES: usize = 1525;
/// The most that the memory may grow while it streams.
const MOST_KB: u64 = 32 << 10;

fn status(running: &Running, field: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{}/status", running.child.id())).unwrap();
    let line = text.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// How many kB the memory grew at its highest over what it was, while something runs.
async fn growth<T>(running: &Running, run: impl Future<Output = T>) -> (u64, T) {
    let idle = status(running, "VmRSS");
    // The highest is counted from here on (proc(5), clear_refs).
    std::fs::write(format!("/proc/{}/clear_refs", running.child.id()), "5").unwrap();
    let done = run.await;
    (status(running, "VmHWM").saturating_sub(idle), done)
}

fn pieces() -> impl Iterator<Item = Vec<u8>> {
    const PIECE: usize = 64 << 10;
    (0..PIECES).map(|number| {
        let mut piece = vec![u8::try_from(number % 251).unwrap(); PIECE];
        if number == 0 {
            piece[..9].copy_from_slice(b"%PDF-1.7\n");
        }
        piece
    })
}

#[test]
fn a_hundred_megabytes_go_in_and_out_while_the_memory_stays_flat() {
    streams_flat(&House::new());
}

/// A file of a hundred megabytes in and out of the running program; it stays where the house keeps its files.
pub fn streams_flat(house: &House) {
    let running = house.serve();
    block_on(async {
        let worker = Browser::sign_in(&running.address, &house.user("social_worker"), 0).await;
        let case = a_case(&worker).await;
        let at = format!("{case}/attachments");
        let page = worker.get(&at).await.unwrap();
        let mut form = Form::new();
        for name in ["_request", "_expires", "_mac"] {
            form = form.text(name, page.hidden(name));
        }
        let body = reqwest::Body::wrap_stream(stream::iter(pieces().map(Ok::<_, std::io::Error>)));
        form = form.text("group", "risk").text("evidence", "yes");
        form = form.part("file", Part::stream(body).file_name("mau.pdf"));
        let url = format!("{}{at}", running.address);
        let (grew, sent) = growth(&running, worker.client.post(&url).multipart(form).send()).await;
        assert_eq!(sent.unwrap().status().as_u16(), 303);
        assert!(grew < MOST_KB, "{grew} kB while it came in");

        let page = worker.get(&at).await.unwrap();
        let start = format!("{at}/");
        let mut links = page.body.split('"').filter_map(|quoted| quoted.strip_prefix(&start));
        let file = links.find_map(|rest| rest.get(..26)).unwrap();
        let (grew, bytes) = growth(&running, async {
            let answer = worker.client.get(format!("{url}/{file}")).send().await.unwrap();
            assert_eq!(answer.status().as_u16(), 200);
            let (mut stream, mut digest) = (answer.bytes_stream(), Context::new(&SHA256));
            while let Some(piece) = stream.next().await {
                digest.update(&piece.unwrap());
            }
            digest.finish().as_ref().to_vec()
        })
        .await;
        let mut expected = Context::new(&SHA256);
        pieces().for_each(|piece| expected.update(&piece));
        assert_eq!(bytes, expected.finish().as_ref());
        assert!(grew < MOST_KB, "{grew} kB while it went out");
    });
    running.kill();
}
