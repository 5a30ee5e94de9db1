//! What is published where.
//!
//! Today's device libraries have two subscriptions that match `<device>/rpc`, and run what comes there twice.
//! `<device>/rpc/<Method>` matches one of them, so that it is the better topic. Older libraries, or those with
//! the wildcard subscription switched off, run what comes on `<device>/rpc` once, and may not listen on the other.
//! A device that runs things twice has the wildcard subscription, and so always hears on the better topic.

use serde::Deserialize;

use super::Settings;
use crate::rpc::frame::Addressing;
use crate::transport::variant::Variant;

/// The topics of one client and one device.
#[derive(Debug, Clone)]
pub(super) struct Topics {
    /// To the device.
    requests: String,
    /// All requests go to that one topic, as the user wants it.
    is_fixed: bool,
    /// From the device.
    pub(super) replies: String,
    /// What the device prints.
    pub(super) console: String,
    /// What the broker says when the device has gone.
    pub(super) will: Option<String>,
}

impl Topics {
    pub(super) fn new(addressing: &Addressing, settings: &Settings) -> Self {
        let Addressing { src, dst } = addressing;
        Self {
            requests: settings.pub_topic.clone().unwrap_or_else(|| format!("{dst}/rpc")),
            is_fixed: settings.pub_topic.is_some(),
            replies: settings.sub_topic.clone().unwrap_or_else(|| format!("{src}/rpc")),
            console: format!("{dst}/log"),
            will: settings.will_topic.clone(),
        }
    }

    /// The way of asking, if there is but one.
    pub(super) fn only_variant(&self) -> Option<Variant> {
        self.is_fixed.then_some(Variant::Legacy)
    }

    /// Where this frame is published.
    pub(super) fn of(&self, variant: Variant, frame: &[u8]) -> String {
        #[derive(Deserialize)]
        struct Frame<'a> {
            method: Option<&'a str>,
            dst: Option<&'a str>,
        }
        let frame: Option<Frame<'_>> = serde_json::from_slice(frame).ok();
        match frame {
            // What it names becomes part of a topic, and a wildcard is none.
            Some(Frame { method: Some(method), .. })
                if variant == Variant::Preferred && !method.contains(['+', '#', '\0']) =>
            {
                format!("{}/{method}", self.requests)
            }
            // An answer of ours, to whoever asked.
            Some(Frame { method: None, dst: Some(dst) }) if !self.is_fixed && !dst.contains(['+', '#', '\0']) => {
                format!("{dst}/rpc")
            }
            _ => self.requests.clone(),
        }
    }

    /// Which of the device's topics that is.
    pub(super) fn variant_of(&self, topic: &str) -> Option<Variant> {
        match topic.strip_prefix(self.requests.as_str())? {
            "" => Some(Variant::Legacy),
            method => method.starts_with('/').then_some(Variant::Preferred),
        }
    }

    /// The topic for all methods.
    pub(super) fn requests(&self) -> &str {
        &self.requests
    }

    pub(super) fn is_console(&self, topic: &str) -> bool {
        topic == self.console && topic != self.replies
    }

    pub(super) fn is_will(&self, topic: &str) -> bool {
        self.will.as_deref() == Some(topic) && topic != self.replies
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_frame_has_its_topic() {
        let addressing = Addressing { src: "dev/rpc-resp/me".into(), dst: "dev".into() };
        let usual = Topics::new(&addressing, &Settings::default());
        let own =
            Settings { pub_topic: Some("to/dev".into()), sub_topic: Some("from/dev".into()), ..Settings::default() };
        let own = Topics::new(&addressing, &own);
        let call = br#"{"id":1,"src":"dev/rpc-resp/me","dst":"dev","method":"OTA.Commit"}"#;
        let wild = br#"{"id":1,"src":"dev/rpc-resp/me","dst":"dev","method":"A+B"}"#;
        let refusal = br#"{"id":1,"dst":"cloud","error":{"code":404}}"#;
        assert_eq!(usual.of(Variant::Preferred, call), "dev/rpc/OTA.Commit");
        assert_eq!(usual.of(Variant::Legacy, call), "dev/rpc");
        assert_eq!(usual.of(Variant::Preferred, wild), "dev/rpc");
        assert_eq!(usual.of(Variant::Preferred, refusal), "cloud/rpc");
        assert_eq!(
            ["dev/rpc/OTA.Commit", "dev/rpc"].map(|topic| usual.variant_of(topic)),
            [Variant::Preferred, Variant::Legacy].map(Some)
        );
        assert_eq!(["cloud/rpc", "dev/rpcs"].map(|topic| usual.variant_of(topic)), [None, None]);
        assert_eq!(own.of(Variant::Legacy, refusal), "to/dev");
        assert_eq!(own.of(Variant::Legacy, call), "to/dev");
        assert_eq!((usual.replies.as_str(), own.replies.as_str()), ("dev/rpc-resp/me/rpc", "from/dev"));
        assert_eq!((usual.only_variant(), own.only_variant()), (None, Some(Variant::Legacy)));
    }
}
