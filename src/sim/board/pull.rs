//! A pull since 2019: requests the bundle, and the rest after each lost connection, until the update ends.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::sim::board::Board;
use crate::sim::device::{FeedResult, UpdateTimeouts};
use crate::sim::fault::effects::DownloadFault;
use crate::sim::generation::DONE;
use crate::sim::http_client::{self, Response, device_headers, limit_rate};
use crate::sim::wire::{MethodError, Outcome};

/// The arguments of a pull.
#[derive(Debug)]
pub(super) struct Pull {
    pub(super) url: String,
    pub(super) timeouts: UpdateTimeouts,
    pub(super) number: u64,
    /// The delay before the update ends.
    pub(super) delay: Duration,
}

/// The reason why a connection of a pull ends.
enum PullEnd {
    /// The connection is lost. The pull requests the rest later.
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
    // A reset sends no FIN, so the connection stays half-open.
    if let Some(connection) = connection
        && board.boot() != boot
    {
        board.keep_half_open(connection);
    }
}

impl Pull {
    /// Requests the bundle until the pull is over. Keeps the current connection in `connection`.
    async fn fetch(&self, board: &Board, connection: &mut Option<Response>) {
        let (running, rate) = board.with(|device, _| (device.firmware().clone(), device.faults().bytes_per_second()));
        let headers = device_headers(board.id(), &running);
        let (mut received, mut has_started) = (0, false);
        let start = Instant::now();
        loop {
            let range = format!("Range: bytes={received}-\r\n{headers}");
            let outcome = match http_client::get(board.network(), &self.url, &range).await {
                Err(_) => Err(request_error("Connect error")),
                Ok(response) => match response.status {
                    304 if !has_started => Err(Ok(DONE.into())),
                    // Not recorded: that the device reads the body of a later 200 as the rest of the bundle.
                    200 | 206 => match response.length {
                        Some(length @ 1..) => Ok((connection.insert(response), length)),
                        _ => Err(request_error("Invalid content-length")),
                    },
                    _ => Err(request_error("Invalid HTTP response code")),
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
                        received += bytes.len() as u64;
                        left -= bytes.len() as u64;
                        limit_rate(rate, start, received).await;
                        if left == 0 {
                            sleep(self.delay).await;
                        }
                        match self.feed(board, &bytes).await {
                            None => {}
                            Some(PullEnd::Over) => return,
                            Some(PullEnd::Lost) => break,
                        }
                    }
                    if left == 0 {
                        // The updater needs more bytes than the server announced, so the update ends with its timeout.
                        board.with(|device, _| device.complete_pull_body(number));
                        return pending().await;
                    }
                }
                Err(outcome) => {
                    sleep(self.delay).await;
                    self.answer_caller(board, has_started, outcome);
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

    /// Gives bytes to the updater. Returns `None` if the updater needs more bytes.
    async fn feed(&self, board: &Board, bytes: &[u8]) -> Option<PullEnd> {
        let fed = board.with(|device, now| {
            let fed = device.feed_pull(self.number, bytes, now);
            match fed {
                FeedResult::Complete => board.print("update: Update applied, rebooting"),
                FeedResult::Failed(error) => {
                    board.print(&format!("update: {}", error.of_pull().message.unwrap_or_default()));
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
            | FeedResult::Fault(DownloadFault::Reboot) => Some(PullEnd::Over),
            FeedResult::Fault(DownloadFault::CutOff) => Some(PullEnd::Lost),
            FeedResult::Fault(DownloadFault::Stall) => pending().await,
        }
    }

    /// Answers the waiting call. A pull whose update has started goes on.
    fn answer_caller(&self, board: &Board, has_started: bool, outcome: Outcome) {
        let message = match &outcome {
            Ok(_) => "Not Modified",
            Err(error) => error.message.as_deref().unwrap_or("failed"),
        };
        board.print(&format!("update: {message}"));
        board.with(|device, _| match outcome {
            Err(error) if has_started => device.report_pull(self.number, error),
            outcome => device.refuse_pull(self.number, outcome),
        });
    }
}

/// Returns the outcome of a request that failed.
fn request_error(message: &str) -> Outcome {
    Err(MethodError::new(-1, message))
}
