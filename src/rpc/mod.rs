//! The RPC protocol of a Mongoose OS device. No I/O happens here.
//!
//! - [`auth`]: digest authentication;
//! - [`frame`]: the JSON that travels, one frame per request or reply;
//! - [`client`]: [`RpcClient`], the seam behind which every transport stands, and [`Device`], the
//!   typed calls over it;
//! - [`deadline`]: deadlines that do not overflow;
//! - [`error`]: everything that can come of a call but its result;
//! - [`redact`](mod@redact): frames as a log may show them;
//! - [`unreadable`]: replies that are not JSON.

pub mod auth;
pub mod client;
pub mod deadline;
pub mod error;
pub mod frame;
pub mod redact;
pub mod unreadable;

pub use auth::Credentials;
pub use client::{Device, Method, RpcClient};
pub use error::{CallError, DialError};
pub use frame::{Incoming, RemoteError, Request};
pub use redact::{redact, redact_excerpt};
