//! FIFOs, which let a test wait for the end of programs. A FIFO ends when the last program that has it open for writing
//! has ended.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Creates a FIFO.
pub fn fifo(directory: &Path) -> PathBuf {
    let path = directory.join("fifo");
    assert!(Command::new("mkfifo").arg(&path).status().expect("mkfifo").success());
    path
}

/// Waits until a program opens the FIFO for writing.
pub async fn wait_for_writer(fifo: PathBuf) -> File {
    with_timeout(move || File::open(fifo).expect("a fifo")).await
}

/// Waits until every program that had the FIFO open for writing has ended.
pub async fn wait_for_last_writer(mut fifo: File) {
    with_timeout(move || fifo.read_to_end(&mut Vec::new()).expect("readable")).await;
}

async fn with_timeout<T: Send + 'static>(blocking: impl FnOnce() -> T + Send + 'static) -> T {
    let done = tokio::task::spawn_blocking(blocking);
    tokio::time::timeout(Duration::from_secs(20), done).await.expect("in time").expect("no panic")
}
