//! Failures of `--port` and of the TLS options.

use otactl::rpc::{CallError, DialError};
use otactl::transport::ConnectError;
use otactl::transport::mqtt::ListenError;
use otactl::transport::target::{Target, TargetError};
use otactl::transport::tls::SetupError;
use otactl::transport::tls::pem::{PemError, PemFault};

use super::unknown::unknown_hint;
use super::{Failure, FailureKind};

/// The hint for an address that cannot be corrected.
const ADDRESSES: &str = "write `--port ws://HOST[:PORT]`, `--port http://HOST[:PORT]`, `--port mqtt://BROKER/DEVICE`, `--port tcp://HOST:PORT`, `--port /dev/ttyUSB0`, or `--port sim:`";

impl From<TargetError> for Failure {
    fn from(error: TargetError) -> Self {
        let hint = match &error {
            TargetError::Zone(_) => "give another address of the device, or its name".into(),
            TargetError::NoScheme(text) if format!("ws://{text}").parse::<Target>().is_ok() => {
                format!("write `--port ws://{text}` or `--port http://{text}`")
            }
            TargetError::NoDeviceId(broker) => {
                format!(
                    "write `--port {broker}/ID`; `otactl discover --mqtt {broker}` lists the devices behind the broker"
                )
            }
            _ => ADDRESSES.into(),
        };
        Self::of(FailureKind::Usage, &error).hint(hint)
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Tls(error) => error.into(),
            error => Self::of(FailureKind::Other, &error).hint(unknown_hint(&error)),
        }
    }
}

impl From<ListenError> for Failure {
    fn from(error: ListenError) -> Self {
        match error {
            ListenError::Setup(error) => error.into(),
            ListenError::Broker(
                error @ CallError::Unreachable {
                    cause: DialError::SubscriptionRefused(_) | DialError::SubscriptionCloses { .. },
                    ..
                },
            ) => Self::of(error.kind().into(), &error).hint(
                "give a user who may see all topics, mqtt://USER@BROKER; `--port mqtt://BROKER/ID` reaches a device whose id is known",
            ),
            ListenError::Broker(error) => error.into(),
            error => Self::of(FailureKind::Other, &error).hint(unknown_hint(&error)),
        }
    }
}

impl From<SetupError> for Failure {
    fn from(error: SetupError) -> Self {
        match error {
            SetupError::File(error) => error.into(),
            error => Self::of(FailureKind::Other, &error)
                .hint("`--ca-cert-file FILE` trusts the authorities in a file instead of those of the system"),
        }
    }
}

impl From<PemError> for Failure {
    fn from(error: PemError) -> Self {
        let hint = match &error.fault {
            PemFault::Unreadable(_) => "give the path of a PEM file that you may read",
            PemFault::NoCertificate | PemFault::NoKey => {
                "a PEM file is text with `-----BEGIN` in it; `openssl x509 -inform DER` and `openssl pkey -inform DER` make it"
            }
            PemFault::EncryptedKey => {
                "`openssl pkey -in FILE -out PLAIN` takes its password away; keep that file to yourself"
            }
            PemFault::TooLarge | PemFault::Damaged | PemFault::Unusable(_) => {
                "`openssl x509 -noout -text -in FILE` shows a certificate, `openssl pkey -noout -check -in FILE` checks a key"
            }
            fault => unknown_hint(fault),
        };
        Self::of(FailureKind::Usage, &error).hint(hint)
    }
}

#[cfg(test)]
mod tests {
    use otactl::rpc::Peer;

    use super::*;

    #[test]
    fn hint_for_a_wrong_address_can_be_followed() {
        for (text, expected) in [
            ("192.168.1.5", "write `--port ws://192.168.1.5` or `--port http://192.168.1.5`"),
            ("a b", ADDRESSES),
            ("192.168.300.1", ADDRESSES),
        ] {
            assert_eq!(Failure::from(TargetError::NoScheme(text.into())).hints, [expected], "{text}");
        }
    }

    #[test]
    fn broker_that_does_not_show_all_topics_has_no_hint_about_replies() {
        let (peer, cause) = (Peer::Broker("mqtt://h".into()), DialError::SubscriptionRefused("#".into()));
        let failure = Failure::from(ListenError::Broker(CallError::Unreachable { peer, cause, source: None }));
        assert!(failure.hints[0].starts_with("give a user who may see all topics"), "{failure:?}");
    }
}
