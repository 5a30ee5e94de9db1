use async_trait::async_trait;
use serde::Serialize;

use super::*;

/// Returns scripted results in order. Panics at a call beyond the last one.
struct ScriptedClient(Mutex<Vec<Result<Value, CallError>>>);

#[async_trait]
impl RpcClient for ScriptedClient {
    async fn call(&self, _: Request) -> Result<Value, CallError> {
        self.0.lock().pop().expect("no more calls than were scripted")
    }
    fn drop_link(&self) {}
}

#[derive(Serialize)]
struct Idempotent {}
impl Method for Idempotent {
    const NAME: &'static str = "Idempotent";
    const IDEMPOTENT: bool = true;
    type Reply = u8;
}

#[derive(Serialize)]
struct NotIdempotent {}
impl Method for NotIdempotent {
    const NAME: &'static str = "NotIdempotent";
    const IDEMPOTENT: bool = false;
    type Reply = u8;
}

fn lost(sent: bool) -> Result<Value, CallError> {
    Err(CallError::Lost { peer: "p".into(), sent, reason: "r".into() })
}

fn device(mut results: Vec<Result<Value, CallError>>) -> Device {
    results.reverse();
    Device::new(Box::new(ScriptedClient(Mutex::new(results))), Duration::from_secs(1))
}

/// Executing `OTA.Commit` or `OTA.Revert` twice is not the same as executing it once. A request that may have been sent
/// is sent again only if the method is idempotent.
#[tokio::test]
async fn call_with_lost_link_is_repeated_only_if_unsent_or_idempotent() {
    assert!(matches!(device(vec![lost(true), Ok(7.into())]).call(Idempotent {}).await, Ok(7)));
    assert!(matches!(device(vec![lost(false), Ok(7.into())]).call(NotIdempotent {}).await, Ok(7)));
    let sent = device(vec![lost(true)]).call(NotIdempotent {}).await;
    assert!(matches!(sent, Err(CallError::Lost { sent: true, .. })), "{sent:?}");
}

#[tokio::test]
async fn call_with_repeatedly_lost_link_fails_after_three_attempts() {
    let result = device(vec![lost(true), lost(true), lost(true)]).call(Idempotent {}).await;
    assert!(matches!(result, Err(CallError::Lost { .. })), "{result:?}");
}

#[tokio::test]
async fn reply_of_wrong_type_is_an_error() {
    let result = device(vec![Ok("x".into())]).call(Idempotent {}).await.expect_err("not a number");
    assert!(matches!(result, CallError::WrongShape { .. }), "{result:?}");
    let error = RemoteError { code: 404, message: None };
    let refused = device(vec![Err(CallError::Remote { method: "Idempotent".into(), error })]).call(Idempotent {}).await;
    assert_eq!(refused.expect_err("404").remote_error().map(|e| e.code), Some(404));
}
