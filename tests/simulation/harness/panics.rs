//! Counts panics. A panic of a spawned task otherwise only closes a link or a channel.

use std::cell::Cell;
use std::sync::Once;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

/// Returns the number of panics on this thread since its first call in the process.
///
/// All tasks of a scenario run on one thread: those of the harness, of otactl and of the simulated device.
pub(crate) fn count() -> usize {
    static HOOK: Once = Once::new();

    HOOK.call_once(|| {
        let print = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            COUNT.set(COUNT.get() + 1);
            print(panic);
        }));
    });
    COUNT.get()
}
