use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::{CallAnswer, CallContext, answers};
use crate::sim::config::Config;
use crate::sim::device::{Flash, SimulatedDevice};
use crate::sim::generation::Generation;
use crate::sim::wire::Call;

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
    /// Makes random calls in random order. Each call has an answer, and the device can always boot.
    #[test]
    fn random_calls_are_answered_without_a_panic(
        calls in prop::collection::vec((select(METHODS.to_vec()), params(), 1..3_usize, 0..2000_u64), 0..40),
        generation in select(vec![Generation::Y2018, Generation::Y2019, Generation::Y2022]),
    ) {
        let config = Config { generation, ..Config::default() };
        let mut now = Instant::now();
        let mut device = SimulatedDevice::power_on(Flash::factory(config.factory.clone()), &config, now);
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
            prop_assert!(!answers.iter().any(|answer| matches!(answer, CallAnswer::Pending | CallAnswer::Replaces)));
            device.take_outcome();
            now += Duration::from_millis(pause);
            device.tick(now);
            prop_assert!(!device.firmware().version.is_empty());
        }
    }
}
