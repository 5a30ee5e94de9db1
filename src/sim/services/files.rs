//! The methods for files, as in the published library `rpc-service-fs`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::sim::device::SimulatedDevice;
use crate::sim::device::files::WriteError;
use crate::sim::services::args;
use crate::sim::services::replies::null;
use crate::sim::wire::{MethodError, Outcome, quoted};

/// The largest piece for which the device has memory, in bytes. A guess.
const MAX_PIECE: usize = 64 << 10;

/// Lists the names of the files. The file system is flat: every directory is the root directory.
pub(super) fn list(device: &SimulatedDevice) -> String {
    format!("[{}]", device.files().iter().map(|(name, _)| quoted(name)).collect::<Vec<_>>().join(","))
}

/// Lists the files with their sizes. In any directory but the root directory, no file is found.
pub(super) fn list_ext(device: &SimulatedDevice, params: &Value) -> String {
    let path = args::text(&params["path"]).unwrap_or_default();
    let in_directory = |name: &str| match path.trim_matches(['/', '.']) {
        "" => true,
        directory => device.files().get(&format!("{directory}/{name}")).is_some(),
    };
    let files = device.files().iter().filter(|(name, _)| in_directory(name));
    let entries = files.map(|(name, content)| format!(r#"{{"name": {}, "size": {}}}"#, quoted(name), content.len()));
    format!("[{}]", entries.collect::<Vec<_>>().join(","))
}

/// Reads a piece of a file.
pub(super) fn get(device: &SimulatedDevice, params: &Value) -> Outcome {
    let name = filename(params)?;
    let offset = args::integer(&params["offset"]).unwrap_or(0);
    let offset = usize::try_from(offset).map_err(|_| MethodError::new(400, "illegal offset"))?;
    let content = device.files().get(&name).ok_or_else(|| not_opened(&name))?;
    let rest = &content[offset.min(content.len())..];
    let len = args::integer(&params["len"]).and_then(|len| usize::try_from(len).ok()).unwrap_or(rest.len());
    let piece = &rest[..len.min(rest.len())];
    if piece.len() > MAX_PIECE {
        return Err(MethodError::new(500, "out of memory"));
    }
    Ok(format!(r#"{{"data": "{}", "left": {}}}"#, STANDARD.encode(piece), rest.len() - piece.len()))
}

/// Writes a piece of a file.
pub(super) fn put(device: &mut SimulatedDevice, params: &Value) -> Outcome {
    let name = filename(params)?;
    let data = args::text(&params["data"]).map(|text| args::base64(&text)).unwrap_or_default();
    let appends = params["append"] == Value::Bool(true);
    let has_offset = device.generation().is_compiled();
    let offset =
        args::integer(&params["offset"]).filter(|_| has_offset).and_then(|offset| usize::try_from(offset).ok());
    let files = device.files_mut();
    let written = match offset {
        None if appends => files.append(&name, &data),
        None | Some(0) => files.replace(&name, &data),
        Some(offset) => files.overwrite(&name, offset, &data),
    };
    written.map(null).map_err(|error| match error {
        WriteError::NotOpened => not_opened(&name),
        WriteError::BehindEnd => MethodError::new(400, format!("failed to seek to {}", offset.unwrap_or_default())),
        WriteError::Full => MethodError::new(500, "failed to write data"),
    })
}

pub(super) fn remove(device: &mut SimulatedDevice, params: &Value) -> Outcome {
    let name = filename(params)?;
    if device.files_mut().remove(&name) { Ok(null(())) } else { Err(MethodError::new(500, "remove failed")) }
}

pub(super) fn rename(device: &mut SimulatedDevice, params: &Value) -> Outcome {
    let (Some(from), Some(to)) = (args::text(&params["src"]), args::text(&params["dst"])) else {
        return Err(MethodError::new(400, "src and dst are required"));
    };
    if device.files_mut().rename(&from, &to) { Ok(null(())) } else { Err(MethodError::new(500, "rename failed")) }
}

/// Refuses to create, to mount or to unmount a file system: the simulated device has only one.
pub(super) fn refuse(method: &str, params: &Value) -> MethodError {
    let lacks = |name: &str| args::text(&params[name]).is_none();
    let lacks_device = lacks("dev_name") && lacks("dev_type");
    match method {
        "FS.Mkfs" if lacks_device || lacks("fs_type") => MethodError::new(400, "fs_type is required"),
        "FS.Mkfs" => MethodError::new(500, "mkfs failed"),
        "FS.Mount" if lacks("path") || lacks_device || lacks("fs_type") => {
            MethodError::new(400, "path and fs_type is required")
        }
        "FS.Mount" => MethodError::new(500, "mount failed"),
        _ if lacks("path") => MethodError::new(400, "path is required"),
        _ => MethodError::new(500, "umount failed"),
    }
}

fn filename(params: &Value) -> Result<String, MethodError> {
    let name = args::text(&params["filename"]);
    name.map(Into::into).ok_or_else(|| MethodError::new(400, "filename is required"))
}

fn not_opened(name: &str) -> MethodError {
    MethodError::new(400, format!("failed to open file \"{name}\""))
}
