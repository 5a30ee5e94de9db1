use super::{Updater, UpdaterProgress};
use crate::sim::firmware::Firmware;
use crate::sim::generation::Generation;
use crate::sim::update_error::UpdateError;

fn running() -> Firmware {
    Firmware { app: "mgdev".into(), version: "1.0.0".into(), build_id: "factory".into(), platform: "esp32".into() }
}

fn bundle(path: &str) -> Vec<u8> {
    let path = format!("{}/tests/wire/{path}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(path).expect("the recorded bundle exists")
}

fn outcome(generation: Generation, path: &str, piece: usize) -> Result<Firmware, UpdateError> {
    let mut updater = Updater::new(generation, running());
    for bytes in bundle(path).chunks(piece) {
        updater.push(bytes)?;
    }
    updater.finish()
}

/// The network splits the stream anywhere. The outcome must not depend on that.
#[test]
fn recorded_bundle_in_pieces_of_any_size_has_recorded_outcome() {
    use Generation::{Y2018, Y2019, Y2022};
    for piece in [1, 7, 1460, 1 << 20] {
        for (generation, path, expected) in [
            (Y2018, "firmware/badsha.zip", UpdateError::Digest),
            (Y2018, "firmware/deflate.zip", UpdateError::Compressed),
            (Y2018, "firmware/junk.zip", UpdateError::Header),
            (Y2018, "firmware/nofs.zip", UpdateError::Incomplete),
            (Y2018, "firmware/noman.zip", UpdateError::NoManifest),
            (Y2018, "firmware/wrongplat.zip", UpdateError::Platform),
            (Y2019, "firmware2022/badcrc.zip", UpdateError::Crc),
            (Y2022, "firmware/good.zip", UpdateError::Size),
            (Y2022, "firmware2022/nosize.zip", UpdateError::Size),
            (Y2022, "firmware2022/flip.zip", UpdateError::Digest),
            (Y2022, "firmware2022/noplatform.zip", UpdateError::Platform),
            (Y2022, "firmware2022/nofs.zip", UpdateError::Incomplete),
            (Y2022, "firmware2022/trunc.zip", UpdateError::Unfinished),
        ] {
            assert_eq!(outcome(generation, path, piece), Err(expected), "{path} in pieces of {piece}, {generation:?}");
        }
        for (generation, path) in [
            (Y2018, "firmware/good.zip"),
            (Y2019, "firmware/good.zip"),
            (Y2019, "firmware2022/nosize.zip"),
            (Y2022, "firmware2022/small2.zip"),
            (Y2022, "firmware2022/medium2.zip"),
        ] {
            let firmware = outcome(generation, path, piece);
            let version = firmware.as_ref().map(|firmware| firmware.version.as_str());
            assert_eq!(version, Ok("2.0.0"), "{path} in pieces of {piece}, {generation:?}");
        }
    }
}

#[test]
fn bundle_since_2019_is_complete_with_last_byte_of_archive() {
    let bytes = bundle("firmware2022/small2.zip");
    for (generation, expected) in
        [(Generation::Y2018, UpdaterProgress::Complete), (Generation::Y2022, UpdaterProgress::More)]
    {
        let mut updater = Updater::new(generation, running());
        assert_eq!(updater.push(&bytes[..bytes.len() - 1]), Ok(expected), "{generation:?}");
        assert_eq!(updater.push(&bytes[bytes.len() - 1..]), Ok(UpdaterProgress::Complete), "{generation:?}");
    }
}

#[test]
fn bundle_of_running_version_is_installed_since_2019() {
    let bytes = bundle("firmware2022/small2.zip");
    let running = Firmware { version: "2.0.0".into(), build_id: "20240202-020202/g2222222".into(), ..running() };
    for (generation, expected) in
        [(Generation::Y2018, UpdaterProgress::NothingNew), (Generation::Y2022, UpdaterProgress::Complete)]
    {
        assert_eq!(Updater::new(generation, running.clone()).push(&bytes), Ok(expected), "{generation:?}");
    }
}

#[test]
fn spoiled_slot_causes_digest_mismatch() {
    let bytes = bundle("firmware2022/small2.zip");
    let mut updater = Updater::new(Generation::Y2022, running());
    assert_eq!(updater.push(&bytes[..700]), Ok(UpdaterProgress::More));
    updater.spoil();
    assert_eq!(updater.push(&bytes[700..]), Err(UpdateError::Digest));
}
