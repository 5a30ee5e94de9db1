//! Shows calls that take long on the status line.

use std::pin::Pin;

use otactl::rpc::client::Links;
use otactl::rpc::{CallError, Request, RpcClient};
use serde_json::Value;

use super::status_line::StatusLine;

/// Registers each call at the status line while it is in flight.
pub(crate) struct Watched {
    client: Box<dyn RpcClient>,
    status_line: StatusLine,
}

impl Watched {
    /// Wraps a client if the status line is ever drawn.
    pub(crate) fn client(client: Box<dyn RpcClient>, status_line: &StatusLine) -> Box<dyn RpcClient> {
        if !status_line.is_live() {
            return client;
        }
        Box::new(Self { client, status_line: status_line.clone() })
    }
}

impl RpcClient for Watched {
    // Not an `async fn`: requests are sent in the order in which this method is called.
    fn call<'a, 'b>(&'a self, request: Request) -> Pin<Box<dyn Future<Output = Result<Value, CallError>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        let in_flight = self.status_line.call(&request.method, request.timeout);
        let reply = self.client.call(request);
        Box::pin(async move {
            let reply = reply.await;
            drop(in_flight);
            reply
        })
    }

    fn drop_link(&self) {
        self.client.drop_link();
    }

    fn links(&self) -> Links {
        self.client.links()
    }

    fn may_execute_twice(&self) -> bool {
        self.client.may_execute_twice()
    }

    fn executes_twice(&self) -> bool {
        self.client.executes_twice()
    }

    fn may_lose_requests(&self) -> bool {
        self.client.may_lose_requests()
    }

    fn report_loss(&self) -> bool {
        self.client.report_loss()
    }

    fn window(&self) -> usize {
        self.client.window()
    }

    fn max_params(&self, request: &Request) -> usize {
        self.client.max_params(request)
    }
}
