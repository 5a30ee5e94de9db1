//! The methods for settings, files, Wi-Fi and the log.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::CallAnswer;
use super::tests::make_call;
use crate::sim::config::Config;
use crate::sim::device::{Flash, SimulatedDevice};
use crate::sim::generation::Generation;
use crate::sim::service_set::Services;
use crate::sim::wire::MethodError;

/// A device, and the time at which it is called.
struct Bench {
    device: SimulatedDevice,
    config: Config,
    now: Instant,
}

impl Bench {
    fn new(generation: Generation, services: Services) -> Self {
        let config = Config { generation, services, ..Config::default() };
        let now = Instant::now();
        Self { device: SimulatedDevice::power_on(Flash::factory(config.factory.clone()), &config, now), config, now }
    }

    fn modern() -> Self {
        Self::new(Generation::Y2022, Services::ALL)
    }

    /// Returns the text of the result.
    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "the callers write the value where they pass it")]
    fn ok(&mut self, method: &str, params: Value) -> String {
        self.call(method, params.clone()).unwrap_or_else(|error| panic!("{method} {params}: {}", error.to_json()))
    }

    #[track_caller]
    fn error(&mut self, method: &str, params: Value) -> (i64, String) {
        let error = self.call(method, params).expect_err("an error");
        (error.code, error.message.unwrap_or_default())
    }

    fn call(&mut self, method: &str, params: Value) -> Result<String, MethodError> {
        match make_call(&mut self.device, &self.config, (method, params), 1, self.now).remove(0) {
            CallAnswer::Now(outcome) => outcome,
            other => panic!("{method}: {other:?}"),
        }
    }

    fn wait(&mut self, seconds: u64) {
        for _ in 0..seconds * 10 {
            self.now += Duration::from_millis(100);
            self.device.tick(self.now);
        }
    }

    fn read(&mut self, key: &str) -> String {
        self.ok("Config.Get", json!({"key": key}))
    }
}

