//! Replies to calls: most at once, that to `OTA.Update` when the download has ended, while other calls are answered.

use std::future::pending;

use tokio::task::JoinSet;

use super::board::{Answered, Board};
use super::wire::{self, Call};

/// The replies that are still to come on one port, each with what the port needs to send it.
#[derive(Debug)]
pub struct Replies<T> {
    later: JoinSet<Option<(String, T)>>,
}

impl<T> Default for Replies<T> {
    fn default() -> Self {
        Self { later: JoinSet::new() }
    }
}

impl<T: Send + 'static> Replies<T> {
    /// The reply to a call that was answered like this, if there is one now. A later one comes with `whither`.
    pub fn to(&mut self, call: &Call, answered: Answered, board: &Board, whither: T) -> Option<(String, T)> {
        let (call, id) = (call.clone(), board.id().to_owned());
        let reply = move |outcome| Some((wire::reply(&call, &id, &outcome)?, whither));
        match answered {
            Answered::Now(outcome) => reply(outcome),
            Answered::Later(outcome) => {
                self.later.spawn(async move { reply(outcome.await.ok()?) });
                None
            }
        }
    }

    /// The next reply that has taken its time. May be cancelled without losing one.
    pub async fn next(&mut self) -> (String, T) {
        loop {
            match self.later.join_next().await {
                Some(Ok(Some(reply))) => return reply,
                // The device was switched off meanwhile, or nobody wants a reply.
                Some(_) => {}
                None => pending().await,
            }
        }
    }
}
