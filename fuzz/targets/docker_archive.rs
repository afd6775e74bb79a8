//! What `docker save` writes, which is also what the engine exports.

#![no_main]

use ecs_bluegreen_fuzz::examine::examine;
use ecs_bluegreen_fuzz::tars::archive;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    examine("docker-archive:image.tar", |place| {
        std::fs::write(place.join("image.tar"), archive(data)).expect("room")
    });
});
