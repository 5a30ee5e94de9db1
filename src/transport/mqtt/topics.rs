//! What is published where.
//!
//! Today's device libraries have two subscriptions that match `<device>/rpc`, and run what comes there twice.
//! `<device>/rpc/<Method>` matches one of them, so that it is the better topic. Older libraries, or those with
//! the wildcard subscription switched off, run what comes on `<device>/rpc` once, and may not listen on the other.
//! A device that runs things twice has the wildcard subscription, and so always hears on the better topic.

use serde::Deserialize;

use super::Settings;
use crate::rpc::frame::Addressing;
use crate::transport::dialect::Way;

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
    pub(super) fn only_way(&self) -> Option<Way> {
        self.is_fixed.then_some(Way::Other)
    }

    /// Where this frame is published.
    pub(super) fn of(&self, way: Way, frame: &[u8]) -> String {
        #[derive(Deserialize)]
        struct Frame<'a> {
            method: Option<&'a str>,
            dst: Option<&'a str>,
        }
        let frame: Option<Frame<'_>> = serde_json::from_slice(frame).ok();
        match frame {
            // What it names becomes part of a topic, and a wildcard is none.
            Some(Frame { method: Some(method), .. }) if way == Way::Better && !method.contains(['+', '#', '\0']) => {
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
    pub(super) fn way_of(&self, topic: &str) -> Option<Way> {
        match topic.strip_prefix(self.requests.as_str())? {
            "" => Some(Way::Other),
            method => method.starts_with('/').then_some(Way::Better),
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
        assert_eq!(usual.of(Way::Better, call), "dev/rpc/OTA.Commit");
        assert_eq!(usual.of(Way::Other, call), "dev/rpc");
        assert_eq!(usual.of(Way::Better, wild), "dev/rpc");
        assert_eq!(usual.of(Way::Better, refusal), "cloud/rpc");
        assert_eq!(
            ["dev/rpc/OTA.Commit", "dev/rpc"].map(|topic| usual.way_of(topic)),
            [Way::Better, Way::Other].map(Some)
        );
        assert_eq!(["cloud/rpc", "dev/rpcs"].map(|topic| usual.way_of(topic)), [None, None]);
        assert_eq!(own.of(Way::Other, refusal), "to/dev");
        assert_eq!(own.of(Way::Other, call), "to/dev");
        assert_eq!((usual.replies.as_str(), own.replies.as_str()), ("dev/rpc-resp/me/rpc", "from/dev"));
        assert_eq!((usual.only_way(), own.only_way()), (None, Some(Way::Other)));
    }
}
