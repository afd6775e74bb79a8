//! Buffers that are used again: fresh memory for every piece would cost as much as reading it.

use std::sync::{Arc, Mutex, PoisonError};

/// Buffers that are not in use.
#[derive(Debug, Default)]
pub(super) struct BufferPool {
    free: Arc<Mutex<Vec<Vec<u8>>>>,
}

/// A buffer that returns to its pool when it is dropped, which the HTTP client does after sending
/// it.
#[derive(Debug)]
pub(super) struct PooledBuffer {
    pub(super) bytes: Vec<u8>,
    pool: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl BufferPool {
    /// A buffer of this length; what is in it is left from its last use.
    pub(super) fn take(&self, length: usize) -> PooledBuffer {
        let mut bytes = self
            .free
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop()
            .unwrap_or_default();
        bytes.resize(length, 0);
        PooledBuffer {
            bytes,
            pool: Arc::clone(&self.free),
        }
    }
}

impl AsRef<[u8]> for PooledBuffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for PooledBuffer {
    fn drop(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        self.pool
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(bytes);
    }
}
