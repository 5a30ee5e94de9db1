//! What becomes of the replies: whether they leave the device, and when.

use std::time::Instant;

use crate::sim::device::Device;
use crate::sim::fault::effects::ReplyDelivery;
use crate::sim::services::CallAnswer;
use crate::sim::wire::{Failure, Outcome};

/// What becomes of each answer to one call, which was run once or more.
pub(super) fn deliver(
    device: &mut Device,
    method: &str,
    answers: Vec<CallAnswer>,
    now: Instant,
) -> Vec<(CallAnswer, ReplyDelivery)> {
    // A call that was turned away is made again, and a fault that strikes once waits for it.
    let was_carried_out = answers.iter().any(|answer| !is_turned_away(answer));
    let leaves: Vec<_> =
        answers.iter().map(|answer| answer.outcome().is_none_or(|o| goes_out(device, method, o, now))).collect();
    let delivery = if was_carried_out { device.faults_mut().delivery(method, now) } else { ReplyDelivery::AtOnce };
    let answers = answers.into_iter().zip(leaves);
    answers.map(|(answer, leaves)| (answer, if leaves { delivery } else { ReplyDelivery::Never })).collect()
}

/// Whether a reply with this outcome leaves the device now.
pub(super) fn goes_out(device: &mut Device, method: &str, outcome: &Outcome, now: Instant) -> bool {
    device.can_reply(now) && !device.faults_mut().suppresses(method, outcome)
}

fn is_turned_away(answer: &CallAnswer) -> bool {
    matches!(answer, CallAnswer::Now(Err(Failure { code: 401 | 404 | 418, .. })))
}
