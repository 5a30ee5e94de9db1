//! The methods of the device.
//!
//! - [`answers`] runs a call, and [`CallAnswer`] tells when it is answered;
//! - `replies` writes the exact text of the replies, and `args` reads the arguments;
//! - `methods` lists the methods; `y2018` and `since2019` implement those in which the generations differ;
//! - `config`, `files`, `wifi` and `log` implement those of the other services.

mod answer;
mod args;
mod config;
mod files;
mod log;
mod methods;
mod replies;
mod since2019;
mod wifi;
mod y2018;

#[cfg(test)]
mod other_services_tests;
#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use crate::sim::device::SimulatedDevice;
use crate::sim::service_set::Services;
use crate::sim::wire::{Call, MethodError, Outcome, quoted};
use methods::methods;
use replies::{boot_state, describe, info, list, null, refused};

pub use answer::{CallAnswer, CallContext};

/// Answers a call that the device runs `times` times in one turn.
///
/// All runs arrive before the first run starts a shutdown. No run gets error 418 because of an earlier one
/// (wire/mqtt.json, cases `ota_revert_uncommitted` and `sys_reboot_lockout`).
pub fn answers(
    device: &mut SimulatedDevice,
    call: &Call,
    times: usize,
    context: CallContext<'_>,
    now: Instant,
) -> Vec<CallAnswer> {
    let shutdown_in = device.shutting_down(now);
    let mut answers: Vec<CallAnswer> = Vec::new();
    for _ in 0..times {
        let answer = match shutdown_in {
            Some(left) => {
                CallAnswer::Now(Err(MethodError::new(418, format!("shutting down in {} ms", left.as_millis()))))
            }
            None => answer(device, call, context, now),
        };
        if answer == CallAnswer::Replaces {
            settle(&mut answers, || CallAnswer::Now(Err(MethodError::new(-1, "Dismissed"))));
        }
        answers.push(answer);
    }
    let finished = device.finish_turn(now);
    settle(&mut answers, || match finished.clone() {
        Some((outcome, bytes)) => CallAnswer::NextTurn { outcome: outcome.map(null), bytes },
        None => CallAnswer::Never,
    });
    answers
}

/// Sets the answers of the pending calls.
fn settle(answers: &mut [CallAnswer], new_answer: impl Fn() -> CallAnswer) {
    for answer in answers.iter_mut().filter(|answer| matches!(answer, CallAnswer::Pending | CallAnswer::Replaces)) {
        *answer = new_answer();
    }
}

/// Answers one run of a call.
fn answer(device: &mut SimulatedDevice, call: &Call, context: CallContext<'_>, now: Instant) -> CallAnswer {
    let by_fault = device.faults().answer(&call.method, device.runs_new_firmware(), device.generation());
    // A missing method is reported without authentication.
    let exists = by_fault.is_some() || methods(device).any(|(name, _)| name == call.method);
    if let (Some(auth), true, false) = (context.auth, exists, call.is_authorised)
        && let Err(refusal) = auth.check_frame(call.auth.as_ref(), context.unix_time)
    {
        return CallAnswer::Now(Err(refusal));
    }
    if !exists {
        return CallAnswer::Now(Err(no_handler(&call.method)));
    }
    if let Some(outcome) = by_fault {
        return CallAnswer::Now(outcome);
    }
    let params = &call.params;
    let is_2018 = !device.generation().is_compiled();
    CallAnswer::Now(match call.method.as_str() {
        "OTA.Update" if is_2018 => return y2018::update(device, params),
        "OTA.Update" => return since2019::update(device, params, &context, now),
        "OTA.Begin" => since2019::begin(device, params, now),
        "OTA.Write" => return since2019::write(device, params),
        "OTA.End" => return since2019::end(device),
        "OTA.Commit" => device.commit().map_err(refused).map(null),
        "OTA.Revert" => device.revert(now).map_err(refused).map(null),
        "OTA.CreateSnapshot" => create_snapshot(device, params, now),
        "OTA.GetBootState" => Ok(boot_state(device)),
        "OTA.SetBootState" if is_2018 => y2018::set_boot_state(device, params),
        "OTA.SetBootState" => since2019::set_boot_state(device, params),
        "OTA.Status" if is_2018 => Ok(y2018::status(device)),
        "OTA.Status" => Ok(since2019::status(device)),
        "Config.Get" if is_2018 && device.services() == Services::RECORDED => y2018::config(params, &context),
        "Config.Get" => config::get(device, params),
        "Config.Set" => config::set(device, params, now),
        "Config.Save" => config::save(device, params, now),
        "FS.List" => Ok(files::list(device)),
        "FS.ListExt" => Ok(files::list_ext(device, params)),
        "FS.Get" => files::get(device, params),
        "FS.Put" => files::put(device, params),
        "FS.Remove" => files::remove(device, params),
        "FS.Rename" => files::rename(device, params),
        method @ ("FS.Mkfs" | "FS.Mount" | "FS.Umount") => Err(files::refuse(method, params)),
        "Wifi.Scan" => Ok(wifi::scan()),
        "Sys.SetDebug" => Err(log::set_debug(device, params)),
        "Sys.GetInfo" => Ok(info(device, context, now)),
        "Sys.GetUID" => Ok(since2019::get_uid(device, &context)),
        "Sys.Reboot" => reboot(device, params, now),
        "RPC.Ping" => Ok(format!(r#"{{"channel_info": {}}}"#, quoted(context.channel))),
        "RPC.Describe" => describe(device, params),
        "RPC.List" => Ok(list(device)),
        other => Err(no_handler(other)),
    })
}

/// Returns the device's spelling of a method. A call may use any case (wire/edge-frame.json, case `method_case`).
#[must_use]
pub fn method_name<'a>(device: &SimulatedDevice, method: &'a str) -> &'a str {
    methods(device).map(|(name, _)| name).find(|name| name.eq_ignore_ascii_case(method)).unwrap_or(method)
}

fn no_handler(method: &str) -> MethodError {
    MethodError::new(404, format!("No handler for {method}"))
}

fn create_snapshot(device: &mut SimulatedDevice, params: &Value, now: Instant) -> Outcome {
    let set_as_revert = params["set_as_revert"].as_bool().unwrap_or(false);
    device
        .create_snapshot(set_as_revert, args::natural(&params["commit_timeout"]), now)
        .map(|slot| format!(r#"{{"slot": {slot}}}"#))
        .map_err(|_| MethodError::new(-1, "Cannot create snapshots in uncommitted state"))
}

fn reboot(device: &mut SimulatedDevice, params: &Value, now: Instant) -> Outcome {
    let delay = match &params["delay_ms"] {
        Value::Null => 100,
        delay => delay.as_u64().ok_or_else(|| MethodError::new(400, "invalid delay value"))?,
    };
    device.reboot(Duration::from_millis(delay), now);
    Ok(null(()))
}

/// Returns the arguments of a call over `GET /rpc/Method?k=v`. Each value is raw JSON; other values are ignored.
#[must_use]
pub fn params_from_query(query: &str) -> Value {
    let fields: Map<String, Value> = url::form_urlencoded::parse(query.as_bytes())
        .filter_map(|(key, value)| Some((key.into_owned(), serde_json::from_str(&value).ok()?)))
        .collect();
    if fields.is_empty() { Value::Null } else { fields.into() }
}
