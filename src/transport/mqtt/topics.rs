//! Chooses the topic of each frame.
//!
//! Current device libraries have two subscriptions that match `<device>/rpc`, and execute a request on that topic
//! twice. Only one of the two matches `<device>/rpc/<Method>`, so that the per-method topic is preferred. Older
//! libraries, and those with the wildcard subscription switched off, execute a request on `<device>/rpc` once. They may
//! not receive the per-method topics. A device that executes requests twice has the wildcard subscription, and so
//! always receives the per-method topics.

use serde::Deserialize;

use super::settings::MqttSettings;
use crate::rpc::frame::Addressing;
use crate::transport::variant::Variant;

/// The topics of one client and one device.
#[derive(Debug, Clone)]
pub(super) struct Topics {
    /// The single topic of requests, and the prefix of the per-method topics.
    requests: String,
    /// The user has chosen the topic of requests, so that all frames go there.
    is_fixed: bool,
    /// The topic of the device's replies.
    pub(super) replies: String,
    /// The topic of the device's console output.
    pub(super) console: String,
    /// The topic of the device's last will, which the broker publishes when the device has disconnected.
    pub(super) will: Option<String>,
}

impl Topics {
    /// Derives the topics from the two ids and the settings.
    pub(super) fn new(addressing: &Addressing, settings: &MqttSettings) -> Self {
        let Addressing { src, dst } = addressing;
        Self {
            requests: settings.pub_topic.clone().unwrap_or_else(|| format!("{dst}/rpc")),
            is_fixed: settings.pub_topic.is_some(),
            replies: settings.sub_topic.clone().unwrap_or_else(|| format!("{src}/rpc")),
            console: format!("{dst}/log"),
            will: settings.will_topic.clone(),
        }
    }

    /// Returns the variant, if the settings leave only one.
    pub(super) fn only_variant(&self) -> Option<Variant> {
        self.is_fixed.then_some(Variant::Legacy)
    }

    /// Returns the topic to which a frame is published.
    pub(super) fn topic_of(&self, variant: Variant, frame: &[u8]) -> String {
        #[derive(Deserialize)]
        struct FrameHead<'a> {
            method: Option<&'a str>,
            dst: Option<&'a str>,
        }
        let head: Option<FrameHead<'_>> = serde_json::from_slice(frame).ok();
        match head {
            // The method becomes a part of the topic, and a topic must not contain a wildcard.
            Some(FrameHead { method: Some(method), .. })
                if variant == Variant::Preferred && !method.contains(['+', '#', '\0']) =>
            {
                format!("{}/{method}", self.requests)
            }
            // An answer of otactl to another client.
            Some(FrameHead { method: None, dst: Some(dst) }) if !self.is_fixed && !dst.contains(['+', '#', '\0']) => {
                format!("{dst}/rpc")
            }
            _ => self.requests.clone(),
        }
    }

    /// Returns the variant to which a topic of the device belongs, or `None` for any other topic.
    pub(super) fn variant_of(&self, topic: &str) -> Option<Variant> {
        match topic.strip_prefix(self.requests.as_str())? {
            "" => Some(Variant::Legacy),
            method => method.starts_with('/').then_some(Variant::Preferred),
        }
    }

    /// Returns the single topic of requests.
    pub(super) fn single_topic(&self) -> &str {
        &self.requests
    }

    /// Tells whether messages on `topic` are console output.
    pub(super) fn is_console(&self, topic: &str) -> bool {
        topic == self.console && topic != self.replies
    }

    /// Tells whether messages on `topic` are the last will of the device.
    pub(super) fn is_will(&self, topic: &str) -> bool {
        self.will.as_deref() == Some(topic) && topic != self.replies
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frame_is_published_to_topic_of_its_variant() {
        let addressing = Addressing { src: "dev/rpc-resp/me".into(), dst: "dev".into() };
        let usual = Topics::new(&addressing, &MqttSettings::default());
        let own = MqttSettings {
            pub_topic: Some("to/dev".into()),
            sub_topic: Some("from/dev".into()),
            ..MqttSettings::default()
        };
        let own = Topics::new(&addressing, &own);
        let call = br#"{"id":1,"src":"dev/rpc-resp/me","dst":"dev","method":"OTA.Commit"}"#;
        let wild = br#"{"id":1,"src":"dev/rpc-resp/me","dst":"dev","method":"A+B"}"#;
        let refusal = br#"{"id":1,"dst":"cloud","error":{"code":404}}"#;
        assert_eq!(usual.topic_of(Variant::Preferred, call), "dev/rpc/OTA.Commit");
        assert_eq!(usual.topic_of(Variant::Legacy, call), "dev/rpc");
        assert_eq!(usual.topic_of(Variant::Preferred, wild), "dev/rpc");
        assert_eq!(usual.topic_of(Variant::Preferred, refusal), "cloud/rpc");
        assert_eq!(
            ["dev/rpc/OTA.Commit", "dev/rpc"].map(|topic| usual.variant_of(topic)),
            [Variant::Preferred, Variant::Legacy].map(Some)
        );
        assert_eq!(["cloud/rpc", "dev/rpcs"].map(|topic| usual.variant_of(topic)), [None, None]);
        assert_eq!(own.topic_of(Variant::Legacy, refusal), "to/dev");
        assert_eq!(own.topic_of(Variant::Legacy, call), "to/dev");
        assert_eq!((usual.replies.as_str(), own.replies.as_str()), ("dev/rpc-resp/me/rpc", "from/dev"));
        assert_eq!((usual.only_variant(), own.only_variant()), (None, Some(Variant::Legacy)));
    }
}
