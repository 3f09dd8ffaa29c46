use ledger::vault::owner::OwnerKeys;
use ledger::{FileGrant, FileOpener, SealedFile};

fn opener(file: &SealedFile, keys: &OwnerKeys, header: &[u8]) -> FileOpener {
    FileOpener::new(keys, file, header).unwrap()
}

fn grant<'a>(file: &'a SealedFile) -> FileGrant<'a> {
    FileGrant { file }
}

fn main() {
    let _ = (opener, grant);
}
