//! The methods of the device, and the exact words of their answers. `y2018` and `since2019` hold the methods in which
//! the generations differ.

mod args;
mod methods;
mod since2019;
mod y2018;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};
use tokio_tungstenite::tungstenite::Bytes;

use crate::sim::auth::Auth;
use crate::sim::device::{Device, Refusal, Slot, Terms};
use crate::sim::mac::mac;
use crate::sim::signing::UpdateConfig;
use crate::sim::wire::{Call, Failure, Outcome, quoted};
use methods::methods;

/// The device's answer to a call.
#[derive(Debug, PartialEq)]
pub enum Answer {
    /// At once.
    Now(Outcome),
    /// In the next turn of the device, after the replies to calls that arrived together with this one.
    NextTurn {
        /// The outcome.
        outcome: Outcome,
        /// The number of bytes that the device writes before it replies.
        bytes: usize,
    },
    /// When the download of a device of 2018 has ended.
    AfterDownload {
        /// The URL of the bundle.
        url: String,
        /// How long the download may take.
        timeout: Duration,
        /// The number of the update.
        number: u64,
    },
    /// When the pull that starts now has ended.
    Pull {
        /// The URL of the bundle.
        url: String,
        /// The timeouts that the caller asks for.
        terms: Terms,
        /// The number of the pull.
        number: u64,
    },
    /// When the update that already runs has ended.
    Waits,
    /// Not known before the turn is finished.
    Pending,
    /// Not known before the turn is finished. An earlier pending call is dismissed.
    Replaces,
    /// Never.
    Never,
}

impl Answer {
    /// Returns the outcome, if it is known.
    #[must_use]
    pub fn outcome(&self) -> Option<&Outcome> {
        match self {
            Self::Now(outcome) | Self::NextTurn { outcome, .. } => Some(outcome),
            _ => None,
        }
    }
}

/// The inputs of an answer besides the state of the device.
#[derive(Debug, Clone, Copy)]
pub struct CallContext<'a> {
    /// The device's id.
    pub id: &'a str,
    /// The caller's address, as `RPC.Ping` reports it.
    pub channel: &'a str,
    /// The device's own address.
    pub ip: &'a str,
    /// The credentials that the device accepts.
    pub auth: Option<&'a Auth>,
    /// The signatures that the device requires.
    pub update: &'a UpdateConfig,
    /// Whether it takes firmware from any URL.
    pub licensed: bool,
    /// The files in its file system, by name.
    pub files: &'a BTreeMap<String, Bytes>,
    /// The device's clock, as a Unix time in seconds.
    pub unix_time: u64,
}

/// Answers a call that the device runs `times` times in one turn.
///
/// All runs have arrived before the first one starts a shutdown, so no run gets error 418 because of an earlier one
/// (wire/mqtt.json, cases `ota_revert_uncommitted` and `sys_reboot_lockout`).
pub fn answers(device: &mut Device, call: &Call, times: usize, context: CallContext<'_>, now: Instant) -> Vec<Answer> {
    let left = device.shutting_down(now);
    let mut answers: Vec<Answer> = Vec::new();
    for _ in 0..times {
        let answer = match left {
            Some(left) => Answer::Now(Err(Failure::new(418, format!("shutting down in {} ms", left.as_millis())))),
            None => answer(device, call, context, now),
        };
        if answer == Answer::Replaces {
            settle(&mut answers, || Answer::Now(Err(Failure::new(-1, "Dismissed"))));
        }
        answers.push(answer);
    }
    let finished = device.finish_turn(now);
    settle(&mut answers, || match finished.clone() {
        Some((outcome, bytes)) => Answer::NextTurn { outcome: outcome.map(null), bytes },
        None => Answer::Never,
    });
    answers
}

/// Sets the answers of the pending calls.
fn settle(answers: &mut [Answer], with: impl Fn() -> Answer) {
    for answer in answers.iter_mut().filter(|answer| matches!(answer, Answer::Pending | Answer::Replaces)) {
        *answer = with();
    }
}

