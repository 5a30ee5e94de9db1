//! Replies to calls: at once, in the next turn of the device, or later while other calls are answered.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

use super::board::{Answered, Board};
use super::wire::{self, Call};

type Later<T> = Pin<Box<dyn Future<Output = Option<(String, T)>> + Send>>;

/// The replies that are still to come on one port, each with what the port needs to send it.
#[derive(Debug)]
pub struct Replies<T> {
    /// At most one: that to the piece of a push that was accepted last.
    next_turn: VecDeque<(String, T)>,
    later: FuturesUnordered<Later<T>>,
}

impl<T> Default for Replies<T> {
    fn default() -> Self {
        Self { next_turn: VecDeque::new(), later: FuturesUnordered::new() }
    }
}

impl<T: Send + 'static> Replies<T> {
    /// The replies that a call brings at once, if it was answered like this. A later one comes with `destination`.
    ///
    /// A reply in the next turn is overtaken by others, and leaves before the next one of its kind is due.
    pub fn to(&mut self, call: &Call, answered: Answered, board: &Board, destination: T) -> Vec<(String, T)> {
        let (call, id) = (call.clone(), board.id().to_owned());
        let reply = move |outcome| Some((wire::reply(&call, &id, &outcome)?, destination));
        match answered {
            Answered::Now(outcome) => reply(outcome).into_iter().collect(),
            Answered::NextTurn(outcome) => {
                let earlier = self.next_turn.drain(..).collect();
                self.next_turn.extend(reply(outcome));
                earlier
            }
            Answered::Later(outcome) => {
                self.later.push(Box::pin(async move { reply(outcome.await.ok()?) }));
                Vec::new()
            }
        }
    }

    /// The next reply that has taken its time. May be cancelled without losing one.
    pub async fn next(&mut self) -> (String, T) {
        poll_fn(|context| {
            // Without a reply, the device was switched off meanwhile, or none is wanted.
            while let Poll::Ready(Some(reply)) = self.later.poll_next_unpin(context) {
                if let Some(reply) = reply {
                    return Poll::Ready(reply);
                }
            }
            self.next_turn.pop_front().map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}
