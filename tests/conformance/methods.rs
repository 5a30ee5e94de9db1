//! The typed methods: their results, and their effects on the device.

use otactl::ota::{
    BootState, Commit, CreateSnapshot, Describe, GetBootState, GetInfo, GetStatus, ListMethods, Ping, Reboot, Revert,
    SetBootState, Snapshot, Update, UpdateState,
};
use otactl::rpc::Device;
use otactl::sim::Generation;
use serde_json::{Value, json};

use crate::support::bundles::BundleServer;
use crate::support::transports::Setup;

/// Names a bundle that every generation accepts: its manifest has the sizes of its parts.
const GOOD: &str = "small2.zip";

const FACTORY: BootState =
    BootState { active_slot: Some(0), is_committed: true, revert_slot: Some(0), commit_timeout: 0 };

async fn boot_state(device: &Device) -> BootState {
    device.call(GetBootState {}).await.expect("a boot state")
}

async fn version(device: &Device) -> String {
    device.call(GetInfo {}).await.expect("an info").fw_version
}

/// Methods that read return the values of the device, and change nothing.
pub(crate) async fn read_only_methods_describe_the_device(setup: Setup) {
    let (bench, device) = setup.device().await;
    let info = device.call(GetInfo {}).await.expect("an info");
    assert_eq!((info.id.as_str(), info.app.as_str()), (bench.simulator.id(), "mgdev"), "{info:?}");
    assert_eq!((info.fw_version.as_str(), info.arch.as_str()), ("1.0.0", "esp32"), "{info:?}");
    assert_eq!(info.address().map(|ip| ip.is_loopback()), Some(true), "{info:?}");
    let status = device.call(GetStatus {}).await.expect("a status");
    assert_eq!((status.state, status.message.as_str()), (UpdateState::Idle, "idle"), "{status:?}");
    let methods = device.call(ListMethods {}).await.expect("a list");
    assert!(methods.iter().any(|name| name == "OTA.Update"), "{methods:?}");
    for name in methods {
        let description = device.call(Describe { name: name.clone() }).await.expect("a description");
        assert_eq!(description.name, name, "{description:?}");
    }
    let ping = device.call(Ping {}).await.expect("an answer");
    assert!(ping["channel_info"].is_string(), "{ping}");
    assert_eq!(boot_state(&device).await, FACTORY);
}

/// A missing field keeps its value.
pub(crate) async fn boot_state_is_set_field_by_field(setup: Setup) {
    let (_bench, device) = setup.device().await;
    let nothing = SetBootState::default();
    for (set, expected) in [
        (SetBootState { revert_slot: Some(1), ..nothing }, BootState { revert_slot: Some(1), ..FACTORY }),
        (
            SetBootState { commit_timeout: Some(600), ..nothing },
            BootState { revert_slot: Some(1), commit_timeout: 600, ..FACTORY },
        ),
        (
            SetBootState { active_slot: Some(1), revert_slot: Some(0), ..nothing },
            BootState { active_slot: Some(1), commit_timeout: 600, ..FACTORY },
        ),
        (
            SetBootState { active_slot: Some(0), is_committed: Some(false), commit_timeout: Some(0), ..nothing },
            BootState { is_committed: false, ..FACTORY },
        ),
    ] {
        device.call(set).await.unwrap_or_else(|e| panic!("{set:?}: {e}"));
        assert_eq!(boot_state(&device).await, expected, "{set:?}");
    }
}

pub(crate) async fn snapshot_set_as_revert_is_committed(setup: Setup) {
    let (_bench, device) = setup.device().await;
    let plain = device.call(CreateSnapshot::default()).await.expect("a snapshot");
    assert_eq!((plain, boot_state(&device).await), (Snapshot { slot: Some(1) }, FACTORY));
    let trial = CreateSnapshot { set_as_revert: Some(true), commit_timeout: Some(300) };
    assert_eq!(device.call(trial).await.expect("a snapshot"), Snapshot { slot: Some(1) });
    let pending = BootState { is_committed: false, revert_slot: Some(1), commit_timeout: 300, ..FACTORY };
    assert_eq!(boot_state(&device).await, pending);
    device.call(Commit {}).await.expect("committed");
    assert_eq!(boot_state(&device).await, BootState { is_committed: true, commit_timeout: 0, ..pending });
}

pub(crate) async fn revert_boots_the_revert_slot(setup: Setup) {
    let (mut bench, device) = setup.device().await;
    let trial = CreateSnapshot { set_as_revert: Some(true), commit_timeout: Some(300) };
    device.call(trial).await.expect("a snapshot");
    device.call(Revert {}).await.expect("reverted");
    bench.wait_for_reboot(&device).await;
    // The old commit timeout stays in the boot state.
    let expected = BootState { active_slot: Some(1), revert_slot: Some(1), commit_timeout: 300, ..FACTORY };
    assert_eq!(boot_state(&device).await, expected);
}

pub(crate) async fn reboot_keeps_the_boot_state(setup: Setup) {
    let (mut bench, device) = setup.device().await;
    device.call(SetBootState { revert_slot: Some(1), ..SetBootState::default() }).await.expect("set");
    device.call(Reboot { delay_ms: Some(0) }).await.expect("a reboot");
    bench.wait_for_reboot(&device).await;
    assert_eq!(boot_state(&device).await, BootState { revert_slot: Some(1), ..FACTORY });
    device.call(Reboot::default()).await.expect("a reboot, after the usual delay");
    bench.wait_for_reboot(&device).await;
    assert_eq!(boot_state(&device).await, BootState { revert_slot: Some(1), ..FACTORY });
}

/// Returns the reply to a successful `OTA.Update`: an error with code 0 and `words` in 2018, a fixed string since 2019.
///
/// A caller that takes code 0 for a failure gives up on a firmware that is about to boot.
fn success_of(setup: Setup, words: &str) -> Value {
    match setup.generation {
        Generation::Y2018 => json!({"code": 0, "message": words}),
        Generation::Y2019 | Generation::Y2022 => json!("true"),
    }
}

pub(crate) async fn update_reply_is_success(setup: Setup) {
    let bundles = BundleServer::start().await;
    let (mut bench, device) = setup.device().await;
    let update = Update { url: bundles.url(GOOD), commit_timeout: 300, timeout: 60 };
    let applied = device.call(update).await.expect("a success");
    assert_eq!(applied, success_of(setup, "Update applied, finalizing"));
    bench.wait_for_reboot(&device).await;
    assert_eq!(version(&device).await, "2.0.0");
    let pending = BootState { active_slot: Some(1), is_committed: false, revert_slot: Some(0), commit_timeout: 300 };
    assert_eq!(boot_state(&device).await, pending);
    device.call(Commit {}).await.expect("committed");
    device.call(Reboot { delay_ms: Some(0) }).await.expect("a reboot");
    bench.wait_for_reboot(&device).await;
    assert_eq!(version(&device).await, "2.0.0", "what is committed stays");
}

pub(crate) async fn not_modified_is_success(setup: Setup) {
    let bundles = BundleServer::start().await;
    let (mut bench, device) = setup.device().await;
    let update = Update { url: bundles.url("h304/x"), commit_timeout: 300, timeout: 60 };
    let unchanged = device.call(update).await.expect("a success");
    assert_eq!(unchanged, success_of(setup, "Not Modified"));
    assert_eq!(boot_state(&device).await, FACTORY);
    assert!(!bench.take_printed().iter().any(|line| line == "rebooting"), "there is nothing to reboot for");
}
