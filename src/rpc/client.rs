//! [`RpcClient`], the trait that every transport implements.

use async_trait::async_trait;
use serde_json::Value;

use super::error::CallError;
use super::frame::{MAX_REQUEST, Request};

/// A connection to one device, over which methods are called.
///
/// An implementation
/// - answers within the request's timeout, whatever the device or the network does;
/// - sends a request at most once, and reports in [`CallError::Lost`] whether the request may have been sent;
/// - cancels a call when its future is dropped: a request that is still unsent is never sent;
/// - accepts many concurrent calls, and matches replies to calls by their ids;
/// - connects at the first call, and again after a link was lost.
#[async_trait]
pub trait RpcClient: Send + Sync {
    /// Makes one call. Returns the device's `result`, or its `error` object if that has code 0.
    ///
    /// With a [`Self::window`] of more than one, requests are sent in the order in which this method is called. The
    /// order in which the futures are polled makes no difference.
    async fn call(&self, request: Request) -> Result<Value, CallError>;

    /// Drops the link. Calls in flight fail with [`CallError::Lost`]; the next call connects again.
    ///
    /// Use this when the device reboots. A chip that resets sends no FIN, so that TCP would notice the reset only after
    /// many seconds.
    fn drop_link(&self);

    /// Returns what happens to a link when the device reboots.
    fn links(&self) -> Links {
        Links::OfOneBoot
    }

    /// Tells whether the device may execute a call twice that was sent once.
    ///
    /// A broker delivers messages at least once, and a network may duplicate datagrams. Some devices execute a request
    /// that arrives on the topic `<device>/rpc` twice.
    fn may_execute_twice(&self) -> bool {
        false
    }

    /// Tells whether the device was seen to answer single calls twice, which proves that it executes calls twice.
    fn executes_twice(&self) -> bool {
        false
    }

    /// Tells whether a request can be lost in transit without an error.
    fn may_lose_requests(&self) -> bool {
        false
    }

    /// Reports that a request was lost in transit although the link is up. Returns true if requests are sent more
    /// slowly from now on.
    ///
    /// A serial line without flow control cannot detect such a loss itself.
    fn report_loss(&self) -> bool {
        false
    }

    /// Returns the number of calls that may be in flight and still reach the device in the order in which they were
    /// made. Default: 1.
    fn window(&self) -> usize {
        1
    }

    /// Returns the number of bytes by which the arguments of `request` may still grow before a device refuses the
    /// request as too large.
    fn max_params(&self, request: &Request) -> usize {
        let size = request.encode(LONGEST_ID, None).len();
        (MAX_REQUEST - 1).saturating_sub(size)
    }
}

/// What happens to a link when the device reboots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Links {
    /// A link is valid for one boot of the device. After a reboot it stays silent, and only a new link reaches the
    /// device.
    OfOneBoot,
    /// Each call has a link of its own.
    OfOneCall,
    /// A link survives reboots of the device: a serial line, datagrams.
    Lasting,
    /// A broker carries the calls to all of its devices. The link to the broker survives their reboots.
    Shared,
}

/// A request id with as many digits as the longest one that otactl uses. For the size of a request.
pub(crate) const LONGEST_ID: u64 = 9_999_999_999;