fn answer(device: &mut Device, call: &Call, context: CallContext<'_>, now: Instant) -> Answer {
    let by_fault = device.faults().answer(&call.method, device.runs_new_firmware(), device.generation());
    // A missing method is reported without authentication.
    let exists = by_fault.is_some() || methods(device).any(|(name, _)| name == call.method);
    if let (Some(auth), true, false) = (context.auth, exists, call.is_authorised)
        && let Err(refusal) = auth.check_frame(call.auth.as_ref(), context.unix_time)
    {
        return Answer::Now(Err(refusal));
    }
    if !exists {
        return Answer::Now(Err(no_handler(&call.method)));
    }
    if let Some(outcome) = by_fault {
        return Answer::Now(outcome);
    }
    let params = &call.params;
    let is_2018 = !device.generation().is_compiled();
    Answer::Now(match call.method.as_str() {
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
        "Config.Get" if is_2018 => y2018::config(params, &context),
        "Config.Get" => since2019::get_config(device, params),
        "Config.Set" => {
            device.change_settings(&params["config"]);
            Ok(null(()))
        }
        "Config.Save" => {
            since2019::save_config(device, params, now);
            Ok(null(()))
        }
        // Code 0 is success.
        "Sys.SetDebug" => Err(Failure::bare(0)),
        "Sys.GetInfo" => Ok(info(device, context, now)),
        "Sys.GetUID" => Ok(since2019::get_uid(device, &context)),
        "Sys.Reboot" => reboot(device, params, now),
        "RPC.Ping" => Ok(format!(r#"{{"channel_info": {}}}"#, quoted(context.channel))),
        "RPC.Describe" => describe(device, params),
        "RPC.List" => Ok(list(device)),
        other => Err(no_handler(other)),
    })
}

/// Returns the name of a method as the device has it. The case of a call's does not matter (wire/edge-frame.json, case `method_case`).
#[must_use]
pub fn method_name<'a>(device: &Device, method: &'a str) -> &'a str {
    methods(device).map(|(name, _)| name).find(|name| name.eq_ignore_ascii_case(method)).unwrap_or(method)
}

fn no_handler(method: &str) -> Failure {
    Failure::new(404, format!("No handler for {method}"))
}

