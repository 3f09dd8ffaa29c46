//! Removes sealed files that no row tells of: left by an upload that was cut off, or of a person who was erased.

use ledger::Draft;

use super::failure::Failure;
use crate::app::Process;
use crate::clock::random_id;
use crate::storage::attachments;

/// A file that is younger may still be waiting for its row.
const OLD_MS: i64 = 24 * 3_600_000;

/// Removes what is old enough, with an entry, and gives how many that were.
pub async fn sweep_files(process: &Process) -> Result<usize, Failure> {
    let before = process.clock.now_ms() - OLD_MS;
    let all = process.files.objects.list().await?;
    let old: Vec<[u8; 16]> = all
        .into_iter()
        .filter(|(_, at)| *at < before)
        .map(|(name, _)| name)
        .collect();
    let pool = process.pool.clone();
    let seat = process.pool.seat().await?;
    let orphans = tokio::task::spawn_blocking(move || {
        let found = pool.with(|connection| {
            let mut orphans = Vec::new();
            for name in old {
                if !attachments::exists(connection, &name)? {
                    orphans.push(name);
                }
            }
            Ok(orphans)
        });
        drop(seat);
        found
    })
    .await
    .map_err(|_| Failure::Internal(None))??;
    if orphans.is_empty() {
        return Ok(0);
    }
    let count = format!("files-{}", orphans.len());
    let entry = Draft::new("attachment.sweep", "system", &random_id()?).fields(&[&count]);
    let written = process
        .writer
        .write::<(), ()>(None, move |_| Ok(((), vec![entry])))
        .await;
    written.map_err(|_| Failure::Unavailable)?;
    for name in &orphans {
        process.files.objects.delete(name).await?;
    }
    Ok(orphans.len())
}
