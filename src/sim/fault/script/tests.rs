use std::time::{Duration, Instant};

use super::Faults;
use crate::sim::fault::Fault;
use crate::sim::fault::effects::{DownloadFault, ReplyDelivery};
use crate::sim::generation::Generation;
use crate::sim::wire::MethodError;

fn faults(texts: &[&str]) -> Faults {
    let faults: Vec<Fault> = texts.iter().map(|text| text.parse().unwrap_or_else(|e| panic!("{e}"))).collect();
    Faults::new(&faults)
}

#[test]
fn one_time_fault_given_twice_is_triggered_twice() {
    let now = Instant::now();
    let mut faults = faults(&["call-lost=A", "reply-lost=A", "reply-lost=A"]);
    assert!(faults.receives("B", now) && !faults.receives("A", now) && faults.receives("A", now));
    let deliveries = [(); 3].map(|()| faults.delivery("A", now));
    assert_eq!(deliveries, [ReplyDelivery::Never, ReplyDelivery::Never, ReplyDelivery::AtOnce]);
    let triggered: Vec<_> = faults.take_triggered().iter().map(ToString::to_string).collect();
    assert_eq!(triggered, ["call-lost=A", "reply-lost=A", "reply-lost=A"]);
    assert_eq!(faults.take_triggered(), []);
}

#[test]
fn repeated_fault_is_triggered_by_every_call() {
    let (now, late) = (Instant::now(), ReplyDelivery::Late(Duration::from_secs(3)));
    let mut faults = faults(&["reply-late=A:3s", "failures-unanswered"]);
    assert_eq!([(); 2].map(|()| faults.delivery("A", now)), [late, late]);
    for _ in 0..2 {
        assert!(faults.suppresses("OTA.Update", &Err(MethodError::bare(-1))));
    }
    assert!(!faults.suppresses("OTA.Update", &Err(MethodError::bare(0))), "code 0 is a success");
    assert!(!faults.suppresses("OTA.Commit", &Err(MethodError::bare(-1))));
}

#[test]
fn silence_ends_after_its_duration() {
    let start = Instant::now();
    let mut faults = faults(&["silent=A:2s"]);
    assert_eq!(faults.delivery("A", start), ReplyDelivery::AtOnce);
    let end = start + Duration::from_secs(2);
    assert!(!faults.receives("B", start));
    assert!(!faults.receives("B", start + Duration::from_millis(1999)));
    assert!(faults.receives("B", end));
    faults.delivery("A", end);
    assert!(faults.receives("B", end), "the silence occurs once");
}

#[test]
fn bundle_triggers_each_download_fault_once() {
    let mut faults = faults(&["cut-at=50%", "reboot-at=20", "stall-at=20"]);
    let triggered: Vec<_> = (0..=100).filter_map(|percent| Some((percent, faults.at_percent(percent)?))).collect();
    assert_eq!(triggered, [(20, DownloadFault::Reboot), (21, DownloadFault::Stall), (50, DownloadFault::CutOff)]);
    let mut faults = self::faults(&["cut-at=50%"]);
    assert_eq!(faults.at_percent(90), Some(DownloadFault::CutOff), "the percentage may grow in large steps");
}

#[test]
fn answer_fault_affects_new_firmware_only() {
    let faults = faults(&["answers=App.Health:{\"ok\":false}", "fails=Sys.GetInfo:500:hot", "commit-refused"]);
    assert_eq!(faults.answer("App.Health", true, Generation::Y2022), Some(Ok("{\"ok\":false}".into())));
    assert_eq!(faults.answer("Sys.GetInfo", true, Generation::Y2022), Some(Err(MethodError::new(500, "hot"))));
    assert_eq!(faults.answer("App.Health", false, Generation::Y2022), None);
    assert_eq!(faults.answer("OTA.Commit", false, Generation::Y2022), Some(Err(MethodError::bare(-1))));
    let faults = self::faults(&["not-modified"]);
    let update = |generation| faults.answer("OTA.Update", false, generation);
    assert_eq!(update(Generation::Y2018), Some(Err(MethodError::new(0, "Not Modified"))));
    assert_eq!(update(Generation::Y2019), Some(Ok("\"true\"".into())));
}

#[test]
fn garbled_three_garbles_every_third_reply() {
    let mut faults = faults(&["garbled=3", "noise"]);
    let garbled: Vec<_> = (1..=7).filter(|_| faults.next_line_effect().garbled).collect();
    assert_eq!(garbled, [3, 6]);
    assert_eq!(faults.next_line_effect().noise, Some(8));
}
