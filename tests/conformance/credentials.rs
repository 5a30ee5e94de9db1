//! Who may call.

use otactl::ota::{GetBootState, SetBootState};
use otactl::rpc::CallError;
use otactl::rpc::error::AuthRefusal;
use serde_json::Value;

use crate::support::ways::{Guard, PASSWORD, PATIENCE, Row};

/// Each refusal is told apart from the others, and nothing is carried out for whoever is refused.
pub(crate) async fn only_the_right_ones_open(row: Row) {
    let bench = row.start().await;
    let refusals = [
        (None, AuthRefusal::NoCredentials),
        (Some("admin:wrong".to_owned()), AuthRefusal::Rejected("admin".into())),
        (Some("admin:".to_owned()), AuthRefusal::Rejected("admin".into())),
        (Some(format!("nobody:{PASSWORD}")), AuthRefusal::Rejected("nobody".into())),
        (Some(format!("Admin:{PASSWORD}")), AuthRefusal::Rejected("Admin".into())),
    ];
    for (credentials, expected) in refusals {
        let device = bench.device(credentials.as_deref());
        let change = SetBootState { revert_slot: Some(1), ..SetBootState::default() };
        match (row.guard, device.call(change).await) {
            // Whoever asks nobody does not mind being told.
            (Guard::Open, Ok(_)) => {
                device.call(SetBootState { revert_slot: Some(0), ..change }).await.expect("set back");
            }
            (Guard::Md5 | Guard::Sha256, Err(CallError::Unauthorised { method, refusal })) => {
                assert_eq!((method.as_str(), refusal), ("OTA.SetBootState", expected), "{credentials:?}");
            }
            (_, other) => panic!("{credentials:?}: {other:?}"),
        }
    }
    let device = bench.device(row.credentials().as_deref());
    // One call asks for the challenge, the second one has it.
    for _ in 0..2 {
        let state = device.call(GetBootState {}).await.expect("a boot state");
        assert_eq!(state.revert_slot, Some(0), "what was refused was not done");
    }
}

pub(crate) async fn what_does_not_exist_is_told_to_anybody(row: Row) {
    let bench = row.start().await;
    for credentials in [None, Some("admin:wrong")] {
        match bench.device(credentials).call_raw("No.Such", Value::Null, true, PATIENCE).await {
            Err(CallError::Remote { error, .. }) => assert_eq!(error.code, 404, "{credentials:?}: {error:?}"),
            other => panic!("{credentials:?}: {other:?}"),
        }
    }
}
