//! A pull since 2019. It asks the server for the bundle, and after a lost connection for the rest, until the update ends.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::sim::board::Board;
use crate::sim::device::{FeedResult, UpdateTimeouts};
use crate::sim::fault::effects::DownloadFault;
use crate::sim::generation::DONE;
use crate::sim::http_client::{self, Response, device_headers, limit_rate};
use crate::sim::wire::{Failure, Outcome};

/// The arguments of a pull.
#[derive(Debug)]
pub(super) struct Pull {
    pub(super) url: String,
    pub(super) timeouts: UpdateTimeouts,
    pub(super) number: u64,
    /// The delay before the update ends.
    pub(super) late: Duration,
}

/// How a connection of a pull ends.
enum End {
    /// The connection is lost; the pull asks for the rest later.
    Lost,
    /// The pull is over.
    Over,
}

/// Runs a pull until its update ends or the device goes off.
pub(super) async fn run(board: Arc<Board>, pull: Pull) {
    let boot = board.boot();
    let mut connection = None;
    tokio::select! {
        biased;
        () = board.until_off(boot) => {}
        () = board.until_given_up(pull.number) => {}
        () = pull.fetch(&board, &mut connection) => {}
    }
    // A chip that resets does not close its connections.
    if let Some(connection) = connection
        && board.boot() != boot
    {
        board.keep_half_open(connection);
    }
}

impl Pull {
    async fn fetch(&self, board: &Board, connection: &mut Option<Response>) {
        let (running, rate) = board.with(|device, _| (device.firmware().clone(), device.faults().bytes_per_second()));
        let headers = device_headers(board.id(), &running);
        let (mut taken, mut has_started) = (0, false);
        let start = Instant::now();
        loop {
            let range = format!("Range: bytes={taken}-\r\n{headers}");
            let outcome = match http_client::get(board.network(), &self.url, &range).await {
                Err(_) => Err(refused("Connect error")),
                Ok(response) => match response.status {
                    304 if !has_started => Err(Ok(DONE.into())),
                    // Not recorded: that the device takes a later 200 for the rest of the bundle.
                    200 | 206 => match response.length {
                        Some(length @ 1..) => Ok((connection.insert(response), length)),
                        _ => Err(refused("Invalid content-length")),
                    },
                    _ => Err(refused("Invalid HTTP response code")),
                },
            };
            match outcome {
                Ok((response, length)) => {
                    let number = self.number;
                    if !has_started {
                        has_started = board.with(|device, now| device.start_pull(number, length, self.timeouts, now));
                        if !has_started {
                            return;
                        }
                    }
                    let mut left = length;
                    while left > 0 {
                        let Some(bytes) = response.next_within(left).await else { break };
                        taken += bytes.len() as u64;
                        left -= bytes.len() as u64;
                        limit_rate(rate, start, taken).await;
                        if left == 0 {
                            sleep(self.late).await;
                        }
                        match self.feed(board, &bytes).await {
                            None => {}
                            Some(End::Over) => return,
                            Some(End::Lost) => break,
                        }
                    }
                    if left == 0 {
                        // The updater wants more bytes than the server announced, so the update ends with its timeout.
                        board.with(|device, _| device.complete_pull_body(number));
                        return pending().await;
                    }
                }
                Err(outcome) => {
                    sleep(self.late).await;
                    self.tell(board, has_started, outcome);
                    if !has_started {
                        return;
                    }
                }
            }
            // The server sees the connection close before the pause.
            *connection = None;
            sleep(board.retry_after()).await;
        }
    }

    /// Gives bytes to the updater. `None`: the updater wants more.
    async fn feed(&self, board: &Board, bytes: &[u8]) -> Option<End> {
        let fed = board.with(|device, now| {
            let fed = device.feed_pull(self.number, bytes, now);
            match fed {
                FeedResult::Complete => board.print("update: Update applied, rebooting"),
                FeedResult::Failed(error) => {
                    board.print(&format!("update: {}", error.of_pull().message.unwrap_or_default()))
                }
                FeedResult::More | FeedResult::Over | FeedResult::Fault(_) => {}
            }
            fed
        });
        match fed {
            FeedResult::More => None,
            FeedResult::Complete
            | FeedResult::Failed(_)
            | FeedResult::Over
            | FeedResult::Fault(DownloadFault::Reboot) => Some(End::Over),
            FeedResult::Fault(DownloadFault::CutOff) => Some(End::Lost),
            FeedResult::Fault(DownloadFault::Stall) => pending().await,
        }
    }

    /// Answers the waiting call. A pull whose update has started goes on.
    fn tell(&self, board: &Board, has_started: bool, outcome: Outcome) {
        let said = match &outcome {
            Ok(_) => "Not Modified",
            Err(failure) => failure.message.as_deref().unwrap_or("failed"),
        };
        board.print(&format!("update: {said}"));
        board.with(|device, _| match outcome {
            Err(failure) if has_started => device.report_pull(self.number, failure),
            outcome => device.refuse_pull(self.number, outcome),
        });
    }
}

fn refused(message: &str) -> Outcome {
    Err(Failure::new(-1, message))
}
