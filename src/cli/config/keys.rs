//! The keys of the configuration file.

/// The keys that a device and the defaults have. Each is the name of an option, except for `rpc-creds-file`: the file of `--rpc-creds @FILE`.
pub(crate) const SHARED: [&str; 34] = [
    "timeout",
    RPC_CREDS_FILE,
    "ca-cert-file",
    "cert-file",
    "key-file",
    "insecure",
    "baud-rate",
    "hw-flow-control",
    "set-control-lines",
    "no-set-control-lines",
    "inverted-control-lines",
    "serial-framing",
    "mqtt-password-file",
    "mqtt-client-id",
    "mqtt-src",
    "mqtt-pub-topic",
    "mqtt-sub-topic",
    "mqtt-will-topic",
    "via",
    "commit-timeout",
    "download-timeout",
    "ask-timeout",
    "stall-timeout",
    "reboot-timeout",
    "listen",
    "advertise",
    "allow-from",
    "serve-tls",
    "check-rpc",
    "check-cmd",
    "check-http",
    "check-timeout",
    "soak",
    "on-unhealthy",
];

/// The file with the credentials for a device.
pub(crate) const RPC_CREDS_FILE: &str = "rpc-creds-file";

/// The keys that only a device has.
pub(crate) const OF_A_DEVICE: [&str; 2] = ["port", "commit-port"];

/// The keys that only the defaults have.
pub(crate) const OF_DEFAULTS: [&str; 1] = ["device"];

/// The keys whose values are paths. A relative path counts from the directory of the configuration file.
const PATHS: [&str; 6] = [RPC_CREDS_FILE, "ca-cert-file", "cert-file", "key-file", "mqtt-password-file", "serve-tls"];

/// The keys whose files hold secrets.
pub(crate) const SECRETS: [&str; 3] = [RPC_CREDS_FILE, "key-file", "mqtt-password-file"];

/// The keys that are true or false.
const FLAGS: [&str; 5] =
    ["insecure", "hw-flow-control", "set-control-lines", "no-set-control-lines", "inverted-control-lines"];

/// The keys whose values are numbers.
const NUMBERS: [&str; 1] = ["baud-rate"];

/// The keys whose values are durations.
const DURATIONS: [&str; 8] = [
    "timeout",
    "commit-timeout",
    "download-timeout",
    "ask-timeout",
    "stall-timeout",
    "reboot-timeout",
    "check-timeout",
    "soak",
];

/// The keys that can have several values.
const LISTS: [&str; 6] = ["device", "check-rpc", "check-cmd", "check-http", "allow-from", "serve-tls"];

/// The type of the value of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A text in quotes.
    Text,
    /// `true` or `false`.
    Flag,
    /// A whole number, or a text.
    Number,
    /// A whole number of seconds, or a text.
    Duration,
}

/// Returns the type of the values of a key.
pub(crate) fn kind(key: &str) -> Kind {
    match key {
        flag if FLAGS.contains(&flag) => Kind::Flag,
        number if NUMBERS.contains(&number) => Kind::Number,
        duration if DURATIONS.contains(&duration) => Kind::Duration,
        _ => Kind::Text,
    }
}

/// Tells whether a key can have several values.
pub(crate) fn is_list(key: &str) -> bool {
    LISTS.contains(&key)
}

/// Tells whether the values of a key are paths.
pub(crate) fn is_path(key: &str) -> bool {
    PATHS.contains(&key)
}

/// Returns the name that is most similar to `text`, if one is similar.
pub(crate) fn nearest<'a>(text: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    const LEAST_SIMILARITY: f64 = 0.8;

    let similarity = |name: &&str| strsim::jaro_winkler(&text.to_lowercase(), &name.to_lowercase());
    let best = names.max_by(|a, b| similarity(a).total_cmp(&similarity(b)))?;
    (similarity(&best) >= LEAST_SIMILARITY).then_some(best)
}
