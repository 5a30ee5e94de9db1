//! The RPC protocol of a Mongoose OS device. This module does no I/O.
//!
//! - [`frame`]: requests and replies as JSON, one frame each;
//! - [`client`]: [`RpcClient`], the trait that every transport implements;
//! - [`method`]: [`Method`], the typed form of a device's method;
//! - [`device`]: [`Device`], typed calls over an [`RpcClient`], with timeouts and retries;
//! - [`auth`]: digest authentication;
//! - [`error`]: the errors of calls and of connections;
//! - [`deadline`]: deadlines that do not overflow;
//! - [`redact`](mod@redact): frames without their secrets, for logs;
//! - [`unreadable`]: replies that are not JSON.

pub mod auth;
pub mod client;
pub mod deadline;
pub mod device;
pub mod error;
pub mod frame;
pub mod method;
pub mod redact;
pub mod unreadable;

pub use auth::Credentials;
pub use client::RpcClient;
pub use device::Device;
pub use error::{CallError, CallErrorKind, DialError};
pub use frame::{Incoming, RemoteError, Request};
pub use method::Method;
pub use redact::{redact, redact_excerpt};
