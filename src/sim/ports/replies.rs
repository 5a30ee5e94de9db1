//! The replies of one port: sent at once, in the next turn of the device, or later while other calls are answered.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

use crate::sim::board::Board;
use crate::sim::board::calls::ScheduledReply;
use crate::sim::wire::{self, Call};

/// A reply that is sent later. `None`: no reply is sent.
type LaterReply<T> = Pin<Box<dyn Future<Output = Option<(String, T)>> + Send>>;

/// The outstanding replies of one port. Each reply has a destination of type `T`.
#[derive(Debug)]
pub struct Replies<T> {
    /// The reply to the last accepted piece of a push.
    next_turn: Option<(String, T)>,
    later: FuturesUnordered<LaterReply<T>>,
}

impl<T> Default for Replies<T> {
    fn default() -> Self {
        Self { next_turn: None, later: FuturesUnordered::new() }
    }
}

impl<T: Send + 'static> Replies<T> {
    /// Returns the replies that are sent at once after a call with this answer.
    ///
    /// [`Self::next`] returns a later reply, with `destination`. Other replies may overtake a reply of the next turn. A
    /// reply of the next turn is sent at the latest when the next such reply is queued.
    pub fn to(&mut self, call: &Call, scheduled: ScheduledReply, board: &Board, destination: T) -> Vec<(String, T)> {
        let omits_result = board.omits_result();
        let reply = move |call: &Call, id: &str, outcome| {
            let outcome = if omits_result { wire::without_null(outcome) } else { outcome };
            Some((wire::reply(call, id, &outcome)?, destination))
        };
        match scheduled {
            ScheduledReply::Now(outcome) => reply(call, board.id(), outcome).into_iter().collect(),
            ScheduledReply::NextTurn(outcome) => {
                std::mem::replace(&mut self.next_turn, reply(call, board.id(), outcome)).into_iter().collect()
            }
            ScheduledReply::Later(outcome) => {
                let (call, id) = (call.clone(), board.id().to_owned());
                self.later.push(Box::pin(async move { reply(&call, &id, outcome.await.ok()?) }));
                Vec::new()
            }
        }
    }

    /// Waits for the next outstanding reply. Cancelling the call loses no reply.
    pub async fn next(&mut self) -> (String, T) {
        poll_fn(|context| {
            // `None`: the device has been switched off, or the call has no id.
            while let Poll::Ready(Some(reply)) = self.later.poll_next_unpin(context) {
                if let Some(reply) = reply {
                    return Poll::Ready(reply);
                }
            }
            self.next_turn.take().map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}
