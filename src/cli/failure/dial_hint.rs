//! Hints for a device or a broker that cannot be reached.

use otactl::rpc::{DialError, Peer};

use super::unknown::{MORE_WITH_VERBOSE, unknown_hint};

pub(super) const BROKER_CREDENTIALS: &str = "give the user in the URL, mqtt://USER@BROKER/DEVICE, and the password with --mqtt-password-file or OTACTL_MQTT_PASSWORD";
pub(super) const INSECURE: &str = "if the network can be trusted, `--insecure` takes any certificate";
pub(super) const OTHER_CREDENTIALS: &str =
    "give the user and password of the WebSocket in the URL: ws://USER:PASSWORD@HOST";

/// Returns the next step after a failed connection to `peer`.
pub(super) fn dial_hint(peer: &Peer, cause: &DialError) -> String {
    // The steps for a broker differ from those for a device.
    if matches!(peer, Peer::Broker(_))
        && let Some(hint) = broker_hint(cause)
    {
        return hint.into();
    }
    match cause {
        DialError::PortMissing { available } if available.is_empty() => {
            return "is the board plugged in, and its driver loaded? No USB serial port was found".into();
        }
        DialError::PortMissing { available } => return format!("there is {}", available.join(", ")),
        DialError::BrokerCredentials(_) => BROKER_CREDENTIALS,
        DialError::BrokerRefused(_) => "give the client id that it expects with `--mqtt-client-id`, or try again later",
        DialError::PublishRefused { .. } => {
            "the broker seems not to allow that topic: `--mqtt-pub-topic TOPIC` names another one, and `--mqtt-src SRC` the \
             topic of the replies"
        }
        DialError::SubscriptionRefused(_) | DialError::SubscriptionCloses { .. } => {
            "choose a topic for the replies that the broker's rules allow: `--mqtt-src SRC` or `--mqtt-sub-topic TOPIC`"
        }
        DialError::NotABroker(_) => "check host and port: a broker listens on 1883, with TLS on 8883",
        DialError::PortHeld { .. } => "close that program first: two cannot share a port",
        DialError::PortDenied { group: Some(group) } => {
            return format!("become a member of the group: `sudo usermod -aG {group} $USER`, then log in again");
        }
        DialError::PortDenied { group: None } => "ask the owner of the port for access; `ls -l` shows the owner",
        DialError::NotASerialPort => "give a port such as /dev/ttyUSB0, or a URL such as ws://HOST",
        DialError::Refused => return format!("is the device on, and is this its port? {}", usual_port(peer)),
        DialError::Silent(_) => {
            "is the device on, and in this network? Check the address, or give it longer with `--timeout 30s`"
        }
        DialError::NoRoute => "is the device on, and in a network that this machine can reach? Check the address",
        DialError::UnknownHost => "check the spelling, or use the device's IP address",
        DialError::HungUp | DialError::NotRpc(_) => return not_a_device(&peer.to_string()),
        DialError::TlsPort => "use wss:// instead of ws://",
        DialError::PlainPort => "use ws:// instead of wss://, or http:// instead of https://",
        DialError::CertExpired => "give the server a new certificate; or is the clock of this machine wrong?",
        DialError::CertNotYetValid => {
            "check this machine's clock; if it is right, the certificate was issued with a wrong date"
        }
        DialError::CertWrongName { .. } => "use a name or an address that the certificate is for",
        DialError::CertUntrusted => {
            "`--ca-cert-file FILE` trusts the authority that signed the certificate, or the certificate itself"
        }
        DialError::CertOfAuthority => "create the certificate with `-addext basicConstraints=critical,CA:FALSE`",
        DialError::CertUnsupported { .. } => {
            "give the server another certificate: `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256` makes it"
        }
        DialError::ClientCertWanted => "give the certificate and its key with `--cert-file FILE --key-file FILE`",
        DialError::ClientCertRefused { .. } => {
            "give a `--cert-file` and `--key-file` that the server accepts, with the intermediate certificates in the same file; \
             the certificate may have expired, or been revoked"
        }
        DialError::TlsAlert(_) => {
            "the server may have another name, or lack what otactl supports: TLS 1.2 or 1.3 with ECDHE, and a key of the kind \
             RSA, P-256, P-384 or Ed25519, not P-521 or secp256k1"
        }
        DialError::Tls(_) => INSECURE,
        DialError::Unauthorised => OTHER_CREDENTIALS,
        DialError::Other(_) => MORE_WITH_VERBOSE,
        cause => unknown_hint(cause),
    }
    .into()
}

/// Says on which port a device usually listens.
fn usual_port(peer: &Peer) -> &'static str {
    match scheme(&peer.to_string()) {
        "tcp" => "There is no usual port for RPC over plain TCP: it is the one in the configuration of the device",
        "wss" | "https" => "With TLS, a device usually serves RPC on port 443, else over ws:// on port 80",
        _ => "A device serves RPC on port 80 unless configured otherwise",
    }
}

/// Returns the next step if what answers at the address is not a device.
pub(super) fn not_a_device(address: &str) -> String {
    let tls = match scheme(address) {
        "ws" => "; if the port speaks TLS, use wss://",
        "http" => "; if the port speaks TLS, use https://",
        "tcp" => return "check the port: it seems to belong to another service".into(),
        _ => "",
    };
    format!("check port and path: a device serves RPC at /rpc, over http:// and ws://{tls}")
}

fn scheme(address: &str) -> &str {
    address.split("://").next().unwrap_or_default()
}

/// Returns the next step for a broker, or `None` if it is the same as for a device.
fn broker_hint(cause: &DialError) -> Option<&'static str> {
    Some(match cause {
        DialError::Refused => "is the broker running, and is this its port? A broker listens on 1883, with TLS on 8883",
        DialError::Silent(_) | DialError::NoRoute => {
            "is the broker in a network that this machine can reach? Check the address, or give it longer with `--timeout 30s`"
        }
        DialError::UnknownHost => "check the spelling of the broker's name",
        DialError::HungUp => {
            "check the port: it may belong to another service, or require TLS (mqtts://); a broker with rules may require another \
             `--mqtt-client-id`"
        }
        DialError::PlainPort => "use mqtt:// instead of mqtts://, or the broker's port for TLS",
        _ => return None,
    })
}
