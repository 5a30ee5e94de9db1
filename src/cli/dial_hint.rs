//! What to try when a device cannot be reached.

use otactl::rpc::DialError;

pub(super) const BROKER_CREDENTIALS: &str = "give the user in the URL, mqtt://USER@BROKER/DEVICE, and the password with --mqtt-password-file or OTACTL_MQTT_PASSWORD";
pub(super) const INSECURE: &str = "if the network can be trusted, `--insecure` takes any certificate";
pub(super) const NOT_A_DEVICE: &str = "check port and path: a device serves RPC at /rpc, over http:// and ws://";
pub(super) const OTHER_CREDENTIALS: &str =
    "give the user and password of the WebSocket in the URL: ws://USER:PASSWORD@HOST";

/// The next thing to try when `peer` could not be reached for this cause.
pub(super) fn of(peer: &str, cause: &DialError) -> String {
    // What stands between is reached in another way than a device.
    if let Some(hint) = peer.starts_with("the broker ").then(|| of_broker(cause)).flatten() {
        return hint.into();
    }
    match cause {
        DialError::PortMissing { available } if available.is_empty() => {
            return "is the board plugged in, and its driver loaded? No USB serial port is there at all".into();
        }
        DialError::PortMissing { available } => return format!("there is {}", available.join(", ")),
        DialError::BrokerCredentials(_) => BROKER_CREDENTIALS,
        DialError::BrokerRefused(_) => "give the client id that it expects with `--mqtt-client-id`, or try again later",
        DialError::PublishRefused { .. } => {
            "the broker seems not to allow that topic: `--mqtt-pub-topic TOPIC` names another one, and `--mqtt-src SRC` where the \
             answers come"
        }
        DialError::SubscriptionRefused(_) | DialError::SubscriptionCloses { .. } => {
            "choose where the answers come, as the broker's rules allow it: `--mqtt-src SRC` or `--mqtt-sub-topic TOPIC`"
        }
        DialError::NotABroker(_) => "check host and port: a broker listens on 1883, with TLS on 8883",
        DialError::PortHeld { .. } => "close that program first: two cannot share a port",
        DialError::PortDenied { group: Some(group) } => {
            return format!("become a member of the group: `sudo usermod -aG {group} $USER`, then log in again");
        }
        DialError::PortDenied { group: None } => "its owner has to let you; `ls -l` shows who that is",
        DialError::NotASerialPort => "give a port such as /dev/ttyUSB0, or a URL such as ws://HOST",
        DialError::Refused => {
            "is the device on, and is this its port? A device serves RPC on port 80 unless configured otherwise"
        }
        DialError::Silent(_) => {
            "is the device on, and in this network? Check the address, or give it longer with `--timeout 30s`"
        }
        DialError::NoRoute => "is the device on, and in a network that this machine can reach? Check the address",
        DialError::UnknownHost => "check the spelling, or use the device's IP address",
        DialError::HungUp | DialError::NotRpc(_) => NOT_A_DEVICE,
        DialError::PlainPort => "use ws:// instead of wss://, or http:// instead of https://",
        DialError::CertExpired => "give it a new one; or is the clock of this machine wrong?",
        DialError::CertNotYetValid => "is the clock of this machine right? If so, that of whoever made it was not",
        DialError::CertWrongName { .. } => "use a name or an address that the certificate is for",
        DialError::CertUntrusted => "`--ca-cert-file FILE` trusts the authority that has signed it, or itself",
        DialError::CertOfAuthority => "make it a certificate with `-addext basicConstraints=critical,CA:FALSE`",
        DialError::CertUnsupported { .. } => {
            "give the server another one: `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256` makes it"
        }
        DialError::ClientCertWanted => "give the certificate and its key with `--cert-file FILE --key-file FILE`",
        DialError::ClientCertRefused { .. } => {
            "give the `--cert-file` and `--key-file` that the server knows, with those that lead to its authority in the \
             same file; it may have expired, or been withdrawn"
        }
        DialError::TlsAlert(_) => {
            "the server may know another name only, or lack what otactl speaks: TLS 1.2 or 1.3 with ECDHE, and a key of the kind \
             RSA, P-256, P-384 or Ed25519, not P-521 or secp256k1"
        }
        DialError::Tls(_) => INSECURE,
        DialError::Unauthorised => OTHER_CREDENTIALS,
        DialError::Other(_) => "`-v` shows more of what happens",
    }
    .into()
}

fn of_broker(cause: &DialError) -> Option<&'static str> {
    Some(match cause {
        DialError::Refused => "is the broker running, and is this its port? A broker listens on 1883, with TLS on 8883",
        DialError::Silent(_) | DialError::NoRoute => {
            "is the broker in a network that this machine can reach? Check the address, or give it longer with `--timeout 30s`"
        }
        DialError::UnknownHost => "check the spelling of the broker's name",
        DialError::HungUp => {
            "check the port: it may be another's, or want TLS, mqtts://; a broker with rules may want another \
             `--mqtt-client-id`"
        }
        DialError::PlainPort => "use mqtt:// instead of mqtts://, or the broker's port for TLS",
        _ => return None,
    })
}
