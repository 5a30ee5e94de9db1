//! The RPC protocol of a Mongoose OS device. This module does no I/O.
//!
//! - [`frame`]: requests and replies as JSON, one frame each;
//! - [`client`]: [`RpcClient`], the trait that every transport implements;
//! - [`method`]: [`Method`], the typed form of a device's method;
//! - [`device`]: [`Device`], typed calls over an [`RpcClient`], with timeouts and retries;
//! - [`auth`]: digest authentication;
//! - [`error`]: the errors of calls; [`dial_error`]: why no connection was established; [`lost`]: why a connection
//!   broke; [`cause`]: the errors of the system and of libraries below them; [`peer`]: the other end of a connection;
//! - [`deadline`]: deadlines that do not overflow;
//! - [`redact`](mod@redact): frames without their secrets, for logs;
//! - [`unreadable`]: replies that are not JSON.

pub mod auth;
pub mod cause;
pub mod client;
pub mod deadline;
pub mod device;
pub mod dial_error;
pub mod error;
pub mod frame;
pub mod lost;
pub mod method;
pub mod peer;
pub mod redact;
pub mod unreadable;

pub use auth::Credentials;
pub use cause::Cause;
pub use client::RpcClient;
pub use device::Device;
pub use dial_error::{DialError, DialFailure};
pub use error::{CallError, CallErrorKind};
pub use frame::{Incoming, RemoteError, Request};
pub use lost::LostReason;
pub use method::Method;
pub use peer::Peer;
pub use redact::{redact, redact_excerpt};
