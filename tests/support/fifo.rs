//! Files whose end comes when the last program that writes to them has ended: a test can wait for that.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// A FIFO.
pub fn fifo(directory: &Path) -> PathBuf {
    let path = directory.join("fifo");
    assert!(Command::new("mkfifo").arg(&path).status().expect("mkfifo").success());
    path
}

/// Waits until somebody writes to it.
pub async fn is_written(fifo: PathBuf) -> File {
    in_time(move || File::open(fifo).expect("a fifo")).await
}

/// Waits until nobody writes to it any more.
pub async fn all_have_ended(mut fifo: File) {
    in_time(move || fifo.read_to_end(&mut Vec::new()).expect("readable")).await;
}

async fn in_time<T: Send + 'static>(blocking: impl FnOnce() -> T + Send + 'static) -> T {
    let done = tokio::task::spawn_blocking(blocking);
    tokio::time::timeout(Duration::from_secs(20), done).await.expect("in time").expect("no panic")
}
