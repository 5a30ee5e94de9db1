//! A small question that tells a line that loses pieces from a busy device.
//!
//! Both are silent. But after a loss, the device answers a question that was sent after the pieces; while it erases flash, it does not.

use std::pin::Pin;
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep_until};

use crate::rpc::Device;

/// The least time without an acknowledgement before the device is asked.
pub(super) const ASK_AFTER: Duration = Duration::from_secs(2);

/// The question, repeated if it is lost. Nothing is asked on a transport that loses no requests.
pub(super) struct PingProbe<'a> {
    device: &'a Device,
    not_before: Option<Instant>,
    question: Option<Pin<Box<dyn Future<Output = bool> + Send + 'a>>>,
}

impl<'a> PingProbe<'a> {
    pub(super) fn new(device: &'a Device) -> Self {
        Self { device, not_before: None, question: None }
    }

    /// Cancels the question. Used after an acknowledgement.
    pub(super) fn reset(&mut self) {
        self.question = None;
    }

    /// Asks the device at `ask_at`, and again later if the question is lost. Returns when the device has answered. Cancel safe.
    pub(super) async fn answered(&mut self, ask_at: Instant) {
        if !self.device.may_lose_requests() {
            return std::future::pending().await;
        }
        loop {
            if let Some(question) = &mut self.question {
                let is_answered = question.await;
                self.question = None;
                if is_answered {
                    return;
                }
            }
            sleep_until(self.not_before.map_or(ask_at, |at| at.max(ask_at))).await;
            self.not_before = Some(Instant::now() + ASK_AFTER);
            let device = self.device;
            // Sent once: a second copy would mean to the transport that it sends too fast, and the device may only be busy.
            self.question = Some(Box::pin(async move {
                let answer = device.call_raw("RPC.Ping", Value::Null, false, ASK_AFTER).await;
                answer.map_or_else(|error| error.remote_error().is_some(), |_| true)
            }));
        }
    }
}
