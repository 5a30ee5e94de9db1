//! The property of firmware bundles, shared by tests/properties.rs and the fuzz target of the same name.

use otactl::bundle::archive::{self, ZipRecord};
use otactl::bundle::{Bundle, Manifest};
use otactl::sim::device::updater::Updater;
use otactl::sim::update_error::UpdateError;
use otactl::sim::{Firmware, Generation};

/// The largest manifest that the simulated device has room for, in bytes.
const MAX_DEVICE_MANIFEST: usize = 16 << 10;

/// Checks that a parsed manifest, written again, parses to the same.
///
/// A device accepts every bundle that otactl accepts, however the network splits it. The property also covers the bytes
/// with repaired checksums.
pub(crate) fn check(bytes: &[u8]) {
    if let Ok(manifest) = Manifest::parse(bytes) {
        assert_eq!(manifest.parts().count(), manifest.parts.len(), "each part has a part's shape");
        let again = serde_json::to_vec(&manifest).expect("JSON");
        assert_eq!(Manifest::parse(&again).ok(), Some(manifest));
    }
    check_bundle(bytes);
    check_bundle(&repaired(bytes));
}

fn check_bundle(bytes: &[u8]) {
    let Ok(bundle) = Bundle::from_bytes(bytes.to_vec()) else { return };
    assert_eq!(bundle.bytes(), bytes);
    let ZipRecord::Entry(first, _) = archive::next(bytes) else { panic!("a bundle begins with a file") };
    if first.size as usize > MAX_DEVICE_MANIFEST {
        return;
    }
    let manifest = bundle.manifest();
    let running = Firmware {
        app: manifest.name.clone(),
        version: format!("not {}", manifest.version),
        build_id: manifest.build_id.clone(),
        platform: manifest.platform.clone(),
    };
    for generation in [Generation::Y2018, Generation::Y2019, Generation::Y2022] {
        let outcomes = [1, 1460, bytes.len()].map(|piece| {
            let mut updater = Updater::new(generation, running.clone());
            bytes.chunks(piece).try_for_each(|piece| updater.push(piece).map(drop)).and_then(|()| updater.finish())
        });
        assert!(outcomes.iter().all(|outcome| *outcome == outcomes[0]), "{generation:?}: {outcomes:?}");
        match &outcomes[0] {
            Ok(firmware) => assert_eq!(
                (&firmware.version, &firmware.build_id),
                (&manifest.version, &manifest.build_id),
                "what the device of {generation:?} would run"
            ),
            // The platform of a device decides which parts are required.
            Err(UpdateError::Incomplete) => {}
            // The preflight checks warn of these.
            Err(UpdateError::Size | UpdateError::Extra) if generation == Generation::Y2022 => {}
            Err(failure) => panic!("{generation:?}: {failure:?}"),
        }
    }
}

/// Repairs the checksums of the files in a zip. Without that, hardly any damaged zip would pass the first check.
fn repaired(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let mut at = 0;
    while let ZipRecord::Entry(header, len) = archive::next(&bytes[at..]) {
        let data = at + len..(at + len).saturating_add(header.size as usize);
        let Some(crc32) = bytes.get(data.clone()).map(crc32fast::hash) else { break };
        bytes[at + 14..at + 18].copy_from_slice(&crc32.to_le_bytes());
        at = data.end;
    }
    bytes
}
