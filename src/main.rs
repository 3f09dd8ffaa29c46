//! The program: everything else is in the library.

use std::process::ExitCode;

/// Many small page buffers come and go; the system allocator gives their memory back slowly.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    donghanh::cli::run()
}
