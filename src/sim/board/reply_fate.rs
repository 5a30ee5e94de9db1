//! Decides whether and when replies leave the device.

use std::time::Instant;

use crate::sim::device::SimulatedDevice;
use crate::sim::fault::effects::ReplyDelivery;
use crate::sim::services::CallAnswer;
use crate::sim::wire::{MethodError, Outcome};

/// Decides how each answer to a call is delivered. The device has run the call once for each answer.
pub(super) fn decide_deliveries(
    device: &mut SimulatedDevice,
    method: &str,
    answers: Vec<CallAnswer>,
    now: Instant,
) -> Vec<(CallAnswer, ReplyDelivery)> {
    // A client repeats a rejected call. A one-time fault has to affect the repeated call.
    let was_carried_out = answers.iter().any(|answer| !is_rejected(answer));
    let can_leave: Vec<_> = answers
        .iter()
        .map(|answer| answer.outcome().is_none_or(|outcome| leaves_device(device, method, outcome, now)))
        .collect();
    let delivery = if was_carried_out { device.faults_mut().delivery(method, now) } else { ReplyDelivery::AtOnce };
    let answers = answers.into_iter().zip(can_leave);
    answers.map(|(answer, can_leave)| (answer, if can_leave { delivery } else { ReplyDelivery::Never })).collect()
}

/// Tells whether a reply with this outcome leaves the device now.
pub(super) fn leaves_device(device: &mut SimulatedDevice, method: &str, outcome: &Outcome, now: Instant) -> bool {
    device.can_reply(now) && !device.faults_mut().suppresses(method, outcome)
}

/// Tells whether the device has rejected the call instead of carrying it out.
fn is_rejected(answer: &CallAnswer) -> bool {
    matches!(answer, CallAnswer::Now(Err(MethodError { code: 401 | 404 | 418, .. })))
}
