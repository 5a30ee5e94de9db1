//! Which credentials a device accepts.

use otactl::ota::{GetBootState, SetBootState};
use otactl::rpc::CallError;
use otactl::rpc::error::AuthRefusal;
use serde_json::Value;

use crate::support::transports::{CALL_TIMEOUT, DeviceAuth, PASSWORD, Setup};

/// Each refusal has its own error, and the device executes nothing for a refused client.
pub(crate) async fn wrong_credentials_are_refused(setup: Setup) {
    let bench = setup.start().await;
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
        match (setup.auth, device.call(change).await) {
            // A device without authentication ignores credentials.
            (DeviceAuth::Open, Ok(_)) => {
                device.call(SetBootState { revert_slot: Some(0), ..change }).await.expect("set back");
            }
            (DeviceAuth::Md5 | DeviceAuth::Sha256, Err(CallError::Unauthorised { method, refusal })) => {
                assert_eq!((method.as_str(), refusal), ("OTA.SetBootState", expected), "{credentials:?}");
            }
            (_, other) => panic!("{credentials:?}: {other:?}"),
        }
    }
    let device = bench.device(setup.credentials().as_deref());
    // The first call gets the challenge, the second one uses it.
    for _ in 0..2 {
        let state = device.call(GetBootState {}).await.expect("a boot state");
        assert_eq!(state.revert_slot, Some(0), "what was refused was not done");
    }
}

pub(crate) async fn unknown_method_is_reported_without_credentials(setup: Setup) {
    let bench = setup.start().await;
    for credentials in [None, Some("admin:wrong")] {
        match bench.device(credentials).call_raw("No.Such", Value::Null, true, CALL_TIMEOUT).await {
            Err(CallError::Remote { error, .. }) => assert_eq!(error.code, 404, "{credentials:?}: {error:?}"),
            other => panic!("{credentials:?}: {other:?}"),
        }
    }
}
