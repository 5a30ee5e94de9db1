use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::{CallAnswer, CallContext, answers};
use crate::sim::config::Config;
use crate::sim::device::{Flash, SimulatedDevice};
use crate::sim::generation::Generation;
use crate::sim::service_set::Services;
use crate::sim::wire::Call;

const METHODS: [&str; 22] = [
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
    "Config.Save",
    "FS.List",
    "FS.ListExt",
    "FS.Get",
    "FS.Put",
    "FS.Remove",
    "FS.Rename",
    "Sys.SetDebug",
    "Sys.GetInfo",
    "Wifi.Scan",
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
        select(vec!["index.html", "conf9.json", "conf5.json.try", "/a", "update.timeout", "wifi"])
            .prop_map(Value::from),
        select(vec![
            json!({"update": {"timeout": 5}, "wifi": {"sta": {"enable": true, "ssid": "Lab"}}}),
            json!({"conf_acl": "-update.*,*", "debug": {"level": [1, {"x": 2}]}}),
        ]),
    ]
}

fn params() -> impl Strategy<Value = Value> {
    const NAMES: [&str; 28] = [
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
        "config",
        "value",
        "level",
        "save",
        "reboot",
        "try_once",
        "path",
        "filename",
        "append",
        "len",
        "src",
        "dst",
        "udp_log_addr",
        "file_level",
        "dev_type",
        "fs_type",
    ];
    let fields = prop::collection::btree_map(select(NAMES.to_vec()), value(), 0..6);
    prop_oneof![4 => fields.prop_map(|fields| json!(fields)), 1 => value()]
}

/// Calls a method of the device that `config` describes.
pub(super) fn make_call(
    device: &mut SimulatedDevice,
    config: &Config,
    (method, params): (&str, Value),
    times: usize,
    now: Instant,
) -> Vec<CallAnswer> {
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
        ip: "192.0.2.7",
        auth: None,
        update: &config.update,
        licensed: true,
        files: &config.files,
        unix_time: 0,
    };
    answers(device, &call, times, context, now)
}

proptest! {
    /// Makes random calls in random order. Each call has an answer, and the device can always boot.
    #[test]
    fn random_calls_are_answered_without_a_panic(
        calls in prop::collection::vec((select(METHODS.to_vec()), params(), 1..3_usize, 0..2000_u64), 0..40),
        generation in select(vec![Generation::Y2018, Generation::Y2019, Generation::Y2022]),
        services in select(vec![Services::ALL, Services::RECORDED]),
    ) {
        let config = Config { generation, services, ..Config::default() };
        let mut now = Instant::now();
        let mut device = SimulatedDevice::power_on(Flash::factory(config.factory.clone()), &config, now);
        for (method, params, times, pause) in calls {
            let answers = make_call(&mut device, &config, (method, params), times, now);
            prop_assert_eq!(answers.len(), times);
            prop_assert!(!answers.iter().any(|answer| matches!(answer, CallAnswer::Pending | CallAnswer::Replaces)));
            device.take_outcome();
            now += Duration::from_millis(pause);
            device.tick(now);
            prop_assert!(!device.firmware().version.is_empty());
        }
    }
}