#[test]
fn config_set_answers_whether_it_saved() {
    let mut bench = Bench::modern();
    let timeout = |seconds: u64| json!({"update": {"timeout": seconds}});
    assert_eq!(bench.ok("Config.Set", json!({"config": timeout(5)})), r#"{"saved": false}"#);
    assert_eq!(bench.read("update.timeout"), "5");
    assert_eq!(bench.ok("Config.Set", json!({"config": timeout(6), "reboot": true})), r#"{"saved": false}"#);
    bench.wait(2);
    assert_eq!(bench.device.boots(), 1, "a reboot belongs to a save");
    let save = json!({"value": 7, "key": "update.timeout", "save": true, "reboot": true});
    assert_eq!(bench.ok("Config.Set", save), r#"{"saved": true}"#);
    bench.wait(2);
    assert_eq!((bench.device.boots(), bench.read("update.timeout").as_str()), (2, "7"));
    bench.ok("Config.Set", json!({"config": timeout(9), "save": true, "try_once": true, "reboot": true}));
    for expected in ["9", "7"] {
        bench.wait(2);
        assert_eq!(bench.read("update.timeout"), expected);
        bench.ok("Sys.Reboot", json!({}));
    }
}

#[test]
fn config_save_saves_the_settings_of_the_boot() {
    let mut bench = Bench::modern();
    bench.ok("Config.Set", json!({"config": {"update": {"timeout": 5}}}));
    assert_eq!(bench.ok("Config.Save", json!({"reboot": true})), r#"{"saved": true}"#);
    bench.wait(2);
    assert_eq!((bench.device.boots(), bench.read("update.timeout").as_str()), (2, "5"));
    bench.ok("Config.Set", json!({"config": {"wifi": {"sta": {"enable": true}}}}));
    let message = "error saving config: STA SSID must be between 1 and 31 chars";
    assert_eq!(bench.error("Config.Save", json!({"reboot": true})), (-1, message.into()));
    bench.wait(2);
    assert_eq!(bench.device.boots(), 2, "no reboot without a save");
}

#[test]
fn config_levels_are_read_and_saved() {
    let mut bench = Bench::modern();
    let at_level = |level: i64, save: bool| json!({"key": "update.timeout", "value": 50, "level": level, "save": save});
    assert_eq!(bench.ok("Config.Set", at_level(5, false)), r#"{"saved": false}"#);
    assert_eq!(bench.ok("Config.Get", json!({"key": "update.timeout", "level": 5})), "600", "dropped");
    assert_eq!(bench.ok("Config.Set", at_level(5, true)), r#"{"saved": true}"#);
    for (level, expected) in [(-1, "600"), (0, "600"), (4, "600"), (5, "50"), (8, "50"), (9, "600")] {
        let get = json!({"key": "update.timeout", "level": level});
        assert_eq!(bench.ok("Config.Get", get), expected, "level {level}");
    }
    assert_eq!(bench.error("Config.Set", at_level(0, true)), (400, "not allowed".into()));
    assert!(bench.ok("FS.List", json!({})).contains("conf5.json"));
}

#[test]
fn config_refusals_are_those_of_the_library() {
    let mut bench = Bench::modern();
    for (params, code, message) in [
        (json!({}), 400, "value is required"),
        (Value::Null, 400, "value is required"),
        (json!({"key": "update.url", "value": ""}), 400, "value is required"),
        (json!({"key": "update.nope", "value": 1}), 404, "invalid config key"),
        (
            json!({"config": {"update": {"timeout": "60"}}}),
            400,
            "invalid config value: [update.timeout] is not a number",
        ),
        (json!({"key": "update", "value": {"timeout": true}}), 400, "invalid config value: [timeout] is not a number"),
        (json!({"key": "mqtt.enable", "value": 1}), 400, "invalid config value: [] is not a boolean"),
    ] {
        assert_eq!(bench.error("Config.Set", params.clone()), (code, message.into()), "{params}");
    }
    for params in [json!({"config": {"nope": 1}}), json!({"config": {"update": 5}}), json!({"config": null})] {
        assert_eq!(bench.ok("Config.Set", params.clone()), r#"{"saved": false}"#, "{params}");
    }
    assert_eq!(
        bench.error("Config.Get", json!({"key": "update.nope", "level": 5})),
        (404, "invalid config key".into())
    );
}

#[test]
fn library_of_2018_ignores_what_it_does_not_know() {
    let mut bench = Bench::new(Generation::Y2018, Services::ALL);
    let params = json!({"config": {"update": {"timeout": 5, "url": 1}}, "save": true, "reboot": true, "level": 0});
    assert_eq!(bench.ok("Config.Set", params), "null");
    assert_eq!(bench.read("update.timeout"), "5");
    bench.wait(2);
    assert_eq!(bench.device.boots(), 1);
    assert_eq!(bench.ok("Config.Save", json!({"reboot": true})), "null");
    bench.wait(2);
    assert_eq!((bench.device.boots(), bench.read("update.timeout").as_str()), (2, "5"));
    bench.ok("FS.Put", json!({"filename": "a", "data": "QUFB", "offset": 9}));
    assert_eq!(bench.ok("FS.Get", json!({"filename": "a"})), r#"{"data": "QUFB", "left": 0}"#, "no offset");
    assert_eq!(bench.error("FS.Rename", json!({})), (404, "No handler for FS.Rename".into()));
}

/// Makes the calls of `mos put`, `mos get`, `mos ls` and `mos rm`.
#[test]
fn file_is_written_and_read_in_pieces() {
    let mut bench = Bench::modern();
    let put = |offset: u64, append: bool, data: &str| json!({"filename": "a.txt", "offset": offset, "append": append, "data": data});
    assert_eq!(bench.ok("FS.Put", put(0, false, "b25l")), "null");
    assert_eq!(bench.ok("FS.Put", put(3, true, "dHdv")), "null");
    assert_eq!(bench.ok("FS.Put", put(3, true, "dHdv")), "null", "a repeated piece does no harm");
    let get = |offset: i64, len: i64| json!({"filename": "/a.txt", "offset": offset, "len": len});
    assert_eq!(bench.ok("FS.Get", get(0, 4)), r#"{"data": "b25ldA==", "left": 2}"#);
    assert_eq!(bench.ok("FS.Get", get(4, 512)), r#"{"data": "d28=", "left": 0}"#);
    assert_eq!(bench.ok("FS.Get", get(99, -1)), r#"{"data": "", "left": 0}"#);
    assert_eq!(bench.ok("FS.List", json!({"path": "/"})), r#"["a.txt","ca.pem","conf0.json","index.html"]"#);
    let long = bench.ok("FS.ListExt", json!({"path": "/"}));
    assert!(long.starts_with(r#"[{"name": "a.txt", "size": 6},{"name": "ca.pem", "size": "#), "{long}");
    assert_eq!(bench.ok("FS.ListExt", json!({"path": "/nope"})), "[]");
    assert_eq!(bench.ok("FS.Rename", json!({"src": "a.txt", "dst": "index.html"})), "null");
    assert_eq!(bench.ok("FS.Get", json!({"filename": "index.html"})), r#"{"data": "b25ldHdv", "left": 0}"#);
    assert_eq!(bench.ok("FS.Remove", json!({"filename": "index.html"})), "null");
    assert_eq!(bench.ok("FS.List", json!({})), r#"["ca.pem","conf0.json"]"#);
}

#[test]
fn file_refusals_are_those_of_the_library() {
    let mut bench = Bench::modern();
    let long = "n".repeat(32);
    for (method, params, code, message) in [
        ("FS.Get", json!({}), 400, "filename is required"),
        ("FS.Get", json!({"filename": "nope"}), 400, "failed to open file \"nope\""),
        ("FS.Get", json!({"filename": "ca.pem", "offset": -1}), 400, "illegal offset"),
        ("FS.Put", json!({"data": "QUFB"}), 400, "filename is required"),
        ("FS.Put", json!({"filename": ""}), 400, "failed to open file \"\""),
        ("FS.Put", json!({"filename": long}), 400, &format!("failed to open file \"{long}\"")),
        ("FS.Put", json!({"filename": "nope", "offset": 3}), 400, "failed to open file \"nope\""),
        ("FS.Put", json!({"filename": "ca.pem", "offset": 9999}), 400, "failed to seek to 9999"),
        ("FS.Remove", json!({}), 400, "filename is required"),
        ("FS.Remove", json!({"filename": "nope"}), 500, "remove failed"),
        ("FS.Rename", json!({"src": "ca.pem"}), 400, "src and dst are required"),
        ("FS.Rename", json!({"src": "nope", "dst": "x"}), 500, "rename failed"),
        ("FS.Mkfs", json!({}), 400, "fs_type is required"),
        ("FS.Mkfs", json!({"dev_type": "ram", "fs_type": "SPIFFS"}), 500, "mkfs failed"),
        ("FS.Mount", json!({"path": "/x"}), 400, "path and fs_type is required"),
        ("FS.Umount", json!({}), 400, "path is required"),
        ("FS.Umount", json!({"path": "/"}), 500, "umount failed"),
    ] {
        assert_eq!(bench.error(method, params.clone()), (code, message.into()), "{method} {params}");
    }
}

#[test]
fn full_file_system_refuses_data_and_settings() {
    let mut bench = Bench::modern();
    let piece = "QUFB".repeat(8000);
    let fill = json!({"filename": "big", "append": true, "data": piece});
    let free = |info: &str| serde_json::from_str::<Value>(info).expect("JSON")["fs_free"].as_u64().expect("a number");
    let before = free(&bench.ok("Sys.GetInfo", json!({})));
    while bench.call("FS.Put", fill.clone()).is_ok() {}
    assert_eq!(bench.error("FS.Put", fill), (500, "failed to write data".into()));
    assert!(free(&bench.ok("Sys.GetInfo", json!({}))) < 1024 && before > 200_000, "{before}");
    assert_eq!(bench.error("FS.Get", json!({"filename": "big"})), (500, "out of memory".into()));
    let _ = bench.call("FS.Put", json!({"filename": "one-more", "data": ""}));
    let url = json!({"config": {"update": {"url": "u".repeat(3000)}}, "save": true});
    assert_eq!(bench.error("Config.Set", url), (-1, "error saving config: failed to write file".into()));
}

#[test]
fn wifi_follows_the_settings_of_the_boot() {
    let mut bench = Bench::modern();
    let info = |bench: &mut Bench| {
        let info: Value = serde_json::from_str(&bench.ok("Sys.GetInfo", json!({}))).expect("JSON");
        [&info["wifi"]["status"], &info["wifi"]["ssid"], &info["wifi"]["sta_ip"]]
            .map(|text| text.as_str().map(str::to_owned))
    };
    let expected = |values: [&str; 3]| values.map(|text| Some(text.to_owned()));
    assert_eq!(info(&mut bench), expected(["disconnected", "", ""]));
    for (ssid, password, shown) in [
        ("Lab", "12345678", ["got ip", "Lab", "192.0.2.7"]),
        ("Guests", "", ["got ip", "Guests", "192.0.2.7"]),
        ("Guests", "12345678", ["connecting", "", ""]),
        ("Lab", "", ["connecting", "", ""]),
        ("Nowhere", "12345678", ["connecting", "", ""]),
    ] {
        let sta = json!({"enable": true, "ssid": ssid, "pass": password});
        let before = info(&mut bench);
        bench.ok("Config.Set", json!({"key": "wifi.sta", "value": sta, "save": true, "reboot": true}));
        assert_eq!(info(&mut bench), before, "not before the reboot");
        bench.wait(2);
        assert_eq!(info(&mut bench), expected(shown), "{ssid}");
    }
    let scan: Value = serde_json::from_str(&bench.ok("Wifi.Scan", Value::Null)).expect("JSON");
    assert_eq!(scan["results"][1], json!({"ssid": "Lab", "auth": 4, "channel": 6, "rssi": -58}));
}

#[test]
fn log_is_set_until_the_next_reboot() {
    let mut bench = Bench::modern();
    for (params, code, message) in [
        (json!({"udp_log_addr": "192.0.2.1:2222", "level": 3, "file_level": "mg_rpc.c=4"}), 0, ""),
        (json!({"level": -2}), 0, ""),
        (json!({}), 0, ""),
        (json!({"level": 5}), 400, "invalid level"),
        (json!({"udp_log_addr": "nowhere"}), 400, "invalid udp_log_addr"),
    ] {
        assert_eq!(bench.error("Sys.SetDebug", params.clone()), (code, message.into()), "{params}");
        let log = bench.device.log_settings();
        assert_eq!((log.udp_addr.as_str(), log.level, log.file_level.as_str()), ("192.0.2.1:2222", 3, "mg_rpc.c=4"));
    }
    bench.ok("Sys.Reboot", json!({}));
    bench.wait(2);
    assert_eq!((bench.device.log_settings().udp_addr.as_str(), bench.device.log_settings().level), ("", 2));
    let mut recorded = Bench::new(Generation::Y2022, Services::RECORDED);
    let message = "MGOS_ENABLE_DEBUG_UDP is not enabled";
    assert_eq!(recorded.error("Sys.SetDebug", json!({"udp_log_addr": "192.0.2.1:2222"})), (501, message.into()));
}

#[test]
fn each_listed_method_is_described_and_answers() {
    for generation in [Generation::Y2018, Generation::Y2019, Generation::Y2022] {
        for (services, others) in [(Services::ALL, true), (Services::RECORDED, false)] {
            let mut bench = Bench::new(generation, services);
            let list: Vec<String> = serde_json::from_str(&bench.ok("RPC.List", Value::Null)).expect("a list");
            for method in ["FS.Put", "Wifi.Scan"] {
                assert_eq!(list.iter().any(|name| name == method), others, "{method}: {list:?}");
            }
            for method in list {
                let mut bench = Bench::new(generation, services);
                bench.ok("RPC.Describe", json!({"name": method}));
                let answers = make_call(&mut bench.device, &bench.config, (&method, json!({})), 1, bench.now);
                let message = format!("No handler for {method}");
                let missing = |answer: &CallAnswer| matches!(answer, CallAnswer::Now(Err(error)) if error.message.as_ref() == Some(&message));
                assert!(!answers.iter().any(missing), "{generation:?}: {method}");
            }
        }
    }
}