fn create_snapshot(device: &mut Device, params: &Value, now: Instant) -> Outcome {
    let set_as_revert = params["set_as_revert"].as_bool().unwrap_or(false);
    device
        .create_snapshot(set_as_revert, args::natural(&params["commit_timeout"]), now)
        .map(|slot| format!(r#"{{"slot": {slot}}}"#))
        .map_err(|_| Failure::new(-1, "Cannot create snapshots in uncommitted state"))
}

/// The platforms that report the revert slot -1 when committed.
const WITHOUT_REVERT_SLOT: [&str; 2] = ["stm32", "rs14100"];

fn boot_state(device: &Device) -> String {
    let boot = device.flash().boot;
    let platform = device.firmware().platform.to_ascii_lowercase();
    let has_none = boot.is_committed && WITHOUT_REVERT_SLOT.iter().any(|name| platform.starts_with(name));
    let revert_slot = if has_none { "-1".into() } else { boot.revert_slot.to_string() };
    let fields = [
        ("active_slot", boot.active_slot.to_string()),
        ("is_committed", boot.is_committed.to_string()),
        ("revert_slot", revert_slot),
        ("commit_timeout", boot.commit_timeout.to_string()),
    ];
    let fields = fields.map(|(name, value)| {
        let value = device.faults().boot_state(name).map_or(value, Value::to_string);
        format!(r#""{name}": {value}"#)
    });
    format!("{{{}}}", fields.join(", "))
}

fn status(device: &Device, state: u8, message: &str, percent: u8, partition: Slot) -> String {
    let boot = device.flash().boot;
    format!(
        r#"{{"state": {state}, "message": "{message}", "is_committed": {}, "progress_percent": {percent}, "commit_timeout": {}, "partition": {partition}}}"#,
        boot.is_committed, boot.commit_timeout
    )
}

fn info(device: &Device, context: CallContext<'_>, now: Instant) -> String {
    let firmware = device.firmware();
    format!(
        concat!(
            r#"{{"id": {}, "app": {}, "fw_version": {}, "fw_id": {}, "mg_version": "2.20.0", "#,
            r#""mg_id": "20230111-000000/simulated", "mac": {}, "arch": {}, "uptime": {}, "public_key": null, "#,
            r#""ram_size": 295748, "ram_free": 227340, "ram_min_free": 216536, "#,
            r#""fs_size": 233681, "fs_free": 154118,"eth": {{"ip": {}}}}}"#,
        ),
        quoted(context.id),
        quoted(&firmware.app),
        quoted(&firmware.version),
        quoted(&firmware.build_id),
        quoted(&mac(context.id)),
        quoted(&firmware.platform),
        device.uptime(now).as_secs(),
        quoted(context.ip),
    )
}

fn reboot(device: &mut Device, params: &Value, now: Instant) -> Outcome {
    let delay = match &params["delay_ms"] {
        Value::Null => 100,
        delay => delay.as_u64().ok_or_else(|| Failure::new(400, "invalid delay value"))?,
    };
    device.reboot(Duration::from_millis(delay), now);
    Ok(null(()))
}

fn list(device: &Device) -> String {
    format!("[{}]", methods(device).map(|(name, _)| quoted(name)).collect::<Vec<_>>().join(","))
}

fn describe(device: &Device, params: &Value) -> Outcome {
    let name = params["name"].as_str().ok_or_else(|| Failure::new(400, "name is required"))?;
    match methods(device).find(|(method, _)| *method == name) {
        Some((method, args)) => Ok(format!(r#"{{"name": {}, "args_fmt": {}}}"#, quoted(method), quoted(args))),
        None => Err(Failure::new(404, "name not found")),
    }
}

fn refused(refusal: Refusal) -> Failure {
    Failure::bare(match refusal {
        Refusal::NothingPending | Refusal::Busy => -1,
        Refusal::BadSlot => -3,
    })
}

fn null((): ()) -> String {
    "null".into()
}

/// Returns the arguments of a call over `GET /rpc/Method?k=v`. Each value is raw JSON.
#[must_use]
pub fn params_from_query(query: &str) -> Value {
    let fields: Map<String, Value> = url::form_urlencoded::parse(query.as_bytes())
        .filter_map(|(key, value)| Some((key.into_owned(), serde_json::from_str(&value).ok()?)))
        .collect();
    if fields.is_empty() { Value::Null } else { fields.into() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;
    use serde_json::json;

    use super::*;
    use crate::sim::config::Config;
    use crate::sim::device::Flash;
    use crate::sim::generation::Generation;

    const METHODS: [&str; 12] = [
        "OTA.Update",
        "OTA.Begin",
        "OTA.Write",
        "OTA.End",
        "OTA.Status",
        "OTA.Commit",
        "OTA.Revert",
        "OTA.CreateSnapshot",
        "OTA.SetBootState",
        "Config.Get",
        "Config.Set",
        "Sys.Reboot",
    ];

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "[0-9A-Za-z+/=.!\n-]{0,12}".prop_map(Value::from),
            select(vec!["UEsDBBQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="])
                .prop_map(Value::from),
            (0..4_i64).prop_map(|number| Value::from(number * 3)),
        ]
    }

    fn params() -> impl Strategy<Value = Value> {
        const NAMES: [&str; 12] = [
            "url",
            "file",
            "timeout",
            "commit_timeout",
            "size",
            "offset",
            "data",
            "active_slot",
            "is_committed",
            "revert_slot",
            "key",
            "delay_ms",
        ];
        let fields = prop::collection::btree_map(select(NAMES.to_vec()), value(), 0..6);
        prop_oneof![4 => fields.prop_map(|fields| json!(fields)), 1 => value()]
    }

    proptest! {
        /// Makes any calls in any order. Each call has an answer, and the device can always boot.
        #[test]
        fn any_calls_are_answered_without_a_panic(
            calls in prop::collection::vec((select(METHODS.to_vec()), params(), 1..3_usize, 0..2000_u64), 0..40),
            generation in select(vec![Generation::Y2018, Generation::Y2019, Generation::Y2022]),
        ) {
            let config = Config { generation, ..Config::default() };
            let mut now = Instant::now();
            let mut device = Device::power_on(Flash::factory(config.factory.clone()), &config, now);
            for (method, params, times, pause) in calls {
                let call = Call {
                    id: Some("1".into()),
                    src: None,
                    tag: None,
                    method: method.into(),
                    params,
                    auth: None,
                    is_authorised: true,
                };
                let context = CallContext {
                    id: &config.id,
                    channel: "",
                    ip: "",
                    auth: None,
                    update: &config.update,
                    licensed: true,
                    files: &config.files,
                    unix_time: 0,
                };
                let answers = answers(&mut device, &call, times, context, now);
                prop_assert_eq!(answers.len(), times);
                prop_assert!(!answers.iter().any(|answer| matches!(answer, Answer::Pending | Answer::Replaces)));
                device.take_outcome();
                now += Duration::from_millis(pause);
                device.tick(now);
                prop_assert!(!device.firmware().version.is_empty());
            }
        }
    }
}
