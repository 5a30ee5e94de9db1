//! What the replies of a device tell about it, kept for the completions.

use std::path::Path;

use serde_json::Value;

use super::device_key::DeviceKey;
use super::knowledge::{self, Knowledge};
use super::words;

/// A call whose reply tells something about the device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Lesson {
    /// `RPC.List`: the methods.
    Methods,
    /// `RPC.Describe`: the arguments of this method.
    Arguments(String),
    /// `Config.Get`: the configuration, or the part below this path.
    Config(String),
}

impl Lesson {
    /// Returns what the reply of a call tells. `None`: nothing that is kept.
    pub(crate) fn of_call(method: &str, params: &Value) -> Option<Self> {
        let text = |name: &str| params.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        match method {
            "RPC.List" => Some(Self::Methods),
            "RPC.Describe" => Some(Self::Arguments(text("name"))),
            "Config.Get" => Some(Self::Config(text("key"))),
            _ => None,
        }
    }

    /// Keeps what a reply tells. Of a configuration, only the paths are kept: its values may be secrets.
    ///
    /// A failure is only logged: the command has done what it was to do.
    pub(crate) fn keep(self, device: Option<&DeviceKey>, reply: &Value) {
        let Some((device, directory)) = device.zip(knowledge::directory()) else { return };
        if let Err(error) = self.keep_in(&directory, device, reply) {
            tracing::debug!(%error, directory = %directory.display(), "cannot write what completions offer");
        }
    }

    fn keep_in(self, directory: &Path, device: &DeviceKey, reply: &Value) -> std::io::Result<()> {
        let before = Knowledge::read(directory, device);
        let mut knowledge = before.clone();
        match self {
            Self::Methods => {
                let methods = reply.as_array().into_iter().flatten().filter_map(Value::as_str);
                knowledge.methods = methods.map(ToOwned::to_owned).collect();
                knowledge = knowledge.cleaned();
                let methods = &knowledge.methods;
                knowledge.arguments.retain(|method, _| methods.contains(method));
            }
            Self::Arguments(method) => {
                let format = reply.get("args_fmt").and_then(Value::as_str).unwrap_or_default();
                knowledge.arguments.insert(method, words::arguments(format));
            }
            Self::Config(root) => {
                let paths = words::paths(&root, reply);
                let is_below = |path: &String| {
                    root.is_empty()
                        || path.strip_prefix(&root).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
                };
                knowledge.paths.retain(|path| !is_below(path));
                knowledge.paths.extend(paths);
            }
        }
        let knowledge = knowledge.cleaned();
        if knowledge == before { Ok(()) } else { knowledge.write(directory, device) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn replies_of_three_methods_are_kept_for_each_device() {
        let root = tempfile::tempdir().expect("a directory");
        let [bench1, bench2] = ["bench1", "bench2"].map(DeviceKey::of_name);
        let keep = |device: &DeviceKey, method: &str, params: &Value, reply: &Value| {
            let lesson = Lesson::of_call(method, params).expect("a lesson");
            lesson.keep_in(root.path(), device, reply).expect("written");
        };
        keep(&bench1, "RPC.List", &Value::Null, &json!(["OTA.Update", "Config.Get", 7]));
        keep(&bench1, "RPC.Describe", &json!({ "name": "OTA.Update" }), &json!({ "args_fmt": "{url: %Q}" }));
        keep(&bench1, "Config.Get", &Value::Null, &json!({ "wifi": { "pass": "geheim" }, "a": 1 }));
        keep(&bench1, "Config.Get", &json!({ "key": "wifi" }), &json!({ "ssid": "x" }));
        keep(&bench2, "RPC.List", &Value::Null, &json!(["RPC.List"]));
        let known = Knowledge::read(root.path(), &bench1);
        assert_eq!(known.methods, ["OTA.Update", "Config.Get"]);
        assert_eq!(known.arguments["OTA.Update"], ["url"]);
        assert_eq!(known.paths, ["a", "wifi.ssid"]);
        assert_eq!(Knowledge::read(root.path(), &bench2).methods, ["RPC.List"]);
        let text = std::fs::read_to_string(root.path().join(bench1.file_name())).expect("the file");
        assert!(!text.contains("geheim"), "{text}");

        keep(&bench1, "RPC.List", &Value::Null, &json!(["Config.Get"]));
        assert!(Knowledge::read(root.path(), &bench1).arguments.is_empty(), "the method is gone");
        assert_eq!(Lesson::of_call("Sys.GetInfo", &Value::Null), None);
    }
}
