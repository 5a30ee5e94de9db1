//! Asks the devices of the configuration what they run.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use otactl::text::device_text;
use otactl::update::device_state::DeviceState;
use serde_json::{Map, Value, json};

use crate::cli::clock::rollback_time;
use crate::cli::config::Config;
use crate::cli::context::Context;
use crate::cli::failure::Failure;

/// How many devices are asked at a time.
const AT_A_TIME: usize = 32;

/// How long a device may take, unless `--timeout` is shorter.
const MAX_PROBE_TIME: Duration = Duration::from_secs(2);

/// What a device reported.
#[derive(Debug)]
pub(super) struct Probed(Result<DeviceState, Failure>);

/// Asks all devices of the configuration. The results have the order of the devices.
pub(super) async fn all(context: &Context, config: &Config) -> Vec<Probed> {
    let probes = config.devices.iter().map(|(name, _)| async { Probed(probe(context, config, name).await) });
    stream::iter(probes).buffered(AT_A_TIME).collect().await
}

async fn probe(context: &Context, config: &Config, name: &str) -> Result<DeviceState, Failure> {
    let context = context.of_device(config, name)?;
    let device = context.device().await?;
    let limit = device.timeout().min(MAX_PROBE_TIME);
    Ok(DeviceState::read(&device, limit).await?)
}

impl Probed {
    /// Returns the cells of a table: the id, the firmware, and the state or the error.
    pub(super) fn cells(&self) -> [String; 3] {
        match &self.0 {
            Ok(state) => {
                let app = device_text(&state.info.app);
                let runs = format!("{app} {}", state.build().version);
                [device_text(&state.info.id), runs.trim_start().into(), state_text(state)]
            }
            Err(failure) => ["-".into(), "-".into(), failure.message.clone()],
        }
    }

    /// Returns the fields of the device for programs.
    pub(super) fn json(&self) -> Map<String, Value> {
        let value = match &self.0 {
            Ok(state) => json!({
                "device": state.info.id,
                "app": state.info.app,
                "running": state.running(),
                "committed": state.boot.is_committed,
                "reverts_in": state.reverts_in().map(|left| left.as_secs()),
            }),
            Err(failure) => json!({ "error": failure.message, "exit_code": failure.kind.code() }),
        };
        match value {
            Value::Object(fields) => fields,
            _ => Map::new(),
        }
    }
}

fn state_text(state: &DeviceState) -> String {
    let slot = otactl::ota::slot_name(state.boot.active_slot);
    if state.boot.is_committed {
        return format!("{slot}, committed");
    }
    format!("{slot}, uncommitted, rolls back {}", rollback_time(state.reverts_in()))
}
